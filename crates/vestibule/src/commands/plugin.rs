//! `vestibule plugin`.

mod new;

use vestibule_plugin_host::inspect;

use super::say;
use crate::arguments::PluginCommand;
use crate::failure::Failure;

pub(crate) fn plugin(command: &PluginCommand) -> Result<(), Failure> {
    match command {
        PluginCommand::Inspect { file } => say(inspect(file).map_err(Failure::new)?),
        PluginCommand::New { name, dir } => new::new(name, dir.as_deref()),
    }
}
