//! Black-box tests: the built program, driven over HTTP, one module a flow.
