//! `jitsuind`: parse → log → config → wire → ready → wait.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use daemon::cli::{Cli, Command, Places};
use daemon::config::Config;
use daemon::running::{Running, start_log};
use daemon::service::policy::Mode;
use daemon::{harden, worker};
use rustix::process::geteuid;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match &cli.command {
        Some(Command::Worker { driver }) => return worker::child_main(driver),
        Some(Command::CheckConfig { file }) => check(&cli, file.as_deref()),
        None => run(&cli),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("jitsuind: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    harden::harden()?;
    let places = places(cli)?;
    let euid = geteuid().as_raw();
    let config = match places.config_named || places.config.exists() {
        true => Config::load(&places.config, euid)?,
        false => Config::default(),
    };
    start_log(&config.log_filter);
    let mode = if cli.user { Mode::User { uid: euid } } else { Mode::System };
    // One thread: tokens and journals block on threads of their own, and a login that changes threads waits for each.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { Running::start(config, &places, mode).await?.wait().await })
}

fn check(cli: &Cli, file: Option<&Path>) -> anyhow::Result<()> {
    let file = file.map_or_else(|| places(cli).map(|p| p.config), |f| Ok(f.to_owned()))?;
    let config = Config::check(&file)?;
    eprintln!(
        "{}: {} modules, {} authorities, no faults found",
        file.display(),
        config.modules.len(),
        config.authorities.len()
    );
    Ok(())
}

fn places(cli: &Cli) -> anyhow::Result<Places> {
    Ok(Places::new(cli, |name| std::env::var_os(name).map(PathBuf::from))?)
}
