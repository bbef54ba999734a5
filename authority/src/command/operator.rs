//! The bank operator's commands.

use anyhow::bail;
use token::{ContractId, Secret};
use zeroize::Zeroizing;

use super::arguments::{AdministratorWork, ContractWork, OfContract, OfUser, ReasonArgument, UserWork, Work};
use super::secrets::Secrets;
use super::{certificate, denied, otp_token, say};
use crate::bank::Bank;
use crate::issuing::Opened;
use crate::jst;
use crate::rules::choice::Reason;
use crate::rules::lock::Locks;

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
        Work::Token(work) => otp_token::work(bank, work, &mut secrets).await,
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
