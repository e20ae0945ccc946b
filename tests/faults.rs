//! Plugins that fail, in every way there is, at one service, while another service is asked 200 times a second.
//!
//! [`table`] says what is to come of each fault, on threads, in a process and inline. To add a fault, give it a line there; how
//! it is made is a word of the plugin `faulty-plugin`, or an option with which a plugin in C is compiled.

mod calls;
mod children;
mod ends;
mod hooks;
mod looking;
mod printing;
mod refusals;
mod reloading;
mod secrets;
pub(crate) mod stage;
mod table;
mod traffic;
