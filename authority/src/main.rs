//! `jitsuin-authority`: the authority's one program.

use std::process::ExitCode;

use authority::command::{Arguments, run};
use clap::Parser;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("jitsuin-authority: no threads are to be had: {error}. Free some memory and try again.");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("jitsuin-authority: {error:#}.");
            ExitCode::FAILURE
        }
    }
}
