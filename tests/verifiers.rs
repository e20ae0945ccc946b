//! Permission tokens at verifiers that the project did not write, and at its own.

pub(crate) mod interpreters;

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use vestibule_test_support::TestDatabase;
use vestibule_test_support::forge::parts_of;
use vestibule_verifier::{Verifier, VerifyError};

use crate::world::World;
use interpreters::{node, python, run, run_well};

/// How a service of dgp-oauth2 reads a token: the PEM, the algorithm, and nothing else.
const PYJWT_WITH_PEM: &str = "import json, sys, jwt
token, pem = sys.argv[1:]
print(json.dumps(jwt.decode(token, pem, algorithms=['RS256'])))";

const PYJWT_WITH_KEY_SET: &str = "import json, sys, jwt
token, address = sys.argv[1:]
key = jwt.PyJWKClient(address).get_signing_key_from_jwt(token)
print(json.dumps(jwt.decode(token, key, algorithms=['RS256'])))";

const NODE_WITH_PEM: &str = "const { verify } = require('node:crypto');
const [token, pem] = process.argv.slice(1);
const [header, payload, signature] = token.split('.');
console.log(verify('RSA-SHA256', Buffer.from(`${header}.${payload}`), pem, Buffer.from(signature, 'base64url')));";

/// The service, somebody who is signed in, and their permission token for `storage`.
struct Stage {
    world: World,
    user_token: String,
    token: String,
}

impl Stage {
    async fn set() -> Self {
        let world = World::on(TestDatabase::sqlite()).await;
        let user_token = world.sign_in("google", "ada").await;
        let answer = world.get_as(&user_token, "/auth/authorize?service=storage").await.json();
        let token = answer["token"].as_str().expect("a token").to_owned();
        Self { world, user_token, token }
    }

    async fn pem(&self) -> String {
        self.world.browser().get("/auth/public-key").await.body
    }

    async fn key_set(&self) -> String {
        self.world.browser().get("/.well-known/jwks.json").await.body
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e2_pyjwt_with_the_pem_alone_accepts_a_permission_token_and_refuses_a_user_token() {
    let stage = Stage::set().await;
    let pem = stage.pem().await;
    let decode = |token: &str| {
        let mut command = python();
        command.args(["-c", PYJWT_WITH_PEM, token, &pem]);
        command
    };
    let claims: Value = run_well(decode(&stage.token)).parse().unwrap();
    assert_eq!(claims, parts_of(&stage.token).1);
    assert_eq!(claims["service"], "storage");
    assert_eq!(
        claims["permissions"]["provider-token"],
        format!("storage-{}", claims["userid"].as_str().unwrap())
    );

    let refused = run(decode(&stage.user_token));
    assert_eq!(refused.status.code(), Some(1));
    let reason = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(reason.contains("InvalidAudienceError"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pyjwt_finds_the_key_of_a_token_in_the_key_set() {
    let stage = Stage::set().await;
    let mut command = python();
    let address = format!("{}/.well-known/jwks.json", stage.world.program.base_url());
    command.args(["-c", PYJWT_WITH_KEY_SET, &stage.token, &address]);
    let claims: Value = run_well(command).parse().unwrap();
    assert_eq!(claims, parts_of(&stage.token).1);
}

#[tokio::test(flavor = "multi_thread")]
async fn node_verifies_with_the_pem_and_what_it_has_built_in() {
    let stage = Stage::set().await;
    let pem = stage.pem().await;
    let verify = |token: &str| {
        let mut command = node();
        command.args(["-e", NODE_WITH_PEM, token, &pem]);
        run_well(command)
    };
    assert_eq!(verify(&stage.token), "true\n");
    let (front, signature) = stage.token.rsplit_once('.').unwrap();
    assert_eq!(verify(&format!("{front}A.{signature}")), "false\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_verifier_takes_either_form_of_the_keys() {
    let stage = Stage::set().await;
    let user = stage.world.profile(&stage.user_token).await["id"].clone();
    let of_service = |service: &str| Verifier::new(stage.world.program.base_url(), service);
    let with_pem = of_service("storage").with_public_key_pem(&stage.pem().await).unwrap();
    let with_key_set = of_service("storage").with_jwks(&stage.key_set().await).unwrap();
    for verifier in [with_pem, with_key_set] {
        let grant = verifier.verify(&stage.token, now()).unwrap();
        assert_eq!(grant.user_id, user.as_str().unwrap());
        assert!(!grant.allows("provider-token"), "a text is not a yes");
        assert_eq!(verifier.verify(&stage.user_token, now()), Err(VerifyError::Kind));
        let past_the_leeway = grant.expires_at + 60;
        assert_eq!(verifier.verify(&stage.token, past_the_leeway), Err(VerifyError::Expired));
    }
    let other = of_service("reports").with_jwks(&stage.key_set().await).unwrap();
    assert_eq!(other.verify(&stage.token, now()), Err(VerifyError::Service));
}

#[expect(clippy::disallowed_methods, reason = "a verifier goes by the machine's clock")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
