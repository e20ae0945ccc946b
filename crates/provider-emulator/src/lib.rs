//! A stand-in for Google and GitHub that speaks their protocols over HTTP.
