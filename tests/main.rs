//! Black-box tests: the built program, driven over HTTP, one module a flow.
//!
//! To add a flow, give it a module here. A test starts the program with `vestibule_test_support::Program` on a
//! database of its own and speaks HTTP to it; it never calls the crates that it tests. A test of a row of the threat
//! list begins with the row's id.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests may fail loudly, and so may their helpers; what they measure is printed for whoever asks"
)]

mod address_trust;
mod audit_log;
mod authorize;
mod backups;
mod browser;
mod callback;
mod clients;
mod commands;
mod crash;
mod cross_origin;
mod dependency_rules;
mod doctor;
mod documents;
mod faults;
mod fuzzing;
mod hooks;
mod identities;
mod leaks;
mod lent_tokens;
mod next;
mod observability;
mod openapi;
mod outages;
mod principal;
mod provider_changes;
mod provider_settings;
mod python;
mod replicas;
mod restart;
mod roles;
mod rotation;
mod sign_out;
mod signed_in;
mod snippets;
mod threats;
mod token_handlers;
mod tokens;
mod trust;
mod unlinking;
mod upstream;
mod usernames;
mod verifiers;
mod walkthrough;
mod webhook;
mod what_ends_what;
mod world;
