//! What pages repeat of a request, and which scripts they allow.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::app::TestApp;
use crate::clients::ApiClient as _;

#[tokio::test(flavor = "multi_thread")]
async fn g9_what_a_page_repeats_is_escaped() {
    let app = TestApp::new().await;
    let browser = app.anonymous();
    let script = "%3Cscript%3Ealert(1)%3C/script%3E%22%27";
    for address in [
        format!("/auth/oauth_callback?error={script}&error_description={script}"),
        format!("/auth/oauth_callback?state={script}&code={script}"),
        format!("/auth/oauth_callback?{script}=1&{script}=2"),
        format!("/auth/callback/{script}?state={script}"),
        format!("/auth/login/{script}"),
        format!("/auth/login/google?next={script}"),
        format!("/{script}"),
        format!("/?services={script}"),
        format!("/auth/check?{script}=1&{script}=2"),
    ] {
        let answer = browser.get(&address).await;
        let is_json = answer.header("content-type") == Some("application/json; charset=utf-8");
        assert!(is_json || !answer.body.contains("<script>alert"), "{address}: {}", answer.body);
    }
}

/// The page has its scripts inside. A policy that does not know them shows an empty page.
#[tokio::test(flavor = "multi_thread")]
async fn g9_the_policy_of_the_reference_allows_its_own_scripts_and_no_others() {
    let app = TestApp::new().await;
    let page = app.anonymous().get("/docs").await;
    let policy = page.header("content-security-policy").unwrap();
    let allowed: Vec<_> = policy.split([' ', ';']).filter(|source| source.starts_with("'sha256-")).collect();
    let mut rest = page.body.as_str();
    let mut scripts = Vec::new();
    while let Some((_, tag)) = rest.split_once("<script") {
        let (attributes, text) = tag.split_once('>').unwrap();
        assert!(!attributes.contains("src"), "{attributes}: nothing is loaded from elsewhere");
        let (script, behind) = text.split_once("</script>").unwrap();
        scripts.push(format!("'sha256-{}'", BASE64_STANDARD.encode(digest(&SHA256, script.as_bytes()))));
        rest = behind;
    }
    assert_eq!(scripts, allowed);
    assert!(scripts.len() > 1, "there are scripts");
}
