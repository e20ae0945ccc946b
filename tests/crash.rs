//! SIGKILL between requests: nothing acknowledged is lost.
