//! `jitsuin enrol`: 電子証明書取得, the manual's two pages

use token::{ContractId, UserId};
use zbus::Variant;

use super::{Context, follow};
use crate::bus::manager::ManagerProxy;
use crate::bus::{BusError, Options, enrolment};
use crate::cli::Enrol;
use crate::prompt::{PromptError, Prompter, Terminal};
use crate::run::interruptible;
use crate::{Error, agent};

/// Page 1 takes the ids here and the user PIN through the agent; page 2, the one-time password,
/// comes when the authority has accepted page 1. Both secrets go from the window to the daemon.
pub(crate) async fn perform(context: &Context, enrol: Enrol) -> Result<(), Error> {
    let (connection, enrolment) = interruptible(start(context, &enrol)).await?;
    follow::follow(context, &connection, &enrolment).await
}

async fn start(
    context: &Context,
    enrol: &Enrol,
) -> Result<(zbus::Connection, enrolment::EnrolmentProxy<'static>), Error> {
    let profile = context.authority(enrol.profile.as_deref())?.name;
    context.remark(&context.texts.text("enrol-page-1"));
    let contract = contract_id(&entry(context, enrol.contract_id.as_deref(), "ask-contract-id").await?)?;
    let user = match enrol.administrator {
        true => None,
        false => Some(user_id(&entry(context, enrol.user_id.as_deref(), "ask-user-id").await?)?),
    };
    let connection = context.bus_with_agent().await?;
    let mut options =
        Options::from([("agent", agent::option()?), ("contract-id", Variant::from(contract.as_str().to_owned()))]);
    if let Some(user) = user {
        options.insert("user-id", user.as_str().to_owned().into());
    }
    if let Some(token) = &enrol.token {
        options.insert("token", token.to_string().into());
    }
    if let Some(algorithm) = enrol.algorithm {
        options.insert("algorithm", algorithm.name().into());
    }
    let manager = ManagerProxy::new(&connection).await.map_err(BusError::from)?;
    let path = manager.start_enrolment(&profile, options).await.map_err(BusError::from)?;
    let enrolment = enrolment::at(&connection, path).await?;
    Ok((connection, enrolment))
}

/// What the command line gives, or what is typed on the terminal.
pub(super) async fn entry(context: &Context, given: Option<&str>, question: &str) -> Result<String, Error> {
    match (given, &context.prompter) {
        (Some(given), _) => Ok(given.to_owned()),
        (None, Prompter::Terminal) => {
            let line = Terminal::open()?.line(&format!("{} ", context.texts.text(question))).await?;
            match line.trim() {
                "" => Err(PromptError::Cancelled.into()),
                entry => Ok(entry.to_owned()),
            }
        }
        (None, Prompter::Pinentry(_)) => {
            Err(Error::Entry { key: "entry-missing", value: context.texts.text(question) })
        }
    }
}

/// Checked before anything is sent (S-003).
pub(super) fn contract_id(text: &str) -> Result<ContractId, Error> {
    let key = if has_wide(text) { "entry-contract-id-wide" } else { "entry-contract-id" };
    ContractId::new(text).map_err(|_| Error::Entry { key, value: text.to_owned() })
}

pub(super) fn user_id(text: &str) -> Result<UserId, Error> {
    let key = if has_wide(text) { "entry-user-id-wide" } else { "entry-user-id" };
    UserId::new(text).map_err(|_| Error::Entry { key, value: text.to_owned() })
}

/// Full-width letters and digits: what a Japanese keyboard types in its usual mode.
fn has_wide(text: &str) -> bool {
    text.chars().any(|c| ('\u{ff01}'..='\u{ff5e}').contains(&c) || c == '\u{3000}')
}

#[cfg(test)]
mod tests {
    use token::{Language, Refusal};

    use super::*;
    use crate::Texts;

    #[test]
    fn ids_are_checked_here() {
        assert!(contract_id("00009876543").is_ok());
        assert!(user_id("riyousya").is_ok());
        let texts = Texts::new(Language::Ja);
        for (bad, hint) in [("0000987654", false), ("０００09876543", true), ("00009876543 ", false), ("", false)] {
            let said = contract_id(bad).unwrap_err().say(&texts);
            assert!(said.contains("11桁"), "{said}");
            assert_eq!(said.contains("半角"), hint || Refusal::IdFormat.template(Language::Ja).is_empty(), "{said}");
        }
        assert!(user_id("ｒｉｙｏｕｓｙａ").unwrap_err().say(&texts).contains("全角"));
    }
}
