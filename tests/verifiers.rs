//! Permission tokens at the verifiers that services run.
