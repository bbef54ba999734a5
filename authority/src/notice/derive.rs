//! From the record of events to notices, one row per recipient.

use serde_json::json;
use token::Refusal;

use crate::code;
use crate::denial::Denial;
use crate::house::House;
use crate::issuing::sealing_failed;
use crate::rules::notice::{Facts, Kind, addresses, compose, kind};
use crate::settings::ToldUsers;
use crate::store::history::{self, Recorded};
use crate::store::notices::{self, Notice};
use crate::store::{Change, StoreError, certificates, in_time, tokens};

/// Events that one change takes: others wait for it meanwhile.
const BATCH: i64 = 200;

pub(super) async fn derive(house: &House) -> Result<usize, Denial> {
    let mut made = 0;
    while let Some(more) = in_time(some(house)).await? {
        made += more;
    }
    Ok(made)
}

/// The notices of the next events; `None` where there is nothing new.
async fn some(house: &House) -> Result<Option<usize>, Denial> {
    // Nothing is written where there is nothing new.
    let readers = house.store.readers();
    let cursor = notices::cursor(readers).await?;
    if history::after(readers, cursor, 1).await?.is_empty() {
        return Ok(None);
    }
    let mut made = 0;
    let mut change = house.store.change(&house.clock).await?;
    let cursor = notices::cursor(change.db()).await?;
    let events = history::after(change.db(), cursor, BATCH).await?;
    for event in &events {
        // Where nothing is sent nothing is kept, or it would all be sent on the day that something is.
        if let Some(kind) = kind(event).filter(|_| house.settings.notice.is_on()) {
            made += tell(house, &mut change, kind, event).await?;
        }
    }
    let Some(last) = events.last() else { return Ok(None) };
    notices::set_cursor(change.db(), last.seq).await?;
    change.commit_unrecorded().await?;
    Ok(Some(made))
}

async fn tell(house: &House, change: &mut Change, kind: Kind, event: &Recorded) -> Result<usize, Denial> {
    let settings = &house.settings.notice;
    let mut made = 0;
    if settings.webhook.is_some() {
        let notice = webhook(kind, event, change.now())?;
        notices::add(change.db(), &notice).await?;
        made += 1;
    }
    if settings.smtp.is_none() {
        return Ok(made);
    }
    let known = notices::addresses(change.db(), &event.contract_id).await?;
    let audience = kind.audience();
    let mut recipients = known.administrators;
    if kind.has_addresses() {
        recipients.extend(addresses(event));
    }
    let concerned = |id: &str| match settings.users {
        ToldUsers::All => true,
        ToldUsers::Concerned => id == event.user_id,
        ToldUsers::None => false,
    };
    if audience.user {
        recipients.extend(known.users.into_iter().filter(|(id, _)| concerned(id)).map(|(_, address)| address));
    }
    if audience.bank {
        recipients.extend(settings.bank.iter().cloned());
    }
    recipients.sort();
    recipients.dedup();
    let (facts, record) = facts(house, change, kind, event).await?;
    let (subject, body) = compose(kind, &facts, known.language);
    for recipient in recipients {
        let notice_id = hex::encode(code::random::<16>().map_err(|_| Refusal::Internal)?);
        let stop_code = match (facts.stop_until, &record) {
            (Some(until), Some(record)) => Some(stop_code(house, change, &notice_id, record, until).await?),
            _ => None,
        };
        let notice = Notice {
            notice_id,
            channel: "mail".to_owned(),
            recipient,
            subject: subject.clone(),
            body: body.clone(),
            stop_code,
            ..blank(kind, event, change.now())
        };
        notices::add(change.db(), &notice).await?;
        made += 1;
    }
    Ok(made)
}

/// What the notice says beside its own text, and the certificate record it is about.
async fn facts(
    house: &House,
    change: &mut Change,
    kind: Kind,
    event: &Recorded,
) -> Result<(Facts, Option<String>), Denial> {
    let mut facts = Facts {
        contract: event.contract_id.clone(),
        user: event.user_id.clone(),
        at: event.at,
        role: event.role.clone(),
        // Where a person on line came from; a terminal at the bank or the clock tells nobody anything.
        place: if event.origin.parse::<std::net::IpAddr>().is_ok() { event.origin.clone() } else { String::new() },
        ..Facts::default()
    };
    let certificate = readable(certificates::find(change.db(), &event.subject).await, &event.subject)?;
    if let Some(row) = &certificate {
        facts.issue_no = format!("{:03}", row.record.issue_no);
        facts.administrator = row.record.administrator.map(|no| no.to_string()).unwrap_or_default();
        facts.ends_at = match kind {
            Kind::Acquired | Kind::Expired | Kind::Expiring => row.record.valid_until,
            Kind::Lapsed | Kind::NotAcquired | Kind::Reissued => Some(row.record.acquire_deadline),
            _ => None,
        };
        let until = event.at + i64::from(house.settings.notice.stop_hours) * 3600;
        facts.stop_until = kind.can_be_stopped().then_some(until);
    } else if (event.action.starts_with("token.") || kind == Kind::TokenEnding || kind == Kind::TokenRevoked)
        && let Some(token) = readable(tokens::find(change.db(), &event.subject).await, &event.subject)?
    {
        facts.ends_at = matches!(kind, Kind::TokenEnding | Kind::TokenExpired).then_some(token.ends_at);
        facts.token = token.serial;
    } else if event.action.starts_with("administrator.") {
        facts.administrator.clone_from(&event.subject);
    }
    Ok((facts, certificate.map(|row| row.record.id)))
}

/// What nobody can read must not keep everybody else from being told: its notice says less.
fn readable<T>(found: Result<Option<T>, StoreError>, subject: &str) -> Result<Option<T>, StoreError> {
    if let Err(StoreError::Value(what)) = found {
        tracing::error!(subject, what, "what a notice is about cannot be read: the notice says less");
        return Ok(None);
    }
    found
}

/// A code of its own for each recipient: whose was used is known.
async fn stop_code(
    house: &House,
    change: &mut Change,
    notice: &str,
    record: &str,
    until: i64,
) -> Result<Vec<u8>, Denial> {
    let code = code::acquisition_code().map_err(|_| Refusal::Internal)?;
    notices::add_stop_code(change.db(), &code::handle_sha256(code.expose()), record, until).await?;
    Ok(house.vault.seal(&seal_name(notice), code.expose()).map_err(sealing_failed)?)
}

/// The name under which a notice's stop code is sealed.
pub(crate) fn seal_name(notice: &str) -> String {
    format!("notice {notice}")
}

fn webhook(kind: Kind, event: &Recorded, now: i64) -> Result<Notice, Denial> {
    let notice_id = hex::encode(code::random::<16>().map_err(|_| Refusal::Internal)?);
    let body = json!({
        "id": notice_id,
        "kind": kind.key(),
        "seq": event.seq,
        "at": event.at,
        "contract_id": event.contract_id,
        "user_id": event.user_id,
        "role": event.role,
        "action": event.action,
        "subject": event.subject,
        // States only: where addresses stand in them they are somebody's name.
        "before": if kind.has_addresses() { "" } else { &event.before },
        "after": if kind.has_addresses() { "" } else { &event.after },
        "reason": event.reason,
    });
    Ok(Notice { notice_id, channel: "webhook".to_owned(), body: body.to_string(), ..blank(kind, event, now) })
}

fn blank(kind: Kind, event: &Recorded, now: i64) -> Notice {
    Notice {
        notice_id: String::new(),
        event_seq: event.seq,
        notice_kind: kind.key().to_owned(),
        channel: String::new(),
        recipient: String::new(),
        contract_id: event.contract_id.clone(),
        user_id: event.user_id.clone(),
        subject: String::new(),
        body: String::new(),
        stop_code: None,
        notice_status: "waiting".to_owned(),
        created_at: now,
        next_at: now,
        attempts: 0,
        sent_at: None,
        last_error: String::new(),
    }
}
