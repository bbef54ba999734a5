//! The commands, one file each.

mod account;
mod admin;
mod admin_history;
mod admin_otp;
mod admin_people;
mod batch;
mod browser;
mod certificates;
mod context;
mod descriptor;
mod doctor;
mod enrol;
mod enrolments;
mod follow;
mod hidraw;
mod login;
mod manual;
mod otp;
mod own;
mod pin;
mod renew;
mod session_agent;
mod signing;
mod stop;
mod tokens;
mod users;

pub(crate) use context::Context;

use crate::Error;
use crate::cli::{Command, Otp, Pin};
use crate::run::interruptible;

/// Does what the command says. A signal ends it; only enrolments, which outlive their command, see
/// to signals themselves.
pub(crate) async fn perform(context: &Context, command: Command) -> Result<(), Error> {
    match command {
        Command::Admin(admin) => interruptible(admin::perform(context, admin)).await,
        Command::Agent => session_agent::perform(context).await,
        Command::Certificates(wanted) => interruptible(certificates::perform(context, wanted)).await,
        Command::Completions { shell } => manual::completions(context, shell),
        Command::Console(console) => interruptible(browser::administrator(context, console)).await,
        Command::Doctor { profile } => interruptible(doctor::perform(context, profile)).await,
        Command::Enrol(enrol) => enrol::perform(context, enrol).await,
        Command::Enrolments { action } => enrolments::perform(context, action).await,
        Command::History(own) => interruptible(account::history(context, own)).await,
        Command::Login(login) => interruptible(login::perform(context, login)).await,
        Command::Man { folder } => manual::pages(context, &folder),
        Command::Otp { action: Otp::Code { account, token, code_fd } } => {
            interruptible(otp::code(context, account, token, code_fd)).await
        }
        Command::Otp { action: Otp::List { token } } => interruptible(otp::list(context, token)).await,
        Command::Otp { action: Otp::Provision(wanted) } => interruptible(otp::provision(context, wanted)).await,
        Command::Pin { action: Pin::Change { token } } => interruptible(pin::change(context, token)).await,
        Command::Pin { action: Pin::Unblock { token } } => interruptible(pin::unblock(context, token)).await,
        Command::Renew(renew) => renew::perform(context, renew).await,
        Command::Revoke(revoke) => interruptible(own::revoke(context, revoke)).await,
        Command::Stop(stop) => interruptible(stop::perform(context, stop)).await,
        Command::Suspend(suspend) => interruptible(own::suspend(context, suspend)).await,
        Command::Tokens => interruptible(tokens::perform(context)).await,
        Command::UserPin(own) => interruptible(account::change_pin(context, own)).await,
    }
}
