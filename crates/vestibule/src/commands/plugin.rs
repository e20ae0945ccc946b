//! `vestibule plugin`.

use vestibule_plugin_host::inspect;

use super::{block_on, say};
use crate::arguments::PluginCommand;
use crate::failure::Failure;
use crate::serve::ask_for_reload;
use crate::settings::{Settings, Sources};

pub(crate) fn plugin(
    command: &PluginCommand,
    sources: impl FnOnce() -> Result<Sources, Failure>,
) -> Result<(), Failure> {
    match command {
        PluginCommand::Inspect { file } => say(inspect(file).map_err(Failure::new)?),
        PluginCommand::Reload => reload(&sources()?),
    }
}

fn reload(sources: &Sources) -> Result<(), Failure> {
    let listen = Settings::read_listen(sources)?;
    block_on(ask_for_reload(listen))?;
    say("the plugins are reloaded")
}
