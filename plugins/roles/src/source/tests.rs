use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::SystemTime;

use tempfile::TempDir;
use vestibule_plugin_sdk::json;

use super::*;

/// A folder with a file of rules, and a clock that the test moves.
struct Stage {
    folder: TempDir,
    started: Instant,
    source: Source,
}

fn config(file: &Path) -> Config {
    serde_json_of(&json!({ "file": file }))
}

/// Through text, as the host gives it.
fn serde_json_of(value: &vestibule_plugin_sdk::Value) -> Config {
    serde::Deserialize::deserialize(value).unwrap()
}

/// A file whose only role is the default one.
fn rules(role: &str) -> String {
    format!("default_roles = [{role:?}]\n[roles]\n{role} = [\"read\"]\n")
}

impl Stage {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("roles.toml"), text).unwrap();
        let started = Instant::now();
        let source = Source::open(config(&folder.path().join("roles.toml")), started).unwrap();
        Self { folder, started, source }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("roles.toml")
    }

    /// Puts another file in the place of the old one, as an editor does.
    fn replace(&self, text: &str) {
        let other = self.folder.path().join("other");
        fs::write(&other, text).unwrap();
        fs::rename(other, self.file()).unwrap();
    }

    /// A look so many seconds after the start.
    fn look(&self, seconds: u64) -> Option<News> {
        self.source.look(self.started + Duration::from_secs(seconds))
    }

    fn role(&self) -> String {
        self.source.policy().default_roles[0].clone()
    }
}

#[test]
fn a_changed_file_is_in_force_after_a_second() {
    let stage = Stage::new(&rules("A"));
    stage.replace(&rules("B"));
    assert_eq!((stage.look(0), stage.role().as_str()), (None, "A"));
    let news = format!("{} has changed and is in force", stage.file().display());
    assert_eq!((stage.look(1), stage.role().as_str()), (Some(News::Changed(news)), "B"));
    assert_eq!(stage.look(2), None);
    assert_eq!(stage.source.problem(), None);
}

#[test]
fn a_file_that_is_written_in_place_is_noticed_too() {
    let stage = Stage::new(&rules("A"));
    fs::write(stage.file(), rules("Longer")).unwrap();
    assert!(matches!(stage.look(1), Some(News::Changed(_))));
    // As large as before: only its time tells.
    fs::write(stage.file(), rules("longer")).unwrap();
    let later = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000);
    fs::File::options().write(true).open(stage.file()).unwrap().set_modified(later).unwrap();
    assert!(matches!(stage.look(2), Some(News::Changed(_))));
    assert_eq!(stage.role(), "longer");
}

#[test]
fn a_broken_file_leaves_the_old_rules_in_force_and_is_told_once() {
    let stage = Stage::new(&rules("A"));
    stage.replace("default_roles = [\"A\"]\n\nruels = []\n");
    let Some(News::Broken(problem)) = stage.look(1) else { panic!("it is broken") };
    assert!(problem.contains("roles.toml: line 3: unknown field `ruels`"), "{problem}");
    assert_eq!(stage.source.problem(), Some(problem));
    assert_eq!((stage.look(2), stage.look(3), stage.role().as_str()), (None, None, "A"));
    stage.replace(&rules("B"));
    assert!(matches!(stage.look(4), Some(News::Changed(_))));
    assert_eq!((stage.source.problem(), stage.role().as_str()), (None, "B"));
}

#[test]
fn a_file_that_is_gone_or_empty_or_open_to_all_is_broken() {
    let stage = Stage::new(&rules("A"));
    let broken = |seconds, reason: &str| match stage.look(seconds) {
        Some(News::Broken(problem)) => assert!(problem.contains(reason), "{problem}"),
        other => panic!("{reason}: {other:?}"),
    };
    fs::remove_file(stage.file()).unwrap();
    broken(1, "cannot be read: ");
    assert_eq!(stage.look(2), None);
    stage.replace("# nothing yet\n");
    broken(3, "is empty");
    stage.replace("default_roles = [\"A\"]\n# \u{e9}");
    fs::write(stage.file(), b"# \xff").unwrap();
    broken(4, "is not UTF-8");
    stage.replace(&" ".repeat(1024 * 1024 + 1));
    broken(5, "is larger than 1 MiB");
    stage.replace(&rules("B"));
    fs::set_permissions(stage.file(), fs::Permissions::from_mode(0o666)).unwrap();
    broken(6, "may be written by its group or by everybody (mode 0666)");
    assert_eq!(stage.role(), "A");
    fs::set_permissions(stage.file(), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(stage.look(7), Some(News::Changed(_))));
    assert_eq!(stage.role(), "B");
}

#[test]
fn a_file_that_is_not_there_at_the_start_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| Source::open(config(&folder.path().join(name)), Instant::now()).err().unwrap();
    assert!(open("missing.toml").contains("missing.toml: cannot be read: "));
    assert!(open("").contains("is not a regular file"));
}

#[test]
fn what_is_wrong_with_a_file_is_said_without_the_texts_in_it() {
    let line = "[[rules]]\nname = \"x\"\nemail = 7\nroles = \"ada@example.org\"\n";
    let problem = RuleSet::parse(line).err().unwrap();
    assert!(problem.starts_with("line ") && !problem.contains("ada"), "{problem}");
    let problem = RuleSet::parse("default_roles = \"ada@example.org\"").err().unwrap();
    assert!(problem.starts_with("line 1: invalid type: string (text)"), "{problem}");
}

#[test]
fn rules_of_the_settings_are_never_looked_at_again() {
    let source = Source::open(serde_json_of(&json!({})), Instant::now()).unwrap();
    assert_eq!(source.look(Instant::now() + Duration::from_secs(9)), None);
    assert_eq!(source.problem(), None);
}
