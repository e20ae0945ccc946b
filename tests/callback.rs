//! The callback: replayed, forged, expired, from another browser.
