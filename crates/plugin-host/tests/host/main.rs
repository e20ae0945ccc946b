//! The host with real libraries: plugins in C, compiled here, and those of the workspace, built beforehand.
#![cfg(test)]

mod abi_compat;
mod answers;
mod breaker;
mod cache;
mod crash;
mod hooks;
mod identities;
mod life;
mod loading;
mod support;
mod threads;
mod tokens;
