//! Cross-origin requests, and the headers of every answer.
