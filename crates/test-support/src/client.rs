//! A client that behaves like a browser without a window: it keeps cookies and shows every single answer.

mod answer;
mod cookies;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Method, RequestBuilder, header, redirect};
use url::Url;

pub use answer::Answer;
use cookies::Cookies;

/// One browser: a cookie jar of its own, no redirect followed unless asked.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    cookies: Mutex<Cookies>,
}

impl Client {
    /// A browser without cookies; relative addresses are those of `base_url`.
    pub fn new(base_url: &str) -> Self {
        let http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .no_gzip()
            // Everything under test is on loopback; loading the machine's certificates would only take time.
            .tls_certs_only([])
            .timeout(Duration::from_secs(60))
            .build()
            .expect("a client can be built");
        Self { http, base: Url::parse(base_url).expect("a base address"), cookies: Mutex::default() }
    }

    /// GET of a path such as `/auth/check?jwt=` or of a whole address.
    pub async fn get(&self, address: &str) -> Answer {
        self.send(self.request(Method::GET, address)).await
    }

    /// POST of a form.
    pub async fn post_form(&self, address: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.request(Method::POST, address).form(fields)).await
    }

    /// A request with this browser's cookies, for tests that add to it. [`Client::send`] sends it.
    pub fn request(&self, method: Method, address: &str) -> RequestBuilder {
        let url = self.base.join(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        let cookies = self.jar(|jar| jar.header_for(&url));
        let request = self.http.request(method, url);
        if cookies.is_empty() { request } else { request.header(header::COOKIE, cookies) }
    }

    /// Sends a request and keeps the cookies of the answer.
    ///
    /// # Panics
    ///
    /// When there is no answer; [`Client::try_send`] is for tests that expect none.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).await.unwrap_or_else(|error| panic!("no answer: {error:?}"))
    }

    /// As [`Client::send`], for a server that may be gone or break off.
    pub async fn try_send(&self, request: RequestBuilder) -> Result<Answer, reqwest::Error> {
        let response = request.send().await?;
        self.jar(|jar| jar.keep_all(response.url(), response.headers()));
        Answer::read(response).await
    }

    /// GET of the address that a redirect leads to.
    pub async fn follow(&self, redirect: &Answer) -> Answer {
        self.get(redirect.location().as_str()).await
    }

    /// GET that follows redirects for as long as `while_at` says yes to the next address.
    pub async fn follow_while(&self, mut answer: Answer, while_at: impl Fn(&Url) -> bool) -> Answer {
        for _ in 0..20 {
            if !answer.status.is_redirection() || !while_at(&answer.location()) {
                return answer;
            }
            answer = self.follow(&answer).await;
        }
        panic!("more than 20 redirects, now at {}", answer.url);
    }

    /// The value of a cookie, whichever host and path it is for.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar(|jar| jar.find(name))
    }

    /// The names of all cookies.
    pub fn cookie_names(&self) -> Vec<String> {
        self.jar(|jar| jar.names())
    }

    /// Gives the browser a cookie for the base address.
    pub fn set_cookie(&self, set_cookie: &str) {
        self.jar(|jar| jar.keep(&self.base, set_cookie));
    }

    /// Forgets every cookie.
    pub fn forget_cookies(&self) {
        self.jar(|jar| *jar = Cookies::default());
    }

    fn jar<T>(&self, use_it: impl FnOnce(&mut Cookies) -> T) -> T {
        use_it(&mut self.cookies.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Sends `/first` to `/second` with a cookie, and shows the head of any other request as JSON.
    async fn server() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.expect("a whole request"));
                }
                let answer = answer_to(&String::from_utf8_lossy(&head));
                stream.write_all(answer.as_bytes()).await.expect("an open connection");
            }
        });
        format!("http://{address}")
    }

    fn answer_to(head: &str) -> String {
        if head.starts_with("GET /first ") {
            let redirect = "Location: /second?state=a%20b\r\nSet-Cookie: seen=1; Path=/";
            return format!(
                "HTTP/1.1 303 See Other\r\n{redirect}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
        }
        let body = serde_json::json!({ "head": head.to_lowercase() }).to_string();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn a_redirect_is_shown_and_followed_only_when_asked_and_cookies_go_along() {
        let client = Client::new(&server().await);
        let redirect = client.get("/first").await;
        assert_eq!(redirect.status, reqwest::StatusCode::SEE_OTHER);
        assert_eq!(redirect.location_parameter("state").as_deref(), Some("a b"));
        assert_eq!(client.cookie("seen").as_deref(), Some("1"));

        let page = client.follow(&redirect).await;
        assert_eq!(page.url.path(), "/second");
        assert!(page.json()["head"].as_str().is_some_and(|head| head.contains("cookie: seen=1\r\n")));

        client.forget_cookies();
        let page = client.follow_while(client.get("/first").await, |next| next.path() != "/third").await;
        assert!(page.status.is_success());
    }
}
