//! `jitsuin`: the person's command. See `jitsuin --help`, or the manual page.

use std::process::ExitCode;

fn main() -> ExitCode {
    client::run::run(std::env::args_os()).into()
}
