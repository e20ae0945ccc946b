//! `vestibule plugin`.

mod check;
mod new;

use vestibule_plugin_host::{inspect, run_check_child};

use super::support::{block_on, say};
use crate::arguments::PluginCommand;
use crate::error::CommandError;
use crate::serve::{PLUGIN_PROCESS, request_reload, this_program};
use crate::settings::{Settings, Sources};

/// The interface in C.
const HEADER: &str = include_str!("../../../plugin-abi/include/vestibule_plugin.h");

pub(crate) fn plugin(
    command: &PluginCommand,
    sources: impl FnOnce() -> Result<Sources, CommandError>,
) -> Result<(), CommandError> {
    match command {
        PluginCommand::Inspect { file } => {
            say(inspect(file, &this_program(&[PLUGIN_PROCESS])).map_err(CommandError::new)?)
        }
        PluginCommand::Check { file, config, json } => check::check(file, config.as_deref(), *json),
        PluginCommand::CheckChild => run_check_child(),
        PluginCommand::Reload => reload(&sources()?),
        PluginCommand::Header => say(HEADER.trim_end()),
        PluginCommand::New { name, dir } => new::new(name, dir.as_deref()),
    }
}

fn reload(sources: &Sources) -> Result<(), CommandError> {
    let listen = Settings::read_listen(sources)?;
    block_on(request_reload(listen))?;
    say("the plugins are reloaded")
}
