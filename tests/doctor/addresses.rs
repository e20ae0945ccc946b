//! The external address: where it leads, and what the proxies on the way add.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use vestibule_test_support::{Client, ProgramBuilder, TestDatabase, free_port};

use super::Ward;
use crate::world::{World, WorldBuilder};

/// The lines about the address of a service that runs, when people reach it at `address`.
async fn lines(world: &World) -> Vec<String> {
    let out = String::from_utf8(world.program.run(&["doctor"]).await.stdout).unwrap();
    let about = |line: &&str| ["address", "proxies"].contains(&line.split_whitespace().nth(1).unwrap());
    out.lines().filter(about).map(str::to_owned).collect()
}

/// A service that tells at `ADMIN_LISTEN`.
fn telling() -> WorldBuilder {
    World::builder(TestDatabase::sqlite()).with_metrics()
}

/// A server that sends every connection on to `target`, with `added` behind the first line of its request.
async fn proxy_to(target: u16, added: &'static str) -> u16 {
    proxy_by_path(move |_| target, added).await
}

/// The same to the target of the path.
async fn proxy_by_path(choose: impl Fn(&str) -> u16 + Send + Sync + 'static, added: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, choose) = (listener.local_addr().unwrap().port(), Arc::new(choose));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let choose = Arc::clone(&choose);
            tokio::spawn(async move {
                let (mut client, mut first) = (BufReader::new(client), String::new());
                client.read_line(&mut first).await.unwrap();
                let target = choose(first.split(' ').nth(1).unwrap());
                let mut service = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
                service.write_all(format!("{first}{added}Connection: close\r\n").as_bytes()).await.unwrap();
                drop(copy_bidirectional(&mut client, &mut service).await);
            });
        }
    });
    port
}

/// A server that answers everything so.
async fn server_that_says(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut client, mut first) = (BufReader::new(client), String::new());
                drop(client.read_line(&mut first).await);
                drop(client.write_all(answer.as_bytes()).await);
            });
        }
    });
    port
}

fn port_of(base_url: &str) -> u16 {
    base_url.rsplit(':').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_proxy_none_is_in_front() {
    let world = telling().start().await;
    let base = world.program.base_url();
    let expected = [
        format!("ok       address {base}: it leads to this service"),
        format!("ok       proxies {base}: none is in front: the request came from 127.0.0.1"),
    ];
    assert_eq!(lines(&world).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_the_settings_do_not_name() {
    let stage = telling();
    let port =
        proxy_to(port_of(&stage.base_url()), "X-Forwarded-For: 203.0.113.9\r\nVia: 1.1 proxy\r\n").await;
    let address = format!("http://127.0.0.1:{port}");
    let world = stage.setting("EXTERNAL_ADDRESS", &address).start().await;
    let expected = [
        format!("ok       address {address}: it leads to this service"),
        format!(
            "warning  proxies {address}: TRUSTED_PROXIES does not name 127.0.0.1, which adds x-forwarded-for, via; \
             TRUSTED_PROXIES=127.0.0.1: all its clients count as one until then"
        ),
    ];
    assert_eq!(lines(&world).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_trusted_and_names_its_clients() {
    let stage = telling().setting("TRUSTED_PROXIES", "127.0.0.1");
    let port = proxy_to(port_of(&stage.base_url()), "X-Forwarded-For: 203.0.113.9\r\n").await;
    let address = format!("http://127.0.0.1:{port}");
    let world = stage.setting("EXTERNAL_ADDRESS", &address).start().await;
    let expected = [
        format!("ok       address {address}: it leads to this service"),
        format!(
            "ok       proxies {address}: 127.0.0.1 is trusted and names the client, 203.0.113.9; it adds x-forwarded-for"
        ),
    ];
    assert_eq!(lines(&world).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_that_does_not_name_its_clients() {
    let world = telling().setting("TRUSTED_PROXIES", "127.0.0.1").start().await;
    let base = world.program.base_url();
    let line = format!(
        "warning  proxies {base}: 127.0.0.1 is trusted, and does not name the client; it adds no forwarding header; let it set \
         X-Forwarded-For: all its clients count as one until then"
    );
    assert_eq!(lines(&world).await[1], line);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_that_hides_its_clients() {
    for header in
        ["X-Forwarded-For: garbage\r\n", "X-Forwarded-For: unknown\r\n", "X-Forwarded-For: _hidden\r\n"]
    {
        let stage = telling().setting("TRUSTED_PROXIES", "127.0.0.1");
        let port = proxy_to(port_of(&stage.base_url()), header).await;
        let address = format!("http://127.0.0.1:{port}");
        let world = stage.setting("EXTERNAL_ADDRESS", &address).start().await;
        let line = format!(
            "warning  proxies {address}: 127.0.0.1 is trusted, and does not name the client in a readable form; it adds \
             x-forwarded-for; let it set X-Forwarded-For to the client's address: all its clients count as one until then"
        );
        assert_eq!(lines(&world).await[1], line, "{header}");
    }
}

/// The proxy leads to the service what is the service's, and the rest elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_beside_an_app_on_one_host() {
    let stage = telling().setting("TRUSTED_PROXIES", "127.0.0.1");
    let app =
        server_that_says("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    let service = port_of(&stage.base_url());
    let choose = move |path: &str| {
        let is_ours = path.starts_with("/auth/") || path == "/.well-known/jwks.json";
        if is_ours { service } else { app }
    };
    let port = proxy_by_path(choose, "X-Forwarded-For: 203.0.113.9\r\n").await;
    let address = format!("http://127.0.0.1:{port}");
    let world = stage.setting("EXTERNAL_ADDRESS", &address).start().await;
    let expected = [
        format!("ok       address {address}: it leads to this service"),
        format!(
            "ok       proxies {address}: 127.0.0.1 is trusted and names the client, 203.0.113.9; it adds x-forwarded-for"
        ),
    ];
    assert_eq!(lines(&world).await, expected);
}

/// A cache, or another replica, answers what this one never sees.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_does_not_come_to_the_service() {
    let stage = telling();
    let service = stage.base_url();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let world = stage.setting("EXTERNAL_ADDRESS", &address).start().await;
    let body = Client::new(&service).get("/.well-known/jwks.json").await.body;
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let (mut client, mut first) = (BufReader::new(client), String::new());
        client.read_line(&mut first).await.unwrap();
        let answer =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        client.write_all(answer.as_bytes()).await.unwrap();
    });
    let expected = [
        format!("ok       address {address}: it leads to this service"),
        format!(
            "warning  proxies {address}: not known: the request did not come to the service that tells at ADMIN_LISTEN; look again \
             while one replica alone runs, and let no cache answer for it"
        ),
    ];
    assert_eq!(lines(&world).await, expected);
}

/// What is known is said, and what is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_tell() {
    let world = World::on(TestDatabase::sqlite()).await;
    let base = world.program.base_url();
    let line = format!(
        "warning  proxies {base}: not known: a service tells what the proxies added to a request at ADMIN_LISTEN alone; set \
         ADMIN_LISTEN, and look on the machine of the service; with several replicas, while one runs"
    );
    assert_eq!(lines(&world).await[1], line);
}

/// How a request came is told to those who announced it, at the one listener, and once.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_learns_nothing_of_the_way_of_a_request() {
    let world = telling().start().await;
    let (public, admin) = (world.browser(), world.admin());
    let unknown = admin.get("/arrivals/0123456789abcdef").await.status;
    assert!(public.get("/arrivals").await.status == 404 && unknown == 404);
    let announced = admin.send(admin.request(vestibule_test_support::Method::POST, "/arrivals")).await.json();
    let id = announced["id"].as_str().unwrap();
    let ask = async |client: &Client, id: &str| {
        client
            .send(
                client
                    .request(vestibule_test_support::Method::GET, "/healthz")
                    .header("x-vestibule-arrival", id),
            )
            .await
    };
    let (plain, marked) = (public.get("/healthz").await, ask(&public, id).await);
    assert_eq!((plain.status, plain.body), (marked.status, marked.body));
    let arrival = admin.get(&format!("/arrivals/{id}")).await.json();
    assert_eq!((&arrival["peer"], &arrival["trusted"]), (&"127.0.0.1".into(), &false.into()));
    assert_eq!(admin.get(&format!("/arrivals/{id}")).await.status, 404);
}

/// What the doctor says of an address at which another server is.
async fn expect_at(address: &str, expected: &str) {
    let ward = Ward::new().await.setting("EXTERNAL_ADDRESS", address);
    let examined = ward.examine().await;
    let line = format!("failure  address {address}: {expected}");
    assert_eq!((examined.lines("failure"), examined.status), (vec![line.as_str()], Some(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server() {
    let port =
        server_that_says("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    let lead = "let the proxy lead /auth/ and /.well-known/jwks.json to this service";
    let expected = format!("/.well-known/jwks.json is answered with the status 404; {lead}");
    expect_at(&format!("http://127.0.0.1:{port}"), &expected).await;

    let port = server_that_says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}").await;
    let expected = format!("another server answers: /.well-known/jwks.json is no key set there; {lead}");
    expect_at(&format!("http://127.0.0.1:{port}"), &expected).await;

    // The end is missing.
    let port = server_that_says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{}").await;
    expect_at(&format!("http://127.0.0.1:{port}"), &unreadable()).await;

    let port =
        server_that_says("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    let expected = "/.well-known/jwks.json is answered with the status 502; see that the service runs, and that the proxy reaches it";
    expect_at(&format!("http://127.0.0.1:{port}"), expected).await;

    let port =
        server_that_says("HTTP/1.1 200 OK\r\nContent-Length: 11\r\nConnection: close\r\n\r\n{\"keys\":[]}")
            .await;
    let expected = "another server answers: it publishes none of our signing keys; lead the address to this service; all its \
                    replicas must have the same keys";
    expect_at(&format!("http://127.0.0.1:{port}"), expected).await;

    let port = server_that_says(
        "HTTP/1.1 308 Permanent Redirect\r\nLocation: https://hunter2@auth.example/healthz?x\r\nContent-Length: 0\r\nConnection: \
         close\r\n\r\n",
    )
    .await;
    let expected =
        "it redirects to https://auth.example; EXTERNAL_ADDRESS must be the address where people end";
    expect_at(&format!("http://127.0.0.1:{port}"), expected).await;
}

fn unreadable() -> String {
    "another server answers, or it cannot be read: /.well-known/jwks.json breaks off, or has more than 64 KiB; let the proxy lead \
     /auth/ and /.well-known/jwks.json to this service"
        .to_owned()
}

/// It writes as long as it is read, and does not say how much that will be.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_sends_without_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let written = tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let (mut client, mut first) = (BufReader::new(client), String::new());
        client.read_line(&mut first).await.unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await.unwrap();
        let piece = vec![b' '; 1 << 20];
        let mut pieces = 0;
        while pieces < 800 && client.write_all(&piece).await.is_ok() {
            pieces += 1;
        }
        pieces
    });
    expect_at(&format!("http://127.0.0.1:{port}"), &unreadable()).await;
    // What is under way fits into the buffers of the sockets.
    assert!(written.await.unwrap() < 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_speak_tls() {
    let port =
        server_that_says("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    let expected = "TLS fails: received corrupt message of type InvalidContentType; give the proxy a certificate for this name, of \
                    an authority that browsers trust, with its chain";
    expect_at(&format!("https://127.0.0.1:{port}"), expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_the_proxy_sends_as_well() {
    let port = server_that_says(
        "HTTP/1.1 404 Not Found\r\nStrict-Transport-Security: max-age=1\r\nStrict-Transport-Security: max-age=2\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n",
    )
    .await;
    let address = format!("http://127.0.0.1:{port}");
    let examined = Ward::new().await.setting("EXTERNAL_ADDRESS", &address).examine().await;
    let line = format!(
        "warning  address {address}: the header Strict-Transport-Security comes 2 times, and browsers take the first; let the proxy \
         leave it to the service"
    );
    assert_eq!(examined.lines("warning  address"), [line]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_answers() {
    let ward = Ward::new().await;
    let base = ward.program.base_url();
    let line = format!(
        "warning  address {base}: nothing answers, and no service runs here, so that nothing is known of the proxies; look again \
         when it runs"
    );
    assert_eq!(ward.examine().await.lines("warning  address"), [line]);

    let port = free_port();
    let elsewhere =
        |program: ProgramBuilder| program.setting("EXTERNAL_ADDRESS", &format!("http://127.0.0.1:{port}"));
    let ward = ward.with(elsewhere);
    let listen = ward.program.base_url().replace("http://", "");
    let program = ward.program.start().await;
    let out = String::from_utf8(program.run(&["doctor"]).await.stdout).unwrap();
    let line = format!(
        "warning  address http://127.0.0.1:{port}: it is not reached from this machine, although the service runs at {listen}; look \
         from outside; see the name, the network and the proxy\n"
    );
    assert!(out.contains(&line), "{out}");
}
