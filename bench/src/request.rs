//! Requests as bytes.

use std::fmt::Write as _;
use std::net::SocketAddr;

/// A GET with these headers besides `Host`.
pub(crate) fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    write("GET", address, path, headers, "")
}

/// A POST of a form.
pub(crate) fn post(address: SocketAddr, path: &str, headers: &[(&str, &str)], form: &str) -> Vec<u8> {
    post_as("application/x-www-form-urlencoded", address, path, headers, form)
}

/// A POST of JSON.
pub(crate) fn post_json(address: SocketAddr, path: &str, headers: &[(&str, &str)], json: &str) -> Vec<u8> {
    post_as("application/json", address, path, headers, json)
}

fn post_as(kind: &str, address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let length = body.len().to_string();
    let own = [("Content-Type", kind), ("Content-Length", length.as_str())];
    write("POST", address, path, &[headers, own.as_slice()].concat(), body)
}

fn write(method: &str, address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n");
    for (name, value) in headers {
        // Writing to a text cannot fail.
        write!(text, "{name}: {value}\r\n").ok();
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_how_long_it_is() {
        let request = post("127.0.0.1:80".parse().unwrap(), "/a", &[("X", "y")], "b=c");
        let text = "POST /a HTTP/1.1\r\nHost: 127.0.0.1:80\r\nX: y\r\n\
                    Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\nb=c";
        assert_eq!(String::from_utf8(request).unwrap(), text);
    }
}
