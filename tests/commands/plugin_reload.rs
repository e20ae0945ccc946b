//! `vestibule plugin reload`, when somebody else is where the service should be.

use std::io::Write as _;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::thread;

use vestibule_test_support::{Program, eventually};

use super::{command, with_github};

/// A socket without a file.
fn take(name: &str) -> UnixListener {
    UnixListener::bind_addr(&SocketAddr::from_abstract_name(name).unwrap()).unwrap()
}

fn address_of(base_url: &str) -> String {
    base_url.trim_start_matches("http://").to_owned()
}

/// Answers whoever comes with this, for as long as they listen.
fn answer_all(listener: UnixListener, text: &'static [u8]) {
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            while stream.write_all(text).is_ok() {}
        }
    });
}

/// The test stands for the other user: it is root, if anybody can run a service as somebody else.
#[tokio::test(flavor = "multi_thread")]
async fn n6_another_user_who_takes_the_name_first_neither_answers_for_the_service_nor_hides_it() {
    let program = with_github().without_root();
    assert_eq!(command(&program, &["keys", "generate"]).await.status, Some(0));
    let address = address_of(&program.base_url());
    for name in [format!("vestibule/{address}"), format!("vestibule/{address}/0000000000000000")] {
        answer_all(take(&name), b"done\n");
    }
    let outcome = command(&program, &["plugin", "reload"]).await;
    if rustix::process::geteuid().is_root() {
        assert_eq!((outcome.status, outcome.out.as_str()), (Some(1), ""), "{}", outcome.error);
        assert!(outcome.error.contains("belongs to another user"), "{}", outcome.error);
    }
    let running = program.start().await;
    let output = running.run(&["plugin", "reload"]).await;
    assert_eq!(output.stdout, b"the plugins are reloaded\n", "{}", String::from_utf8_lossy(&output.stderr));
    eventually("the log says it too", async || running.logs().contains("the plugins are reloaded")).await;
}

/// Somebody of the same user, such as a plugin, is in the place of a service that does not run.
#[tokio::test(flavor = "multi_thread")]
async fn n6_whatever_is_answered_in_the_place_of_the_service_is_cut_and_cannot_draw_on_the_terminal() {
    let program = Program::builder();
    let address = address_of(&program.base_url());
    let _listener = TcpListener::bind(&address).unwrap();
    answer_all(take(&format!("vestibule/{address}/0")), b"\x1b[2J\x1b]0;done\x07\xff");
    let outcome = command(&program, &["plugin", "reload"]).await;
    assert_eq!((outcome.status, outcome.out.as_str()), (Some(1), ""));
    assert!(outcome.error.contains("the plugins stay as they were: \\u{1b}[2J"), "{}", outcome.error);
    assert!(!outcome.error.trim_end().contains(char::is_control), "{:?}", outcome.error);
    assert!(outcome.error.len() < 512 * 1024, "{}", outcome.error.len());
}
