//! For services: is this permission token good?.
