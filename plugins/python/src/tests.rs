//! The plugin with real interpreters, through the table that a host reads. Modules are written to folders of their own.

mod at_once;
mod configuration;
mod hooks;
mod interpreters;
mod life;
mod mishaps;
mod permissions;
mod stage;
mod streams;
mod tokens;
