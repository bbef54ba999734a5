//! `administrator …`

use anyhow::bail;
use token::{ContractId, Secret};
use zeroize::Zeroizing;

use crate::bank::{Appointed, Bank, Person};
use crate::command::arguments::{AdministratorWork, OfAdministrator, OfContract};
use crate::command::{denied, say};
use crate::issuing::Opened;
use crate::jst;

pub(super) async fn work(bank: &Bank, work: AdministratorWork) -> anyhow::Result<()> {
    match work {
        AdministratorWork::Add { contract: OfContract { contract_id }, form_reference, name, email, is_user } => {
            let person = Person { name: &name, email: &email, user: is_user.as_ref() };
            let appointed = bank.add_administrator(&contract_id, &form_reference, person).await.map_err(denied)?;
            acquire(&contract_id, &appointed)
        }
        AdministratorWork::Issue { administrator: OfAdministrator { contract, number, form_reference }, reason } => {
            let id = contract.contract_id;
            let issued = bank.issue_administrator(&id, number, &form_reference, reason.into()).await;
            acquire(&id, &issued.map_err(denied)?)
        }
        AdministratorWork::List { contract: OfContract { contract_id } } => list(bank, &contract_id).await,
        AdministratorWork::Remove { administrator: OfAdministrator { contract, number, form_reference } } => {
            let id = contract.contract_id;
            bank.remove_administrator(&id, number, &form_reference).await.map_err(denied)?;
            say(&format!("administrator {id}/{number} removed"))
        }
        AdministratorWork::Revoke { administrator: OfAdministrator { contract, number, form_reference }, reason } => {
            let id = contract.contract_id;
            bank.revoke_administrator(&id, number, &form_reference, reason.into()).await.map_err(denied)?;
            say(&format!("administrator {id}/{number} certificate revoked"))
        }
        AdministratorWork::Set { administrator, name, email, is_user } => {
            let OfAdministrator { contract, number, form_reference } = administrator;
            let id = contract.contract_id;
            let what = (name.as_deref(), email.as_deref(), is_user.as_ref());
            bank.set_administrator(&id, number, &form_reference, what).await.map_err(denied)?;
            say(&format!("administrator {id}/{number} changed"))
        }
    }
}

async fn list(bank: &Bank, id: &ContractId) -> anyhow::Result<()> {
    let sheet = bank.contract(id).await.map_err(denied)?;
    for administrator in &sheet.administrators {
        let user = administrator.user.as_ref().map_or_else(String::new, |user| format!(" is user {user}"));
        say(&format!(
            "administrator {id}/{} {} <{}>{user} registered {} form {}",
            administrator.no,
            administrator.name,
            administrator.email,
            jst::date(administrator.registered_at),
            administrator.form_reference,
        ))?;
        for row in sheet.certificates.iter().filter(|row| row.record.administrator == Some(administrator.no)) {
            let until =
                row.record.valid_until.map_or_else(String::new, |end| format!(" until {}", jst::date_time(end)));
            let status = row.record.status_at(bank.now()).key();
            say(&format!("certificate {:03} {status}{until}", row.record.issue_no))?;
        }
    }
    Ok(())
}

fn acquire(id: &ContractId, appointed: &Appointed) -> anyhow::Result<()> {
    let Appointed { no, opened: Opened { issue_no, acquire_deadline, code, .. } } = appointed;
    say(&format!(
        "administrator {id}/{no} certificate {issue_no:03} to be acquired until {}",
        jst::date_time(*acquire_deadline)
    ))?;
    match code.as_ref().and_then(Secret::expose_str) {
        Some(code) => say(&Zeroizing::new(format!("acquisition code {code}"))),
        None => bail!("no acquisition code was made. Report the fault to whoever wrote this software"),
    }
}
