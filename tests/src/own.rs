//! The test's own process, into which modules and libraries are loaded.

use std::ffi::OsStr;

/// Sets a variable of the environment for what is loaded into this process. Libraries look once, so a process has one
/// value for good; nextest gives each test a process.
#[expect(unsafe_code, reason = "the environment is the only way to tell a library where its things are")]
pub fn tell(name: &str, value: impl AsRef<OsStr>) {
    // SAFETY: a test calls this first of all, before there are threads that look at the environment; the harness's
    // other thread only waits.
    unsafe { std::env::set_var(name, value) };
}
