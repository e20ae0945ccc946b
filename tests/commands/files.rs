//! Files that decide, where another user of the machine may write them, and secrets where they may read them.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, lchown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rustix::process::geteuid;
use tempfile::TempDir;

use super::Outcome;
use crate::world::pem_in;

/// The user that the service runs as when it is not the user of the tests, and somebody else.
const SERVICE: u32 = 12_345;
const STRANGER: u32 = 54_321;

/// A service whose every file is one that others could go for.
struct Stage {
    program: PathBuf,
    folder: TempDir,
    settings: Vec<(&'static str, String)>,
    /// Whose everything is, and who runs it.
    user: u32,
}

/// What there is: the setting that leads to it, its place, and whether it is secret.
const FILES: [(&str, &str, bool); 8] = [
    ("vestibule.toml", "etc/vestibule.toml", false),
    ("GITHUB_SECRET_FILE", "secrets/github", true),
    ("OTEL_EXPORTER_OTLP_HEADERS_FILE", "headers/otlp", true),
    ("[providers.corp]: client_secret_file", "corp/secret", true),
    ("ALLOWED_SERVICES", "vault/password", true),
    ("ALLOWED_SERVICES", "plugins/libsample_permissions.so", false),
    ("KEYS_DIR", "keys/first.pem", true),
    ("DATABASE_URL", "data/vestibule.db", false),
];

impl Stage {
    fn of(user: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { program: built("vestibule"), folder, settings: Vec::new(), user }.furnish()
    }

    /// Everything as it should be.
    fn furnish(mut self) -> Self {
        set_mode(self.folder.path(), 0o755);
        for (_, name, _) in FILES {
            let path = self.at(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
        }
        for secret in ["secrets/github", "corp/secret", "vault/password"] {
            fs::write(self.at(secret), "secret\n").unwrap();
        }
        fs::write(self.at("headers/otlp"), "a=b\n").unwrap();
        fs::write(self.at("keys/first.pem"), key()).unwrap();
        fs::copy(built("libsample_permissions.so"), self.at("plugins/libsample_permissions.so")).unwrap();
        let config = "{ permission = { \"$file\" = \"VAULT\" }, granted = true }";
        let config = config.replace("VAULT", self.at("vault/password").to_str().unwrap());
        let provider = "issuer = \"https://id.example\"\nclient_id = \"id\"\nclient_secret_file = ";
        let secret = self.at("corp/secret");
        let text = format!(
            "[plugin.storage]\nconfig = {config}\n[providers.corp]\n{provider}\"{}\"\n",
            secret.display()
        );
        fs::write(self.at("etc/vestibule.toml"), text).unwrap();
        let path = |name: &str| self.at(name).to_str().unwrap().to_owned();
        self.settings = vec![
            ("EXTERNAL_ADDRESS", "https://auth.example.com".to_owned()),
            ("LISTEN", "127.0.0.1:0".to_owned()),
            ("GITHUB_KEY", "id".to_owned()),
            ("GITHUB_SECRET_FILE", path("secrets/github")),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otel.example".to_owned()),
            ("OTEL_EXPORTER_OTLP_HEADERS_FILE", path("headers/otlp")),
            ("ALLOWED_SERVICES", "storage:sample-permissions".to_owned()),
            ("PLUGIN_PATH", path("plugins")),
            ("KEYS_DIR", path("keys")),
            ("DATABASE_URL", format!("sqlite://{}", path("data/vestibule.db"))),
        ];
        for (setting, name, is_secret) in FILES {
            let mode = if is_secret || setting == "DATABASE_URL" { 0o600 } else { 0o644 };
            self.give(&self.at(name), self.user, mode);
            self.give(self.at(name).parent().unwrap(), self.user, 0o755);
        }
        self.give(self.folder.path(), self.user, 0o755);
        self
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Nobody but root can give anything away; then this is only about modes.
    #[expect(clippy::unused_self, reason = "it reads as what the stage does")]
    fn give(&self, path: &Path, user: u32, mode: u32) {
        set_mode(path, mode);
        if geteuid().is_root() {
            chown(path, Some(user), Some(user)).unwrap();
            set_mode(path, mode);
        }
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        let config = self.at("etc/vestibule.toml");
        self.run_in(&self.at("data"), &[arguments, &["--config", config.to_str().unwrap()]].concat())
    }

    fn run_in(&self, folder: &Path, arguments: &[&str]) -> Outcome {
        // A service that starts although it should not is ended.
        let mut command = Command::new("timeout");
        command.arg("60").arg(&self.program).args(arguments).current_dir(folder).env_clear();
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        if geteuid().is_root() {
            command.gid(self.user).uid(self.user);
        }
        let output: Output = command.output().unwrap();
        output.into()
    }

    /// Neither `config check` nor the start takes it, and both say the same: the setting, the file, the reason.
    #[track_caller]
    fn refuses(&self, setting: &str, file: &str, reason: &str) {
        let check = self.run(&["config", "check"]);
        assert_eq!(check.status, Some(1), "{file}: {} {}", check.out, check.error);
        let start = self.run(&["serve"]);
        assert_eq!(start.status, Some(1), "{file}: {} {}", start.out, start.error);
        assert_eq!(check.error, start.error, "{file}");
        for part in [setting, file, reason] {
            assert!(check.error.contains(part), "{part:?} about {file}: {}", check.error);
        }
    }

    #[track_caller]
    fn accepts(&self, what: &str) {
        let check = self.run(&["config", "check"]);
        assert_eq!((check.status, check.error.as_str()), (Some(0), ""), "{what}");
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join(name)
}

/// One key for all stages.
fn key() -> String {
    use std::sync::OnceLock;
    static KEY: OnceLock<String> = OnceLock::new();
    let made = || {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(built("vestibule"));
        command.args(["keys", "generate"]).env_clear().env("KEYS_DIR", folder.path().join("keys"));
        assert!(command.output().unwrap().status.success());
        pem_in(&folder.path().join("keys"))
    };
    KEY.get_or_init(made).clone()
}

/// Root, where the tests are root's; and in any case a user who is not.
fn stages() -> Vec<Stage> {
    let ours = geteuid().as_raw();
    let users = if ours == 0 { vec![0, SERVICE] } else { vec![ours] };
    users.into_iter().map(Stage::of).collect()
}

#[test]
fn m6_everything_of_the_services_own_user_is_accepted() {
    for stage in stages() {
        stage.accepts("everything");
    }
}

#[test]
fn m6_a_file_that_others_may_write_stops_the_start_and_is_named() {
    for stage in stages() {
        for (setting, file, _) in FILES {
            let (path, before) = (stage.at(file), stage.at(file).metadata().unwrap().permissions());
            set_mode(&path, 0o666);
            stage.refuses(setting, path.to_str().unwrap(), "0666");
            fs::set_permissions(&path, before).unwrap();
        }
        stage.accepts("afterwards");
    }
}

#[test]
fn m6_a_folder_that_others_may_write_stops_the_start_at_whatever_height_it_is() {
    for stage in stages() {
        for (setting, file, _) in FILES {
            let path = stage.at(file);
            set_mode(path.parent().unwrap(), 0o777);
            stage.refuses(setting, path.parent().unwrap().to_str().unwrap(), "(mode 0777)");
            set_mode(path.parent().unwrap(), 0o755);
        }
        set_mode(stage.folder.path(), 0o777);
        stage.refuses("vestibule.toml", stage.folder.path().to_str().unwrap(), "(mode 0777)");
    }
}

#[test]
fn m6_a_secret_that_others_may_read_stops_the_start_and_is_named() {
    for stage in stages() {
        for (setting, file, is_secret) in FILES {
            let path = stage.at(file);
            if is_secret {
                for mode in [0o644, 0o640, 0o604] {
                    set_mode(&path, mode);
                    stage.refuses(setting, path.to_str().unwrap(), &format!("{mode:04o}"));
                }
                set_mode(&path, 0o600);
            }
        }
        stage.accepts("afterwards");
    }
}

#[test]
fn m6_a_settings_file_with_a_secret_in_it_is_secret() {
    for stage in stages() {
        let path = stage.at("etc/vestibule.toml");
        for (text, name) in [
            ("google_secret = \"k4n4ry\"\ngoogle_key = \"id\"\n", "google_secret"),
            (
                "[providers.corp]\nissuer = \"https://i.example\"\nclient_id = \"c\"\nclient_secret = \"k4n4ry\"\n",
                "[providers.corp] client_secret",
            ),
        ] {
            fs::write(&path, text).unwrap();
            stage.refuses("others may read it", path.to_str().unwrap(), name);
            assert!(!stage.run(&["config", "check"]).error.contains("k4n4ry"));
            set_mode(&path, 0o600);
            stage.accepts("a file of its owner");
            set_mode(&path, 0o644);
            set_mode(path.parent().unwrap(), 0o700);
            stage.accepts("a file in a folder that nobody else can enter");
            set_mode(path.parent().unwrap(), 0o755);
        }
    }
}

#[test]
fn m6_what_belongs_to_another_user_stops_the_start_be_it_file_or_folder() {
    if !geteuid().is_root() {
        return;
    }
    for stage in stages() {
        for (setting, file, _) in FILES {
            for path in [stage.at(file), stage.at(file).parent().unwrap().to_owned()] {
                let mode = path.metadata().unwrap().permissions().mode();
                chown(&path, Some(STRANGER), None).unwrap();
                // So that it can be read at all.
                set_mode(&path, if path.is_dir() { 0o755 } else { 0o644 });
                stage.refuses(setting, path.to_str().unwrap(), &STRANGER.to_string());
                stage.give(&path, stage.user, mode & 0o7777);
            }
        }
        stage.accepts("afterwards");
    }
}

/// What SQLite finds beside the database it believes.
#[test]
fn m6_what_lies_beside_the_database_is_looked_at_as_well() {
    for stage in stages() {
        for ending in ["-wal", "-shm", "-journal"] {
            let path = stage.at(&format!("data/vestibule.db{ending}"));
            fs::write(&path, "").unwrap();
            stage.give(&path, stage.user, 0o666);
            stage.refuses("DATABASE_URL", "vestibule.db", &format!("{ending}: may be written"));
            fs::remove_file(&path).unwrap();
            symlink(stage.at("etc/vestibule.toml"), &path).unwrap();
            stage.refuses("DATABASE_URL", "vestibule.db", &format!("{ending}: is not a regular file"));
            fs::remove_file(&path).unwrap();
        }
        set_mode(&stage.at("data"), 0o1777);
        stage.refuses("DATABASE_URL", "vestibule.db", "others may change files");
    }
}

/// In a folder where everybody keeps files, a stranger can put a link that leads to a file of ours.
#[test]
fn m6_a_link_of_another_user_is_not_followed() {
    if !geteuid().is_root() {
        return;
    }
    for mut stage in stages() {
        let shared = stage.at("shared");
        fs::create_dir(&shared).unwrap();
        stage.give(&shared, 0, 0o1777);
        let link = shared.join("github");
        symlink(stage.at("secrets/github"), &link).unwrap();
        for (name, value) in &mut stage.settings {
            if *name == "GITHUB_SECRET_FILE" {
                *value = link.to_str().unwrap().to_owned();
            }
        }
        lchown(&link, Some(stage.user), None).unwrap();
        stage.accepts("a link of our own");
        lchown(&link, Some(STRANGER), None).unwrap();
        stage.refuses("GITHUB_SECRET_FILE", link.to_str().unwrap(), "is behind a link of the user 54321");
    }
}

/// Whoever can make a file where an operator happens to be would decide for them.
#[test]
fn m6_a_settings_file_of_another_user_in_the_working_directory_is_refused_by_every_command() {
    if !geteuid().is_root() {
        return;
    }
    for stage in stages() {
        let folder = stage.at("work");
        fs::create_dir(&folder).unwrap();
        stage.give(&folder, 0, 0o1777);
        assert_eq!(stage.run_in(&folder, &["config", "check"]).status, Some(0), "no file, no fault");
        let file = folder.join("vestibule.toml");
        fs::write(&file, "google_issuer = \"https://evil.example\"\n").unwrap();
        stage.give(&file, STRANGER, 0o644);
        for command in
            [&["config", "check"][..], &["serve"], &["keys", "list"], &["users", "list"], &["healthcheck"]]
        {
            let outcome = stage.run_in(&folder, command);
            assert_eq!(outcome.status, Some(1), "{command:?}");
            assert!(outcome.error.contains("vestibule.toml: belongs to the user 54321"), "{}", outcome.error);
        }
        fs::remove_file(&file).unwrap();
        stage.give(&folder, STRANGER, 0o755);
        assert_eq!(stage.run_in(&folder, &["config", "check"]).status, Some(0), "no file, no fault");
        fs::write(&file, "").unwrap();
        stage.give(&file, 0, 0o644);
        let error = stage.run_in(&folder, &["config", "check"]).error;
        assert!(error.contains("vestibule.toml: is in a folder of the user 54321"), "{error}");
    }
}

#[test]
fn m6_no_key_is_made_where_others_may_write() {
    for stage in stages() {
        fs::remove_file(stage.at("keys/first.pem")).unwrap();
        set_mode(&stage.at("keys"), 0o777);
        let outcome = stage.run(&["keys", "generate"]);
        assert_eq!(outcome.status, Some(1));
        assert!(outcome.error.contains("others may change files"), "{}", outcome.error);
        assert_eq!(fs::read_dir(stage.at("keys")).unwrap().count(), 0);
    }
}

/// A volume of Kubernetes with `fsGroup`: files of root behind links, which the group may read; and one for data, which the group
/// may write.
#[test]
fn m6_volumes_of_kubernetes_are_accepted() {
    if !geteuid().is_root() {
        return;
    }
    let stage = Stage::of(SERVICE);
    let volume = stage.at("secrets");
    fs::remove_file(volume.join("github")).unwrap();
    let data = volume.join("..2026_11_30_09_00_00.1");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("github"), "secret").unwrap();
    symlink("..2026_11_30_09_00_00.1", volume.join("..data")).unwrap();
    symlink("..data/github", volume.join("github")).unwrap();
    for (path, mode) in [(data.join("github"), 0o440), (data.clone(), 0o2755), (volume.clone(), 0o1777)] {
        chown(&path, Some(0), Some(SERVICE)).unwrap();
        set_mode(&path, mode);
    }
    stage.accepts("a secret");
    set_mode(&data.join("github"), 0o444);
    stage.refuses("GITHUB_SECRET_FILE", "github", "0444");
    set_mode(&data.join("github"), 0o640);
    for (name, mode) in [("data", 0o2775), ("data/vestibule.db", 0o660)] {
        chown(stage.at(name), Some(if name == "data" { 0 } else { SERVICE }), Some(SERVICE)).unwrap();
        set_mode(&stage.at(name), mode);
    }
    stage.accepts("a volume for data");
    // A group that the service is not in is somebody else's.
    chown(stage.at("data"), Some(0), Some(STRANGER)).unwrap();
    set_mode(&stage.at("data"), 0o2777);
    stage.refuses("DATABASE_URL", "vestibule.db", "others may change files");
    set_mode(&stage.at("data"), 0o2775);
    stage.refuses("DATABASE_URL", "vestibule.db", "others may change files");
}
