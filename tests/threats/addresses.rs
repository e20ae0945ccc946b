//! K8, G8: whom a request is counted for, whatever a trusted proxy writes about its client, and whoever comes without one.

use std::collections::BTreeMap;

use reqwest::header::HeaderValue;
use vestibule_test_support::{Method, TestDatabase};

use super::limits::{behind_a_proxy, login};
use crate::world::{World, WorldBuilder};

/// So slow that nothing is earned back while a test runs.
const FIVE: &str = "5/20h";
const ONE: &str = "1/20h";

const CLIENT: &[u8] = b"203.0.113.7";

async fn world_with(rate: &str, builder: WorldBuilder) -> World {
    builder.setting("RATE_LIMIT_SIGN_IN_PER_ADDRESS", rate).start().await
}

/// Begins a sign-in with these lines of `X-Forwarded-For`.
async fn begin(world: &World, lines: &[&[u8]]) -> u16 {
    let browser = world.browser();
    let request = lines.iter().fold(browser.request(Method::GET, &login()), |request, line| {
        request.header("x-forwarded-for", HeaderValue::from_bytes(line).unwrap())
    });
    browser.send(request).await.status.as_u16()
}

/// How often each status is among the answers to sign-ins that begin with these headers of one line.
async fn begin_each(world: &World, headers: impl IntoIterator<Item = Vec<u8>>) -> BTreeMap<u16, usize> {
    let mut statuses = BTreeMap::new();
    for header in headers {
        *statuses.entry(begin(world, &[&header]).await).or_default() += 1;
    }
    statuses
}

/// What a client may send in front of what the proxy appends.
fn odd_hops() -> Vec<Vec<u8>> {
    let mut hops: Vec<Vec<u8>> = [
        "unknown",
        "_hidden",
        "",
        ",,,",
        " \t ",
        "\"",
        "\"[2001:db8::1",
        "[",
        "198.51.100.9:99999",
        "fe80::1%",
        "for=198.51.100.9",
        "127.0.0.1",
        "1.2.3.4.5",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    hops.extend([vec![0xc3, 0xa9], vec![0xff; 255], vec![b','; 8 << 10]]);
    hops
}

#[tokio::test(flavor = "multi_thread")]
async fn k8_g8_whatever_a_client_sends_in_front_it_is_counted_as_whom_the_proxy_appends() {
    let world = world_with(FIVE, behind_a_proxy()).await;
    let appended = odd_hops().into_iter().map(|hop| [&hop[..], b", ", CLIENT].concat());
    let count = appended.len();
    assert_eq!(begin_each(&world, appended).await, BTreeMap::from([(303, 5), (429, count - 5)]));
    // Other proxies add a line of their own.
    for hop in odd_hops() {
        assert_eq!(begin(&world, &[&hop, CLIENT]).await, 429, "{:?}", String::from_utf8_lossy(&hop));
    }
    assert_eq!(begin(&world, &[b"203.0.113.8"]).await, 303, "somebody else is not concerned");
}

#[tokio::test(flavor = "multi_thread")]
async fn k8_g8_every_form_of_one_address_is_one_client() {
    let world = world_with(FIVE, behind_a_proxy()).await;
    let forms = [
        "203.0.113.7",
        "203.0.113.7:4711",
        "\"203.0.113.7\"",
        "\"203.0.113.7:4711\"",
        " 203.0.113.7\t",
        "::ffff:203.0.113.7",
        "[::ffff:203.0.113.7]",
        "[::FFFF:cb00:7107]:443",
        "\"[::ffff:203.0.113.7]:_port\"",
    ];
    let count = forms.len();
    let forms = forms.map(|form| form.as_bytes().to_vec());
    assert_eq!(begin_each(&world, forms).await, BTreeMap::from([(303, 5), (429, count - 5)]));
    let forms = [
        "2001:db8::7",
        "[2001:DB8::7]",
        "\"[2001:db8:0::7]:80\"",
        "2001:db8::7%eth0",
        "[2001:db8::7%25eth0]:80",
    ];
    let forms = forms.map(|form| form.as_bytes().to_vec());
    assert_eq!(begin_each(&world, forms).await, BTreeMap::from([(303, 5)]));
    assert_eq!(begin(&world, &[b"[2001:db8::8]:443"]).await, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn k8_g8_whom_a_proxy_does_not_name_is_limited_as_one_and_told_of_once() {
    let world = world_with(FIVE, behind_a_proxy()).await;
    let nobody: [&[u8]; 8] = [
        b"unknown",
        b"_hidden",
        "\u{e9}".as_bytes(),
        b"",
        b"unix:",
        b"203.0.113.7,",
        b"203.0.113.7, unknown",
        b"203.0.113",
    ];
    let statuses = begin_each(&world, nobody.map(<[u8]>::to_vec)).await;
    assert_eq!(statuses, BTreeMap::from([(303, 5), (429, nobody.len() - 5)]));
    assert_eq!(begin(&world, &[CLIENT]).await, 303, "whoever is named is not concerned");
    let logs = world.program.logs();
    let told: Vec<_> = logs.lines().filter(|line| line.contains("does not name its client")).collect();
    assert!(told.len() == 1 && told[0].contains("127.0.0.1"), "{told:#?}");
}

/// A proxy takes the header away, if the client lists it in `Connection`.
#[tokio::test(flavor = "multi_thread")]
async fn k8_g8_behind_a_trusted_proxy_without_the_header_all_are_limited_as_one_and_told_of_once() {
    let world = world_with(FIVE, behind_a_proxy()).await;
    let mut statuses = BTreeMap::<u16, usize>::new();
    for _ in 0..8 {
        *statuses.entry(begin(&world, &[]).await).or_default() += 1;
    }
    assert_eq!(statuses, BTreeMap::from([(303, 5), (429, 3)]));
    assert_eq!(begin(&world, &[b"unknown"]).await, 429, "the same as those whom the proxy does not name");
    assert_eq!(begin(&world, &[CLIENT]).await, 303, "whoever is named is not concerned");
    let logs = world.program.logs();
    let told: Vec<_> = logs.lines().filter(|line| line.contains("does not name its client")).collect();
    assert!(told.len() == 1 && told[0].contains("127.0.0.1"), "{told:#?}");
}

/// A peer of this machine or of a private network stands for everybody behind it. It has room for them, and no more.
#[tokio::test(flavor = "multi_thread")]
async fn k8_g8_a_proxy_that_is_not_listed_has_a_wider_limit_and_names_nobody() {
    const TIMES: usize = 64;
    let builder = World::builder(TestDatabase::sqlite()).setting("TRUSTED_PROXIES", "10.0.0.0/8");
    let world = world_with(ONE, builder).await;
    let pretended = (0..TIMES + 6).map(|number| format!("203.0.113.{number}").into_bytes());
    assert_eq!(begin_each(&world, pretended).await, BTreeMap::from([(303, TIMES), (429, 6)]));
    assert_eq!(begin(&world, &[]).await, 429, "with or without a word");
    let logs = world.program.logs();
    assert_eq!(logs.matches("a proxy that TRUSTED_PROXIES does not name").count(), 1, "{logs}");
}

/// One customer may have a /48; a carrier may have a thousand customers in one.
#[tokio::test(flavor = "multi_thread")]
async fn k8_the_64s_of_a_56_and_of_a_48_share_wider_limits() {
    let world = world_with(ONE, behind_a_proxy()).await;
    let hosts = |addresses: Vec<String>| addresses.into_iter().map(String::into_bytes);
    let in_one_48 = (0..40).map(|number| format!("2001:db8:1:{number:x}00::1")).collect();
    assert_eq!(begin_each(&world, hosts(in_one_48)).await, BTreeMap::from([(303, 16), (429, 24)]));
    let in_one_56 = (0..10).map(|number| format!("2001:db8:2:ab{number:02x}::1")).collect();
    assert_eq!(begin_each(&world, hosts(in_one_56)).await, BTreeMap::from([(303, 4), (429, 6)]));
    let in_one_64 = (0..40).map(|number| format!("2001:db8:3:1::{number:x}")).collect();
    assert_eq!(begin_each(&world, hosts(in_one_64)).await, BTreeMap::from([(303, 1), (429, 39)]));
    let neighbours = (0..15).map(|number| format!("2001:db8:3:{number:x}02::1")).collect();
    assert_eq!(
        begin_each(&world, hosts(neighbours)).await,
        BTreeMap::from([(303, 15)]),
        "one /64 locks out no other"
    );
}

/// What is limited is limited under every address by which it can be reached.
#[tokio::test(flavor = "multi_thread")]
async fn k8_no_other_spelling_of_a_path_escapes_a_limit() {
    let world = world_with(ONE, behind_a_proxy()).await;
    assert_eq!(begin(&world, &[CLIENT]).await, 303);
    for path in [
        "/auth/login/google",
        "/auth/login/goog%6ce",
        "/auth/%6cogin/google",
        "/auth/login%2fgoogle",
        "/auth/login/google/",
        "//auth/login/google",
        "/auth//login/google",
        "/auth/./login/google",
        "/AUTH/login/google",
        "/auth/login/google;x=y",
    ] {
        let received = vestibule_test_support::RawConnection::exchange(
            &world.program.base_url(),
            format!(
                "GET {path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.7\r\nConnection: close\r\n\r\n"
            ),
        )
        .await;
        assert!(matches!(received.statuses()[..], [400 | 404 | 429]), "{path}: {}", received.text());
    }
}
