//! The OpenAPI document, as files and as a page.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use poem::http::header;
use poem::web::Html;
use poem::{IntoResponse, Response, Route, get};

use crate::endpoints;

/// The document in YAML: what `vestibule openapi` prints and the repository keeps.
pub fn openapi_yaml() -> String {
    endpoints::document().spec_yaml()
}

/// Adds `/openapi.json`, `/openapi.yaml` and `/docs`.
pub(crate) fn add_routes(routes: Route) -> Route {
    let document = endpoints::document();
    let (json, yaml) = (document.spec(), document.spec_yaml());
    let page = document.swagger_ui_html();
    let policy = policy_of(&page);
    routes
        .at("/openapi.json", get(text(json, "application/json; charset=utf-8")))
        .at("/openapi.yaml", get(text(yaml, "application/yaml; charset=utf-8")))
        .at("/docs", get(poem::endpoint::make_sync(move |_| show(&page, &policy))))
}

fn text(body: String, content_type: &'static str) -> impl poem::Endpoint {
    poem::endpoint::make_sync(move |_| body.clone().with_content_type(content_type).into_response())
}

fn show(page: &str, policy: &str) -> Response {
    Html(page.to_owned()).with_header(header::CONTENT_SECURITY_POLICY, policy).into_response()
}

/// The page has its scripts inside. Each is allowed by its hash, so that nothing else can run.
fn policy_of(page: &str) -> String {
    let digest = |script: &str| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, script.as_bytes());
    let hashes: Vec<_> = inline_scripts(page)
        .map(|script| format!("'sha256-{}'", BASE64_STANDARD.encode(digest(script))))
        .collect();
    let hashes = hashes.join(" ");
    format!(
        "default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src 'self' data:; font-src data:; \
         connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
}

/// The text of each script. It may itself speak of `<script`, so the search goes on behind its end.
fn inline_scripts(page: &str) -> impl Iterator<Item = &str> {
    let mut rest = page;
    std::iter::from_fn(move || {
        let (_, tag) = rest.split_once("<script")?;
        let (script, behind) = tag.split_once('>')?.1.split_once("</script>")?;
        rest = behind;
        Some(script)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_speaks_of_scripts_is_one_script() {
        let page =
            r#"<p><script charset="UTF-8">a = "<script>" + "<script src=b>";</script><script>b()</script>"#;
        let scripts: Vec<_> = inline_scripts(page).collect();
        assert_eq!(scripts, [r#"a = "<script>" + "<script src=b>";"#, "b()"]);
    }
}
