//! This test program as the process in which a library is tried before it is loaded. Tests without plugins start none.

use std::ffi::OsString;

use vestibule_plugin_host::ChildProgram;

/// This program, told to be the process of a plugin.
pub(crate) fn this_program() -> ChildProgram {
    vestibule_plugin_host::disable_dumping().expect("a process may protect itself");
    let arguments = ["--exact", "plugin_process::plugin_process", "--nocapture"].map(OsString::from).to_vec();
    ChildProgram { path: std::env::current_exe().expect("this program"), arguments }
}

/// Not a test of anything: what the program above runs. Among the tests its standard input is no such socket, and it is over.
#[test]
fn plugin_process() {
    if rustix::net::sockopt::socket_type(std::io::stdin()) == Ok(rustix::net::SocketType::SEQPACKET) {
        vestibule_plugin_host::run_plugin_process();
    }
}
