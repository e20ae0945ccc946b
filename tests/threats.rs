//! Attacks, row by row: [`list`] names each with the tests that show what becomes of it. Most of those are beside the
//! flow that is attacked; here are the ones that are about no single flow.

mod addresses;
mod connections;
mod descriptors;
mod exhaustion;
mod floods;
mod half_requests;
mod headers;
mod keys;
mod leaks;
mod limits;
mod list;
mod merging;
mod redirects;
mod tokens;
mod usernames;
