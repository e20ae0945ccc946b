//! A real browser signs in on the demonstration page.
