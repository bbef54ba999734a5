//! The bank operator's commands.

mod administrators;
mod contracts;
mod parties;

use super::arguments::{OfUser, ReasonArgument, UserWork, Work};
use super::secrets::Secrets;
use super::{certificate, denied, notice, otp_token, say};
use crate::bank::Bank;
use crate::rules::choice::Reason;

pub(super) async fn work(bank: &Bank, work: Work, mut secrets: Secrets) -> anyhow::Result<()> {
    match work {
        Work::Contract(work) => contracts::work(bank, work, &mut secrets).await,
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
        Work::RelyingParty(work) => parties::work(bank, work).await,
        Work::Notice(work) => notice::work(bank, work).await,
        Work::Token(work) => otp_token::work(bank, work, &mut secrets).await,
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
