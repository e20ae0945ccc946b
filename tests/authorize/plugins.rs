//! Folders of plugins: those of this workspace, plugins in C that are compiled here, and files that are no plugins.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A folder of its own for one test.
pub(crate) struct PluginFolder(TempDir);

impl PluginFolder {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // A program may run as somebody else.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self(folder)
    }

    /// A folder with the plugin `scripted`, which does what [`PluginFolder::write_script`] says. The program has to be
    /// told of it by [`PluginFolder::path`] in `PLUGIN_PATH`.
    pub(crate) fn with_scripted(script: &str) -> Self {
        let folder = Self::new();
        folder.compile(&root().join("tests/fixtures/scripted.c"), "scripted", &[&folder.script_option()]);
        folder.write_script(script);
        folder
    }

    /// Adds the plugin of the host's own tests, whose faults are chosen when it is compiled, under a name.
    pub(crate) fn add_variant(&self, name: &str, defines: &[&str]) {
        self.compile(&root().join("crates/plugin-host/tests/fixtures/variant.c"), name, defines);
    }

    /// Adds the other plugin of the host's own tests, which fails for some users in the way chosen when it is compiled.
    pub(crate) fn add_turns(&self, name: &str, defines: &[&str]) {
        self.compile(&root().join("crates/plugin-host/tests/fixtures/turns.c"), name, defines);
    }

    /// Adds the plugin that tries what a process might do to others.
    pub(crate) fn add_spy(&self, name: &str, defines: &[&str]) {
        self.compile(&root().join("tests/fixtures/spy.c"), name, defines);
    }

    pub(crate) fn compile(&self, source: &Path, name: &str, defines: &[&str]) {
        let status = Command::new("cc")
            .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-unused", "-O1", "-fPIC", "-shared"])
            .args(["-fvisibility=hidden", "-pthread", "-I"])
            .arg(root().join("crates/plugin-abi/include"))
            .args(defines.iter().map(|define| format!("-D{define}")))
            .arg(source)
            .arg("-o")
            .arg(self.file(name))
            .status();
        assert!(status.expect("cc can be run").success(), "{} with {defines:?}", source.display());
        self.set_mode(name, 0o755);
    }

    /// Adds a file of these bytes under the name of a plugin.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.file(name), bytes).unwrap();
        self.set_mode(name, 0o755);
    }

    pub(crate) fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.file(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The file of a plugin.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(format!("lib{name}.so"))
    }

    /// The folder itself.
    pub(crate) fn directory(&self) -> &Path {
        self.0.path()
    }

    /// What `PLUGIN_PATH` takes: this folder, then that of the plugins of this workspace.
    pub(crate) fn path(&self) -> String {
        format!("{}:{}", self.0.path().display(), built_plugins().display())
    }

    /// The file that the plugin `scripted` of this folder reads.
    pub(crate) fn script(&self) -> String {
        self.0.path().join("script").to_str().unwrap().to_owned()
    }

    fn script_option(&self) -> String {
        format!("SCRIPT={:?}", self.script())
    }

    /// Tells the plugin `scripted` what to do from now on; it reads the whole of it or what was there before.
    pub(crate) fn write_script(&self, script: &str) {
        let partial = self.0.path().join("script.partial");
        fs::write(&partial, script).unwrap();
        fs::rename(partial, self.script()).unwrap();
    }
}

/// Where cargo puts the plugins of this workspace: beside the program, and above the running test.
pub(crate) fn built_plugins() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
