//! The pages that people see, and what they are made of. All of it is inside the program.

use askama::Template;
use poem::http::header;
use poem::web::Html;
use poem::{Endpoint, IntoResponse, Response, Route, get};
use vestibule_domain::ServiceName;
use vestibule_flows::{ProviderLink, ProviderTitle};

/// The service's own page.
#[derive(Template)]
#[template(path = "index.html")]
struct HomePage<'a> {
    /// What the scripts of the page show: `demo` or `home`.
    mode: &'a str,
    /// The services that the demonstration offers, separated by spaces.
    services: &'a str,
    /// What people call the providers.
    providers: &'a [ProviderTitle],
}

/// A plain page that says what happened.
#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    title: &'a str,
    message: &'a str,
    request_id: &'a str,
}

/// Where people choose how to sign in.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignInPage<'a> {
    /// What went wrong or has to be said, in a sentence of ours.
    pub(crate) notice: Option<&'a str>,
    /// Whether that is what went wrong.
    pub(crate) is_error: bool,
    /// Who is signed in already, as people read it.
    pub(crate) signed_in: Option<&'a str>,
    /// The page that follows.
    pub(crate) next: &'a str,
    /// The providers, each with an address that begins a sign-in there.
    pub(crate) links: &'a [ProviderLink],
}

/// Scripts and styles come from files of ours alone; pictures may come from a provider, over https.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Path, content type and text of each file that the pages need.
const ASSETS: &[(&str, &str, &str)] = &[
    ("/assets/app.js", SCRIPT, include_str!("../assets/app.js")),
    ("/assets/demo.js", SCRIPT, include_str!("../assets/demo.js")),
    ("/assets/service.js", SCRIPT, include_str!("../assets/service.js")),
    ("/assets/verify.js", SCRIPT, include_str!("../assets/verify.js")),
    ("/assets/home.css", STYLE, include_str!("../assets/home.css")),
    ("/assets/style.css", STYLE, include_str!("../assets/style.css")),
    ("/assets/logo.svg", "image/svg+xml", include_str!("../assets/logo.svg")),
    // Browsers ask for it on pages that name no icon, such as the API reference.
    ("/favicon.ico", "image/svg+xml", include_str!("../assets/logo.svg")),
];

/// Adds `/` and the files of [`ASSETS`].
pub(crate) fn add_routes(
    routes: Route,
    providers: &[ProviderTitle],
    demo_services: Option<&[ServiceName]>,
) -> Route {
    let home = home(providers, demo_services);
    let routes = routes.at("/", get(poem::endpoint::make_sync(move |_| page(home.clone()))));
    ASSETS
        .iter()
        .fold(routes, |routes, (path, content_type, text)| routes.at(*path, get(asset(text, content_type))))
}

/// The service's own page: the demonstration if there are services for it, else the sign-in buttons or the profile.
fn home(providers: &[ProviderTitle], demo_services: Option<&[ServiceName]>) -> String {
    let services: Vec<_> = demo_services.into_iter().flatten().map(ToString::to_string).collect();
    let mode = if demo_services.is_some() { "demo" } else { "home" };
    rendered(&HomePage { mode, services: &services.join(" "), providers })
}

fn asset(text: &'static str, content_type: &'static str) -> impl Endpoint {
    poem::endpoint::make_sync(move |_| {
        text.with_content_type(content_type).with_header(header::CACHE_CONTROL, "no-cache").into_response()
    })
}

/// The page where people choose how to sign in.
pub(crate) fn sign_in(content: &SignInPage<'_>) -> Response {
    // Under the policy of other pages its form would be of the origin "null".
    page(rendered(content)).with_header(header::REFERRER_POLICY, "same-origin").into_response()
}

fn page(html: String) -> Response {
    Html(html).with_header(header::CONTENT_SECURITY_POLICY, PAGE_POLICY).into_response()
}

/// A page that says what happened and what to do, and offers to start again.
pub(crate) fn message(title: &str, message: &str, request_id: &str) -> Response {
    page(rendered(&MessagePage { title, message, request_id }))
}

fn rendered(template: &impl Template) -> String {
    // Writing into memory cannot fail, and none of the templates calls what could.
    template.render().unwrap_or_default()
}
