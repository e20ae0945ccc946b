//! What holds for every `next`.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tokio::runtime::Runtime;
use url::Url;

use super::*;

/// The pieces of a `next` at an allowed origin, so that what is to become of it is known without taking it apart.
#[derive(Debug, Clone)]
struct Pieces {
    origin: &'static str,
    path: String,
    parameters: Option<Vec<String>>,
    fragment: Option<String>,
}

impl Pieces {
    fn next(&self) -> String {
        let query = self.parameters.as_ref().map(|all| format!("?{}", all.join("&")));
        self.around(&query.unwrap_or_default())
    }

    fn end(&self) -> String {
        let all = self.parameters.clone().unwrap_or_default();
        let mut kept: Vec<_> = all.into_iter().filter(|one| !TOKENS.contains(&one.as_str())).collect();
        if kept == [""] {
            kept.clear();
        }
        kept.push("jwt=TOKEN".to_owned());
        self.around(&format!("?{}", kept.join("&")))
    }

    fn around(&self, query: &str) -> String {
        let fragment = self.fragment.as_ref().map(|fragment| format!("#{fragment}")).unwrap_or_default();
        format!("{}{}{query}{fragment}", self.origin, self.path)
    }
}

/// Parameters that a reader of the query would take for the token.
const TOKENS: [&str; 5] = ["jwt=old", "jwt", "jwt=", "%6awt=old", "j%77%74=a+b"];

fn pieces() -> impl Strategy<Value = Pieces> {
    let origin = prop::sample::select(ALLOWED.to_vec());
    let path = "(/[!\"$-.0-;=>@-\\[\\]-~]{0,12}){0,3}";
    let other = "[a-ik-z%+._~@:/?!$'()*,;{}|^`\"<>=A-Z0-9-]{0,16}";
    let parameter = prop_oneof![3 => other.prop_map(String::from), 1 => prop::sample::select(TOKENS.to_vec()).prop_map(String::from)];
    let parameters = prop::option::of(prop::collection::vec(parameter, 1..5));
    let fragment = prop::option::of("[!-\\[\\]-~]{0,16}");
    (origin, path, parameters, fragment).prop_map(|(origin, path, parameters, fragment)| Pieces {
        origin,
        path,
        parameters,
        fragment,
    })
}

fn cases(count: u32) -> TestRunner {
    TestRunner::new(Config { cases: count, failure_persistence: None, ..Config::default() })
}

/// One app for all cases of a property.
fn standing() -> (Runtime, TestApp) {
    let runtime = Runtime::new().unwrap();
    let app = runtime.block_on(TestApp::new());
    (runtime, app)
}

#[test]
fn a6_every_other_byte_of_next_survives_a_whole_sign_in() {
    let (runtime, app) = standing();
    let checked = cases(64).run(&pieces(), |pieces| {
        runtime.block_on(async {
            let next = pieces.next();
            let [check, _] = ask(&app.anonymous(), &next).await;
            prop_assert_eq!(check.status.as_u16(), 200, "{} {}", next, check.body);
            prop_assert_eq!(end_of_sign_in(&app, &next).await, pieces.end());
            Ok(())
        })
    });
    checked.unwrap();
}

/// Texts that look like addresses: most are refused, and whatever is not leads where it may.
#[test]
fn a3_whatever_is_accepted_leads_to_an_allowed_origin() {
    let (runtime, app) = standing();
    let text = "(https?:)?[/\\\\@]{0,3}(app\\.example\\.com|evil\\.tld|localhost)?(:[0-9]{0,4})?[ -~\\t\\n\u{e4}]{0,16}(app\\.example\\.com|evil\\.tld)?";
    let checked = cases(256).run(&text, |text| runtime.block_on(assert_safe(&app, &text)));
    checked.unwrap();
}

async fn assert_safe(app: &TestApp, next: &str) -> Result<(), TestCaseError> {
    let [check, login] = ask(&app.anonymous(), next).await;
    if next.is_empty() || check.status != 200 {
        prop_assert!(next.is_empty() || (check.status == 400 && login.status == 400), "{next:?}");
        return Ok(());
    }
    prop_assert_eq!(login.status.as_u16(), 303);
    let origin = Url::parse(next).unwrap().origin().ascii_serialization();
    prop_assert!(ALLOWED.contains(&origin.as_str()), "{next:?}");
    let link = Url::parse(check.json()["providers"]["google"]["url"].as_str().unwrap()).unwrap();
    prop_assert_eq!(vestibule_test_support::parameter(&link, "next"), Some(next.to_owned()));
    Ok(())
}
