//! The command line: `init`, `serve`, and the bank operator's work.

mod arguments;
mod bulk;
mod ca;
mod certificate;
mod init;
mod manual;
mod notice;
mod operator;
mod operator_name;
mod otp_token;
mod secrets;
mod unlock;
mod vault;

use std::io::{IsTerminal, Write};

use anyhow::Context;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use token::Language;

pub use self::arguments::Arguments;
use self::arguments::Command;
use self::operator_name::operator_name;
use self::secrets::Secrets;
use crate::attestation::Makers;
use crate::backup;
use crate::bank::Bank;
use crate::clock::Clock;
use crate::denial::Denial;
use crate::house::{CA_FOLDER, House};
use crate::jst;
use crate::rounds;
use crate::settings::{FILE, LogFormat, LogSettings, Settings};
use crate::store::{Event, event};

/// Does what the arguments say.
///
/// # Errors
/// Whatever went wrong, in words for the operator.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    harden()?;
    let directory = arguments.dir;
    match arguments.command {
        Command::Init { institution_code, origin, listen, postgres } => {
            let mut settings = Settings::new(institution_code, origin, listen);
            settings.database.postgres = postgres;
            settings.check()?;
            let root = init::init(&directory, &settings).await?;
            say(&format!("root sha256 {}", hex::encode(root)))
        }
        Command::CheckConfig { file } => {
            let path = file.unwrap_or_else(|| directory.join(FILE));
            let text = std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            let good = || format!("{} is not a good configuration", path.display());
            let settings = Settings::parse(&text).with_context(good)?;
            Makers::load(&directory, &settings.device.roots).with_context(good)?;
            say(&format!("{} is good", path.display()))
        }
        Command::Serve { listen } => {
            let house = House::open(&directory, Clock::system()).await?;
            log_to_stderr(&house.settings.log)?;
            let mut secrets = arguments.secrets_stdin.then(Secrets::from_stdin).transpose()?;
            unlock::unlock(&house.ca, &mut secrets)?;
            let listen = listen.unwrap_or(house.settings.listen);
            crate::server::serve(house, listen).await.context("the server stopped")
        }
        Command::Tick => {
            let house = House::open(&directory, Clock::system()).await?;
            log_to_stderr(&quiet())?;
            let round = rounds::once(&house).await.map_err(denied)?;
            if round.elsewhere {
                return say("a server is doing that now");
            }
            let next = round.next.map_or_else(|| "nothing".to_owned(), jst::english);
            say(&format!("{} certificates changed by time\nnext {next}", round.done))
        }
        Command::Roots => {
            let house = House::open(&directory, Clock::system()).await?;
            say(&format!("root sha256 {}", hex::encode(house.ca.root_sha256())))
        }
        Command::RenewServerCertificate => {
            log_to_stderr(&quiet())?;
            let house = House::open(&directory, Clock::system()).await?;
            let now = house.clock.now();
            let folder = directory.join(CA_FOLDER);
            let end = if crate::ca::has_root_key(&folder) {
                crate::ca::renew(&folder, &house.settings.origin, now)?
            } else {
                let mut secrets = arguments.secrets_stdin.then(Secrets::from_stdin).transpose()?;
                unlock::unlock(&house.ca, &mut secrets)?;
                crate::ca::renew_under(&folder, &house.settings.origin, house.ca.current(), now)?
            };
            let end = jiff::Timestamp::from_second(end).unwrap_or_default().to_string();
            let event = Event::new("bank_operator", &operator_name(), "terminal", "authority.server_certificate")
                .changed("", &end);
            house.store.change(&house.clock).await?.commit(event).await?;
            say(&format!("server certificate until {end}\nstart the server again to use it"))
        }
        Command::VerifyAudit { head } => {
            let house = House::open(&directory, Clock::system()).await?;
            let end = event::verify(house.store.readers()).await?;
            let line = format!("{}:{}", end.events, end.hash);
            if let Some(head) = head {
                event::contains(house.store.readers(), &head).await?;
            }
            say(&format!("{} events, chain whole\nhead {line}", end.events))
        }
        Command::Ca(work) => {
            log_to_stderr(&quiet())?;
            let secrets = if arguments.secrets_stdin { Secrets::from_stdin()? } else { Secrets::from_terminal() };
            ca::work(&directory, work, secrets).await
        }
        Command::CaTokenWorker => crate::ca::token::worker::serve().context("the CA's token worker ended"),
        Command::Backup { to, with_keys } => {
            let house = House::open(&directory, Clock::system()).await?;
            log_to_stderr(&quiet())?;
            if with_keys {
                // what opens the CA's key shows that it is the CA's; nobody is asked
                let mut secrets = arguments.secrets_stdin.then(Secrets::from_stdin).transpose()?;
                unlock::open_current(&house.ca, &mut secrets)?;
            }
            let head = backup::make(&house, &to, with_keys).await?;
            let keys = if with_keys { "keys and all: keep it as you keep them" } else { "without keys" };
            say(&format!("{} made, {keys}\nhead {}:{}", to.display(), head.events, head.hash))
        }
        Command::Restore { from, keys, postgres } => {
            log_to_stderr(&quiet())?;
            let head = backup::restore(&from, &directory, keys.as_deref(), postgres).await?;
            say(&format!("{} events, chain whole\nhead {}:{}", head.events, head.events, head.hash))
        }
        Command::Vault(work) => {
            log_to_stderr(&quiet())?;
            vault::work(&directory, work).await
        }
        Command::Man { folder } => manual::write(folder.as_deref()),
        Command::Operator(work) => {
            let house = House::open(&directory, Clock::system()).await?;
            log_to_stderr(&quiet())?;
            let secrets = if arguments.secrets_stdin { Secrets::from_stdin()? } else { Secrets::from_terminal() };
            let bank = Bank::new(house, &operator_name());
            operator::work(&bank, work, secrets).await
        }
    }
}

/// What this process denies itself before a secret passes through it: what it makes is nobody else's to read (the
/// database and its log included), it leaves no core, and its user's other processes cannot read its memory.
fn harden() -> std::io::Result<()> {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

fn log_to_stderr(settings: &LogSettings) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(&settings.filter).context("log.filter is not understood")?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber in one process (tests) is no fault.
    let _ = match settings.format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    Ok(())
}

/// What a command logs: what it prints is its answer.
fn quiet() -> LogSettings {
    LogSettings { filter: "warn".to_owned(), format: LogFormat::Text }
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("standard output is closed")
}

/// A denial in the operator's words.
fn denied(denial: Denial) -> anyhow::Error {
    let text = denial.refusal.text(Language::En, "");
    anyhow::anyhow!("{} {}", denial.refusal.code(), text.trim_end_matches('.'))
}
