//! The least that can answer the plugin `webhook`: a thread for each connection, and one answer for everything.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// What the requests are signed with. The receiver believes them.
pub(crate) const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

const BODY: &str = "{\"permissions\":{\"provider-token\":\"webhook-instant\"}}";

/// Starts it, and says where it is.
pub(crate) fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            thread::spawn(move || serve(connection));
        }
    });
    format!("http://{address}/")
}

/// Answers until the other side hangs up.
fn serve(mut connection: TcpStream) -> Option<()> {
    connection.set_nodelay(true).ok()?;
    let length = BODY.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{BODY}"
    );
    let mut reader = BufReader::new(connection.try_clone().ok()?);
    loop {
        let mut body = vec![0; read_head(&mut reader)?];
        reader.read_exact(&mut body).ok()?;
        connection.write_all(answer.as_bytes()).ok()?;
    }
}

/// The length of the body that follows.
fn read_head(reader: &mut BufReader<TcpStream>) -> Option<usize> {
    let (mut length, mut line) = (0, String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().ok()?;
            }
            None if line.trim_end().is_empty() => return Some(length),
            Some(_) | None => {}
        }
    }
}
