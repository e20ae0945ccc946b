//! The plugin ABI, version 1: the Rust mirror of include/vestibule_plugin.h.
