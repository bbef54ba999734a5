//! What the daemon denies itself before a secret passes through it.

use std::io;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// No core files, and no other process of this user may read this one's memory or its
/// `/proc/self/fd` (ptrace(2), proc(5)).
///
/// # Errors
/// When the kernel refuses.
pub fn harden() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    // Files of this process are its user's own, unless it says otherwise.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    Ok(())
}
