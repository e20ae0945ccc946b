//! `vestibule plugin`.

mod check;

use vestibule_plugin_host::{inspect, run_check_child};

use super::say;
use crate::arguments::PluginCommand;
use crate::failure::Failure;

pub(crate) fn plugin(command: &PluginCommand) -> Result<(), Failure> {
    match command {
        PluginCommand::Inspect { file } => say(inspect(file).map_err(Failure::new)?),
        PluginCommand::Check { file, config, json } => check::check(file, config.as_deref(), *json),
        PluginCommand::CheckChild => run_check_child(),
    }
}
