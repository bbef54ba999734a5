//! What the daemon does for its callers, whichever front they came through.

pub mod limits;
