//! Bytes that no honest client sends. Whatever is answered, it is not a fault of the service.

use vestibule_test_support::{READABLE, RawConnection, Received, TestDatabase, WRITABLE};

use crate::world::World;

async fn ask(world: &World, method: &str, target: &[u8], headers: &[u8]) -> Received {
    let mut request = method.as_bytes().to_vec();
    for piece in [&b" "[..], target, b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", headers, b"\r\n"] {
        request.extend_from_slice(piece);
    }
    RawConnection::exchange(&world.program.base_url(), request).await
}

fn assert_no_fault(received: &Received, what: &[u8]) {
    let statuses = received.statuses();
    let what = String::from_utf8_lossy(what);
    assert!(statuses.len() == 1 && statuses[0] < 500, "{what}: {statuses:?} {}", received.text());
}

async fn assert_well(world: &World) {
    assert_eq!(world.browser().get("/readyz").await.status, 200);
    assert!(!world.program.logs().contains("panicked"), "{}", world.program.logs());
}

const QUERIES: [&[u8]; 14] = [
    b"?jwt=%ff",
    b"?jwt=%zz",
    b"?jwt=%",
    b"?jwt=%00",
    b"?jwt=%E0%A4",
    b"?%ff=%ff&%00=%00",
    b"?jwt=\xff\xfe",
    b"?\xc3\xa4=\xc3\xa4",
    b"?next=%ED%A0%80&username=%ff&service=%ff&state=%ff&code=%ff&error=%ff&iss=%ff",
    b"?next=%0d%0aSet-Cookie:%20x=y&username=%0d%0a&service=%0d%0a&state=%0d%0a",
    b"?&&&==&=&?",
    b"?username=%25%32%35&service=..%2f..%2fx.so",
    b"?service=*&username='%20OR%201=1--",
    b"?all=%ff",
];

#[tokio::test(flavor = "multi_thread")]
async fn k9_odd_bytes_in_the_query_are_no_fault_of_ours() {
    let world = World::on(TestDatabase::sqlite()).await;
    let more = [
        "/auth/login/google",
        "/auth/login/%ff",
        "/auth/login/%00",
        "/auth/oauth_callback",
        "/auth/callback/corporate",
        "/auth/callback/%ff",
        "/%ff",
        "/%00",
    ];
    let readable = READABLE.iter().filter(|path| !path.contains('?')).chain(&more).map(|path| ("GET", *path));
    let all = readable.chain(WRITABLE.iter().map(|path| ("POST", *path)));
    for (method, path) in all {
        for query in QUERIES {
            let target = [path.as_bytes(), query].concat();
            assert_no_fault(&ask(&world, method, &target, b"").await, &target);
        }
    }
    assert_well(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn k9_odd_bytes_in_headers_are_no_fault_of_ours() {
    let world = World::on(TestDatabase::sqlite()).await;
    let headers: [&[u8]; 16] = [
        b"Authorization: Bearer %E0%A4\r\n",
        b"Authorization: Bearer \xff\xfe\r\n",
        b"Authorization: \xff\r\n",
        b"Authorization:\r\n",
        b"Authorization: Bearer\r\nAuthorization: Bearer\r\n",
        b"Auth-Token: \xff\xff\xff\r\n",
        b"Cookie: \xff=\xff; vestibule-sign-in=\xff\r\n",
        b"Cookie: ;;;=;=\r\nCookie: vestibule-sign-in\r\n",
        b"Content-Type: \xff/\xff\r\n",
        b"Content-Type: multipart/form-data; boundary=\xff\r\nContent-Length: 0\r\n",
        b"Origin: \xff\r\nReferer: \xff\r\n",
        b"User-Agent: \xff\xff\x80\r\n",
        b"X-Forwarded-For: \xff, ::::, 1.2.3.4.5\r\n",
        b"Sec-Purpose: \xff\r\nPurpose: \xff\r\n",
        b"Range: bytes=5-1,\xff\r\nIf-None-Match: \xff\r\nIf-Modified-Since: never\r\n",
        b"X-Request-Id: \xff\r\nForwarded: for=\"\xff\r\n",
    ];
    for header in headers {
        for (method, path) in [
            ("GET", "/auth/check"),
            ("GET", "/auth/authorize?service=storage"),
            ("GET", "/auth/login/google"),
        ]
        .into_iter()
        .chain([
            ("GET", "/auth/oauth_callback?state=x&code=y"),
            ("POST", "/auth/update"),
            ("GET", "/docs"),
        ]) {
            assert_no_fault(&ask(&world, method, path.as_bytes(), header).await, header);
        }
    }
    assert_well(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn k9_a_token_of_odd_bytes_is_no_token() {
    let world = World::on(TestDatabase::sqlite()).await;
    for query in ["%ff", "%zz", "%00", "%E0%A4", "a.b.c", ".", "..", "...", "%ff.%ff.%ff", "e30.e30.e30"] {
        let answer = world.browser().get(&format!("/auth/check?jwt={query}")).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["authenticated"]),
            (200, &false.into()),
            "{query}"
        );
    }
}
