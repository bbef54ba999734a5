//! `jitsuind`

use std::process::ExitCode;

fn main() -> ExitCode {
    // The hidden sub-command comes first: its process must have no other thread.
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("worker") {
        return daemon::worker::child_main(&arguments.next().unwrap_or_default());
    }
    ExitCode::FAILURE
}
