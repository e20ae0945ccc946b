//! The host with real libraries: plugins in C, compiled here, and those of the workspace, built beforehand.
#![cfg(test)]

mod answers;
mod breaker;
mod cache;
mod crash;
mod hooks;
mod identities;
mod life;
mod loading;
mod museum;
mod support;
mod threads;
