//! `contract …`

use token::ContractId;

use crate::bank::Bank;
use crate::command::arguments::{ContractWork, OfContract, OnForm};
use crate::command::secrets::Secrets;
use crate::command::{denied, say};
use crate::jst;
use crate::rules::acquire::ContractStatus;
use crate::rules::lock::Locks;
use token::Secret;

pub(super) async fn work(bank: &Bank, work: ContractWork, secrets: &mut Secrets) -> anyhow::Result<()> {
    let (OnForm { contract: OfContract { contract_id: id }, .. }, said) = match work {
        ContractWork::List => return list(bank).await,
        ContractWork::Show { contract: OfContract { contract_id } } => return show(bank, &contract_id).await,
        ContractWork::Open { contract: OfContract { contract_id }, user_max } => {
            let (pin, confirm) = pins(secrets)?;
            bank.open_contract(&contract_id, &pin, &confirm, user_max).await.map_err(denied)?;
            return say(&format!("contract {contract_id} opened"));
        }
        ContractWork::Notices { form, email, language } => {
            let (id, email) = (&form.contract.contract_id, email.unwrap_or_default());
            bank.set_notice_address(id, &email, language.into(), &form.form_reference).await.map_err(denied)?;
            (
                form,
                if email.is_empty() { "has no address of its own for notices" } else { "is told at its new address" },
            )
        }
        ContractWork::EmergencyStop(form) => {
            bank.stop_contract(&form.contract.contract_id, &form.form_reference).await.map_err(denied)?;
            (form, "stopped")
        }
        ContractWork::ResetPins(form) => {
            let (pin, confirm) = pins(secrets)?;
            let id = &form.contract.contract_id;
            bank.reset_contract_pins(id, &pin, &confirm, &form.form_reference).await.map_err(denied)?;
            (form, "has new PINs")
        }
        ContractWork::Resume(form) => {
            let status =
                bank.resume_contract(&form.contract.contract_id, &form.form_reference).await.map_err(denied)?;
            let locked = status == ContractStatus::Locked;
            (form, if locked { "resumed, and locked by wrong entries: see contract unlock" } else { "resumed" })
        }
        ContractWork::Set { form, user_max, dual_control } => {
            let id = &form.contract.contract_id;
            bank.set_contract(id, user_max, dual_control, &form.form_reference).await.map_err(denied)?;
            (form, "changed")
        }
        ContractWork::Terminate(form) => {
            bank.terminate_contract(&form.contract.contract_id, &form.form_reference).await.map_err(denied)?;
            (form, "terminated")
        }
        ContractWork::Unlock(form) => {
            bank.unlock_contract(&form.contract.contract_id, &form.form_reference).await.map_err(denied)?;
            (form, "unlocked")
        }
    };
    say(&format!("contract {id} {said}"))
}

fn pins(secrets: &mut Secrets) -> anyhow::Result<(Secret, Secret)> {
    let pin = secrets.take("contract_pin", "ご契約先暗証番号 (administrator login PIN)", true)?;
    let confirm = secrets.take("contract_confirm_pin", "ご契約先確認暗証番号 (contract confirmation PIN)", true)?;
    Ok((pin, confirm))
}

async fn list(bank: &Bank) -> anyhow::Result<()> {
    for (id, contract) in bank.contracts().await.map_err(denied)? {
        let dual = match contract.dual_control {
            None => "",
            Some(true) => " dual control on",
            Some(false) => " dual control off",
        };
        let opened = jst::date(contract.opened_at);
        say(&format!("contract {id} {} opened {opened} user-max {}{dual}", contract.status.key(), contract.user_max))?;
    }
    Ok(())
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
