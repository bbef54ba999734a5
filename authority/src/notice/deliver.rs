//! Sending: claimed by one process at a time, tried again ever later, given up visibly.

use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::derive::seal_name;
use super::mail::{Mail, MailError};
use super::webhook::{Webhook, WebhookError};
use crate::credential::CredentialError;
use crate::denial::Denial;
use crate::house::House;
use crate::rules::notice::{STOP_CODE, retry_after};
use crate::store::notices::{self, Notice};
use crate::store::{Event, StoreError, in_time};
use crate::vault::VaultError;

/// Notices claimed at a time.
const BATCH: i64 = 20;
/// Seconds that a claim holds: a process that died with one keeps it no longer.
const CLAIM: i64 = 600;

/// Why nothing can be sent by the settings there are.
#[derive(Debug, thiserror::Error)]
pub enum CourierError {
    /// A credential.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// The roots.
    #[error("the roots in {path} cannot be read. Name a file of PEM in notice.roots")]
    Roots {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The relay's settings.
    #[error("the mail relay cannot be spoken to by these settings. Check [notice]")]
    Relay(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why one notice was not sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error(transparent)]
    Mail(#[from] MailError),
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    #[error("nothing is configured to send it by")]
    NoWay,
    #[error("its stop code cannot be opened. Is secrets.key the one that it was sealed with?")]
    Sealed(#[source] VaultError),
}

impl SendError {
    /// Trying again helps nobody.
    fn is_final(&self) -> bool {
        match self {
            Self::Mail(error) => error.is_final(),
            Self::NoWay | Self::Sealed(_) | Self::Webhook(_) => false,
        }
    }
}

/// What sends: the relay and the webhook of the settings, with their credentials.
#[derive(Debug, Clone)]
pub struct Courier {
    mail: Option<Mail>,
    webhook: Option<Webhook>,
}

impl Courier {
    /// What the settings of the house name.
    ///
    /// # Errors
    /// [`CourierError`].
    pub fn new(house: &House) -> Result<Self, CourierError> {
        let settings = &house.settings.notice;
        let mail = match settings.relay() {
            Some(relay) => Some(Mail::new(relay, settings, house)?),
            None => None,
        };
        let webhook = match &settings.webhook {
            Some(target) => Some(Webhook::new(target, settings, house)?),
            None => None,
        };
        Ok(Self { mail, webhook })
    }

    /// Sends a mail that is no notice.
    ///
    /// # Errors
    /// [`CourierError::Relay`].
    pub async fn test(&self, to: &str, now: i64) -> Result<(), CourierError> {
        let notice = Notice {
            notice_id: format!("test-{now}"),
            event_seq: 0,
            notice_kind: "test".to_owned(),
            channel: "mail".to_owned(),
            recipient: to.to_owned(),
            contract_id: String::new(),
            user_id: String::new(),
            subject: "Notice: test / 【お知らせ】テスト".to_owned(),
            body: "This mail shows that notices arrive.\nお知らせの送信テストです。\n".to_owned(),
            stop_code: None,
            notice_status: "waiting".to_owned(),
            created_at: now,
            next_at: now,
            attempts: 0,
            sent_at: None,
            last_error: String::new(),
        };
        self.send(&notice, &notice.body).await.map_err(|error| CourierError::Relay(error.into()))
    }

    async fn send(&self, notice: &Notice, body: &str) -> Result<(), SendError> {
        match (notice.channel.as_str(), &self.mail, &self.webhook) {
            ("mail", Some(mail), _) => Ok(mail.send(notice, body).await?),
            ("webhook", _, Some(webhook)) => Ok(webhook.send(notice).await?),
            _ => Err(SendError::NoWay),
        }
    }
}

/// Sends what is due, until `shutdown`. What is not sent by then is given back, for whoever serves next.
pub(super) async fn deliver(house: &House, courier: &Courier, shutdown: &CancellationToken) -> Result<usize, Denial> {
    let mut sent = 0;
    while !shutdown.is_cancelled() {
        let (until, claimed) = in_time(claim(house)).await?;
        if claimed.is_empty() {
            break;
        }
        for (n, notice) in claimed.iter().enumerate() {
            let send = async { courier.send(notice, &body(house, notice).map_err(SendError::Sealed)?).await };
            let outcome = tokio::select! {
                biased;
                // The relay may have it: it comes again under the same Message-ID.
                () = shutdown.cancelled() => {
                    in_time(give_back(house, claimed.iter().skip(n), until)).await?;
                    break;
                }
                outcome = send => outcome,
            };
            sent += usize::from(outcome.is_ok());
            in_time(settle(house, notice, outcome)).await?;
        }
    }
    Ok(sent)
}

/// Some of those whose time has come, and until when they are this process's.
async fn claim(house: &House) -> Result<(i64, Vec<Notice>), StoreError> {
    let now = house.clock.now();
    // Nothing is written where nothing is due.
    if notices::next_try(house.store.readers()).await?.is_none_or(|next| next > now) {
        return Ok((now, Vec::new()));
    }
    let mut change = house.store.change(&house.clock).await?;
    let now = change.now();
    let until = now + CLAIM;
    let claimed = notices::claim(change.db(), until, now, BATCH).await?;
    change.commit_unrecorded().await?;
    Ok((until, claimed))
}

async fn give_back(house: &House, claimed: impl Iterator<Item = &Notice>, until: i64) -> Result<(), StoreError> {
    let mut change = house.store.change(&house.clock).await?;
    for notice in claimed {
        notices::give_back(change.db(), &notice.notice_id, until).await?;
    }
    change.commit_unrecorded().await
}

/// The text with the stop code in its place.
fn body(house: &House, notice: &Notice) -> Result<Zeroizing<String>, VaultError> {
    let Some(sealed) = &notice.stop_code else { return Ok(Zeroizing::new(notice.body.clone())) };
    let code = house.vault.open(&seal_name(&notice.notice_id), sealed)?;
    let groups: Vec<_> = code.chunks(4).map(String::from_utf8_lossy).collect();
    Ok(Zeroizing::new(notice.body.replace(STOP_CODE, &Zeroizing::new(groups.join("-")))))
}

async fn settle(house: &House, notice: &Notice, outcome: Result<(), SendError>) -> Result<(), StoreError> {
    let mut change = house.store.change(&house.clock).await?;
    let now = change.now();
    let metrics = house.metrics.work();
    let Err(error) = outcome else {
        metrics.notice(&notice.channel, "sent");
        notices::sent(change.db(), &notice.notice_id, now).await?;
        return change.commit_unrecorded().await;
    };
    let why = chain(&error);
    let next = retry_after(notice.attempts + 1).filter(|_| !error.is_final()).map(|wait| now + wait);
    metrics.notice(&notice.channel, if next.is_some() { "failed" } else { "given_up" });
    notices::failed(change.db(), &notice.notice_id, next, &why).await?;
    if next.is_some() {
        tracing::warn!(notice = notice.notice_id, why, "a notice was not sent and is tried again");
        return change.commit_unrecorded().await;
    }
    tracing::error!(notice = notice.notice_id, why, "a notice was given up: see jitsuin-authority notice list");
    let mut event = Event::new("authority", "clock", "clock", "notice.dead").on(&notice.notice_id);
    event.contract_id.clone_from(&notice.contract_id);
    event.user_id.clone_from(&notice.user_id);
    change.commit(event.changed("waiting", "dead").because(&notice.notice_kind)).await
}

/// An error with its causes, in one line of at most 500 characters.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect()
}
