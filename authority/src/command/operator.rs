//! The bank operator's commands.

mod administrators;

use token::ContractId;

use super::arguments::{ContractWork, OfContract, OfUser, ReasonArgument, UserWork, Work};
use super::secrets::Secrets;
use super::{certificate, denied, otp_token, say};
use crate::bank::Bank;
use crate::jst;
use crate::rules::choice::Reason;
use crate::rules::lock::Locks;

pub(super) async fn work(bank: &Bank, work: Work, mut secrets: Secrets) -> anyhow::Result<()> {
    match work {
        Work::Contract(work) => contract(bank, work, &mut secrets).await,
        Work::Administrator(work) => administrators::work(bank, work).await,
        Work::Certificate(work) => certificate::work(bank, work).await,
        Work::User(UserWork::Add { user: OfUser { contract, user_id }, name, email }) => {
            let pin = secrets.take("user_pin", "利用者暗証番号 (user PIN)", true)?;
            let registered = bank.register_user(&contract.contract_id, &user_id, &pin, (&name, &email)).await;
            registered.map_err(denied)?;
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
    for row in &sheet.certificates {
        let until = row.record.valid_until.map_or_else(String::new, |end| format!(" until {}", jst::date_time(end)));
        let (no, record) = (row.record.administrator.unwrap_or_default(), &row.record);
        say(&format!("administrator {no} certificate {:03} {}{until}", record.issue_no, record.status.key()))?;
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
