//! The commands of docs/walkthrough.md, run in order.
