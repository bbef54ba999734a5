//! The bank operator's commands.

use std::fs::File;
use std::io::Write;

use anyhow::{Context, bail};
use token::{ContractId, Secret, otp_secret};
use zeroize::Zeroizing;

use super::arguments::{
    AdministratorWork, ContractWork, HashArgument, KindArgument, OfContract, OfUser, ReasonArgument, TokenWork,
    UserWork, Work,
};
use super::secrets::Secrets;
use super::{certificate, denied, say};
use crate::bank::{Bank, NewToken};
use crate::issuing::Opened;
use crate::jst;
use crate::otp::{Hash, Kind, TokenState};
use crate::rules::choice::Reason;
use crate::rules::lock::Locks;

/// Bytes of a new secret: 160 bits, as RFC 4226 §4 recommends.
const NEW_SECRET: usize = 20;

pub(super) async fn work(bank: &Bank, work: Work, mut secrets: Secrets) -> anyhow::Result<()> {
    match work {
        Work::Contract(work) => contract(bank, work, &mut secrets).await,
        Work::Administrator(work) => administrator(bank, work).await,
        Work::Certificate(work) => certificate::work(bank, work).await,
        Work::User(UserWork::Add { user: OfUser { contract, user_id } }) => {
            let pin = secrets.take("user_pin", "利用者暗証番号 (user PIN)", true)?;
            bank.add_user(&contract.contract_id, &user_id, &pin).await.map_err(denied)?;
            say(&format!("user {}/{user_id} registered", contract.contract_id))
        }
        Work::User(UserWork::Deregister { user: OfUser { contract, user_id } }) => {
            bank.deregister_user(&contract.contract_id, &user_id).await.map_err(denied)?;
            say(&format!("user {}/{user_id} deregistered", contract.contract_id))
        }
        Work::User(UserWork::Unlock { user: OfUser { contract, user_id }, form_reference }) => {
            bank.unlock_user(&contract.contract_id, &user_id, &form_reference).await.map_err(denied)?;
            say(&format!("user {}/{user_id} unlocked", contract.contract_id))
        }
        Work::Token(work) => token(bank, work, &mut secrets).await,
    }
}

async fn contract(bank: &Bank, work: ContractWork, secrets: &mut Secrets) -> anyhow::Result<()> {
    match work {
        ContractWork::Open { contract: OfContract { contract_id }, user_max } => {
            let pin = secrets.take("contract_pin", "ご契約先暗証番号 (administrator login PIN)", true)?;
            let confirm =
                secrets.take("contract_confirm_pin", "ご契約先確認暗証番号 (contract confirmation PIN)", true)?;
            bank.open_contract(&contract_id, &pin, &confirm, user_max).await.map_err(denied)?;
            say(&format!("contract {contract_id} opened"))
        }
        ContractWork::Show { contract: OfContract { contract_id } } => show(bank, &contract_id).await,
        ContractWork::Unlock { contract: OfContract { contract_id }, form_reference } => {
            bank.unlock_contract(&contract_id, &form_reference).await.map_err(denied)?;
            say(&format!("contract {contract_id} unlocked"))
        }
    }
}

async fn show(bank: &Bank, contract_id: &ContractId) -> anyhow::Result<()> {
    let sheet = bank.contract(contract_id).await.map_err(denied)?;
    say(&format!(
        "contract {contract_id} {} opened {} users {}/{}",
        sheet.contract.status.key(),
        jst::date(sheet.contract.opened_at),
        sheet.users.len(),
        sheet.contract.user_max,
    ))?;
    for row in &sheet.administrator {
        let until = row.record.valid_until.map_or_else(String::new, |end| format!(" until {}", jst::date_time(end)));
        say(&format!("administrator certificate {:03} {}{until}", row.record.issue_no, row.record.status.key()))?;
    }
    for user in &sheet.users {
        let Locks { pin_locked, otp_locked, .. } = user.locks;
        let locks: String = [(pin_locked, "user_pin"), (otp_locked, "otp"), (user.locks.needs_bank(), "100 in a row")]
            .into_iter()
            .filter(|(locked, _)| *locked)
            .map(|(_, what)| format!(" locked: {what}"))
            .collect();
        say(&format!("user {} {}{locks}", user.id, user.status.key()))?;
    }
    Ok(())
}

async fn administrator(bank: &Bank, work: AdministratorWork) -> anyhow::Result<()> {
    let (contract_id, opened) = match work {
        AdministratorWork::Add { contract: OfContract { contract_id }, form_reference } => {
            let opened = bank.add_administrator(&contract_id, &form_reference).await.map_err(denied)?;
            (contract_id, opened)
        }
        AdministratorWork::Issue { contract: OfContract { contract_id }, form_reference, reason } => {
            let opened =
                bank.issue_administrator(&contract_id, &form_reference, reason.into()).await.map_err(denied)?;
            (contract_id, opened)
        }
    };
    let Opened { issue_no, acquire_deadline, code, .. } = opened;
    say(&format!(
        "administrator {contract_id} certificate {issue_no:03} to be acquired until {}",
        jst::date_time(acquire_deadline)
    ))?;
    match code.as_ref().and_then(Secret::expose_str) {
        Some(code) => say(&Zeroizing::new(format!("acquisition code {code}"))),
        None => bail!("no acquisition code was made. Report the fault to whoever wrote this software"),
    }
}

async fn token(bank: &Bank, work: TokenWork, secrets: &mut Secrets) -> anyhow::Result<()> {
    match work {
        TokenWork::Add { serial, kind, hash, digits, period, counter, new_secret_fd } => {
            if serial.is_empty() || serial.len() > 64 || !serial.bytes().all(|b| b.is_ascii_graphic()) {
                bail!("the serial number is not 1 to 64 ASCII characters without spaces. Check it");
            }
            let (secret, mut outlet) = match new_secret_fd {
                // Opened before anything is registered.
                Some(number) => (Secret::new(rand::random::<[u8; NEW_SECRET]>().to_vec()), Some(open_outlet(number)?)),
                None => (otp_secret::parse(&secrets.take("secret", "secret of the token", false)?)?, None),
            };
            let line = otp_secret::to_base32(secret.expose());
            let line = Zeroizing::new([line.expose(), b"\n"].concat());
            let (kind, next) = match kind {
                KindArgument::Hotp => (Kind::Hotp, u64::from(counter)),
                KindArgument::Totp => (Kind::Totp { period }, 0),
            };
            let state = TokenState { kind, hash: hash.into(), digits, next, drift: 0 };
            bank.add_token(&NewToken { serial: serial.clone(), state, secret }).await.map_err(denied)?;
            if let Some(outlet) = &mut outlet {
                outlet.write_all(&line).context(
                    "the token is in stock, but its secret was not taken. Take another serial number and try again",
                )?;
            }
            say(&format!("token {serial} in stock"))
        }
        TokenWork::Assign { serial, contract: OfContract { contract_id }, user_id } => {
            bank.assign_token(&serial, &contract_id, user_id.as_ref()).await.map_err(denied)?;
            match user_id {
                Some(user_id) => say(&format!("token {serial} registered for {contract_id}/{user_id}")),
                None => say(&format!("token {serial} given to contract {contract_id}")),
            }
        }
        TokenWork::Resync { serial } => {
            let first = secrets.take("otp", "one-time password", false)?;
            let second = secrets.take("next_otp", "the next one-time password", false)?;
            let accepted = bank.resynchronise_token(&serial, &first, &second).await.map_err(denied)?;
            say(&format!("token {serial} found again, drift {}", accepted.drift))
        }
    }
}

/// Opened through the name that the kernel gives to it: taking a number over as a descriptor of ours would
/// need a promise that nobody else uses it.
fn open_outlet(number: u16) -> anyhow::Result<File> {
    let name = format!("/proc/self/fd/{number}");
    // Behind what is there: the kernel opens it anew, from its beginning.
    File::options().append(true).open(name).with_context(|| {
        format!("descriptor {number} is not open for writing. Open it in the shell, for example {number}>FILE")
    })
}

impl From<ReasonArgument> for Reason {
    fn from(reason: ReasonArgument) -> Self {
        match reason {
            ReasonArgument::Compromised => Self::Compromised,
            ReasonArgument::Expired => Self::Expired,
            ReasonArgument::InstallFailed => Self::InstallFailed,
            ReasonArgument::Lost => Self::Lost,
            ReasonArgument::Other => Self::Other,
            ReasonArgument::PcChange => Self::PcChange,
            ReasonArgument::Stolen => Self::Stolen,
        }
    }
}

impl From<HashArgument> for Hash {
    fn from(hash: HashArgument) -> Self {
        match hash {
            HashArgument::Sha1 => Self::Sha1,
            HashArgument::Sha256 => Self::Sha256,
            HashArgument::Sha512 => Self::Sha512,
        }
    }
}
