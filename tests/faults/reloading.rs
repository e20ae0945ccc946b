//! Other plugins while requests go on.

use std::fs;
use std::process::{Command, Output};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use vestibule_test_support::{Program, eventually};

use super::stage::with_folder;
use super::table::Isolation;
use super::traffic::Traffic;
use crate::authorize::granted;
use crate::authorize::plugins::PluginFolder;
use crate::world::World;

/// A service whose code changes, and one whose settings do.
struct Changing {
    folder: PluginFolder,
    world: World,
    token: String,
}

impl Changing {
    async fn start(isolation: Isolation) -> Self {
        let folder = PluginFolder::new();
        folder.add_variant("code", &[&reply(0)]);
        let common = format!("isolation = \"{}\"\ntimeout = \"60s\"\n", isolation.as_str());
        let tables = format!(
            "[plugin.code]\n{common}[plugin.settings]\n{common}config = {{ permission = \"v0\", granted = true }}\n"
        );
        let world = with_folder(&folder, "code;settings:sample-permissions", &tables).start().await;
        let token = world.sign_in("google", "ada").await;
        Self { folder, world, token }
    }

    /// Renames a new library over the one in use, which is how it should be done.
    fn change_code(&self, version: u32) {
        self.folder.add_variant("next", &[&reply(version)]);
        fs::rename(self.folder.file("next"), self.folder.file("code")).unwrap();
    }

    fn change_settings(&self, from: u32, to: u32) {
        let file = self.world.program.directory().join("vestibule.toml");
        let (before, after) = (format!("\"v{from}\""), format!("\"v{to}\""));
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(&before));
        fs::write(&file, text.replace(&before, &after)).unwrap();
    }

    async fn permissions(&self, service: &str) -> Value {
        granted(&self.world, &self.token, service).await["permissions"].clone()
    }

    async fn runs_code(&self, version: u32) -> bool {
        self.permissions("code").await == json!({"v": version})
    }

    async fn reload(&self) -> Output {
        self.world.program.run(&["plugin", "reload"]).await
    }

    async fn reload_well(&self) {
        let output = self.reload().await;
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.stdout, b"the plugins are reloaded\n");
    }
}

fn reply(version: u32) -> String {
    format!("REPLY=\"{{\\\"v\\\":{version}}}\"")
}

fn hang_up(program: &Program) {
    let program = Pid::from_raw(i32::try_from(program.pid()).unwrap()).unwrap();
    kill_process(program, Signal::HUP).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn e6_on_threads_a_reload_takes_new_code_and_settings_and_no_request_fails() {
    reload_under_requests(Isolation::Thread).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e6_in_a_process_a_reload_takes_new_code_and_settings_and_no_request_fails() {
    reload_under_requests(Isolation::Process).await;
}

async fn reload_under_requests(isolation: Isolation) {
    let changing = Changing::start(isolation).await;
    let traffic = Traffic::start(&changing.world, &changing.token, &["code", "settings"]);
    for version in 1..=6 {
        traffic.go_on_for(50).await;
        changing.change_code(version);
        changing.change_settings(version - 1, version);
        if version % 2 == 0 {
            changing.reload_well().await;
        } else {
            hang_up(&changing.world.program);
            eventually("the new code runs", async || changing.runs_code(version).await).await;
        }
        assert!(changing.runs_code(version).await);
        assert_eq!(changing.permissions("settings").await[format!("v{version}")], true);
    }
    traffic.finish_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e6_m2_while_keys_rotate_a_reload_takes_new_code_and_no_request_fails() {
    let changing = Changing::start(Isolation::Thread).await;
    let traffic = Traffic::start(&changing.world, &changing.token, &["code", "settings"]);
    for version in 1..=4 {
        traffic.go_on_for(50).await;
        changing.change_code(version);
        let (rotated, ()) =
            tokio::join!(changing.world.program.run(&["keys", "rotate"]), changing.reload_well());
        assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
        assert!(changing.runs_code(version).await);
    }
    traffic.finish_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e6_a_reload_of_what_cannot_be_loaded_says_so_and_leaves_everything_as_it_was() {
    let changing = Changing::start(Isolation::Thread).await;
    let traffic = Traffic::start(&changing.world, &changing.token, &["code", "settings"]);
    let (file, whole) = (changing.folder.file("code"), fs::read(changing.folder.file("code")).unwrap());
    changing.change_settings(0, 1);
    for (bytes, reason) in [
        (&whole[..whole.len() / 2], "is not a library that can be loaded"),
        (b"#!/bin/sh\n", "not an ELF file"),
    ] {
        changing.folder.write("code", bytes);
        let output = changing.reload().await;
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout), (Some(1), Vec::new()), "{complaint}");
        for part in ["the plugins stay as they were", "\"code\"", file.to_str().unwrap(), reason] {
            assert!(complaint.contains(part), "{part:?} in {complaint}");
        }
        assert_eq!(changing.permissions("code").await, json!({"v": 0}));
        assert_eq!(
            changing.permissions("settings").await["v0"],
            true,
            "one plugin is not taken without the other"
        );
    }
    let refusals = || changing.world.program.logs().matches("the plugins stay as they were").count();
    let before = refusals();
    hang_up(&changing.world.program);
    eventually("the log says it too", async || refusals() == before + 1).await;
    assert!(changing.runs_code(0).await);
    changing.folder.write("code", &whole);
    changing.reload_well().await;
    assert_eq!(changing.permissions("settings").await["v1"], true);
    traffic.finish_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e6_on_threads_cp_over_a_library_in_use_does_no_harm_and_a_reload_takes_it() {
    copy_over(Isolation::Thread).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e6_in_a_process_cp_over_a_library_in_use_does_no_harm_and_a_reload_takes_it() {
    copy_over(Isolation::Process).await;
}

/// `cp` writes into the file that is there, which would pull the code away under a library that is mapped from it.
async fn copy_over(isolation: Isolation) {
    let changing = Changing::start(isolation).await;
    let traffic = Traffic::start(&changing.world, &changing.token, &["code"]);
    for version in 1..=2 {
        changing.folder.add_variant("next", &[&reply(version)]);
        let (next, file) = (changing.folder.file("next"), changing.folder.file("code"));
        assert!(Command::new("cp").arg(&next).arg(&file).status().unwrap().success());
        traffic.go_on_for(50).await;
        assert!(changing.runs_code(version - 1).await, "nobody has asked for a reload");
        if version == 1 {
            changing.reload_well().await;
        } else {
            hang_up(&changing.world.program);
            eventually("the new code runs", async || changing.runs_code(version).await).await;
        }
        assert!(changing.runs_code(version).await);
    }
    traffic.finish_well().await;
}
