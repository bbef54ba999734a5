//! 「心当たりがない場合」: the code in a notice puts what it told of on hold, and does nothing else (D-506).

use token::{Refusal, Secret};

use crate::code;
use crate::denial::Denial;
use crate::holding;
use crate::house::House;
use crate::people;
use crate::rules::acquire::UserStatus;
use crate::rules::actor::{Actor, Role};
use crate::rules::suspend::Cause;
use crate::store::{Event, certificates, notices, users};

/// What was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// The certificate in use is on hold, or what an administrator was to acquire has ended.
    pub certificate: bool,
    /// The user can neither acquire nor log in: an issue was open.
    pub user: bool,
}

/// Takes a stop code, written in any groups and letters, and stops: the holder's certificate in use goes on hold, and
/// what is being acquired ends, confirmed or not. A user of whom an issue was open is stopped as well: somebody may be
/// able to have another opened. Of a contract's administrators it is the one of whom the notice told. Reinstating and
/// resuming are the administrator's.
///
/// # Errors
/// `Auth` for a code that does not count, or no more; `NoneValid` where there is nothing left to stop.
pub async fn stop(house: &House, place: &str, entered: &Secret) -> Result<Stopped, Denial> {
    let mut change = house.store.change(&house.clock).await?;
    let now = change.now();
    let event = Event::new("applicant", "stop-code", place, "stop.code");
    let record = notices::take_stop_code(change.db(), &code::handle_sha256(&plain(entered)), now).await?;
    let row = match &record {
        Some(record) => certificates::find(change.db(), record).await?,
        None => None,
    };
    let Some(row) = row else {
        change.commit(event.refused(Refusal::Auth)).await?;
        return Err(Refusal::Auth.into());
    };
    let holder = row.record.holder.clone();
    let event = event.about(&holder).on(&row.record.id);
    let mut rows = certificates::settle_beside(&mut change, &row.record).await?;
    let mut stopped = Stopped { certificate: false, user: false };
    let open = rows.iter().any(|row| row.record.status_at(now).is_open());
    if let (Some(user), true) = (&holder.user, open)
        && let Some(mut user) = users::find(change.db(), &holder.contract, user).await?
        && user.status != UserStatus::Deregistered
    {
        if user.status == UserStatus::Active {
            let mut halted = event.clone().on("").changed("active", "stopped").because(Cause::Suspicion.key());
            halted.action = "user.stop";
            change.record(halted).await?;
            user.status = UserStatus::Stopped;
            users::update(change.db(), &holder.contract, &user).await?;
            people::end_sessions(&mut change, &rows).await?;
        }
        stopped.user = true;
    }
    let ended = holding::end_open(&mut change, &mut rows, &event).await?;
    stopped.certificate = ended && holder.user.is_none();
    let by = Actor::new(Role::Holder, &holder.to_string());
    let mut suspended = event.clone();
    suspended.action = "certificate.suspend";
    match holding::suspend(house, &mut change, &rows, (&by, Cause::Suspicion), &suspended).await? {
        Ok(event) => {
            change.record(event).await?;
            stopped.certificate = true;
        }
        Err(Refusal::CertSuspended) => stopped.certificate = true,
        Err(_) => {}
    }
    users::changed(change.db(), &holder).await?;
    if !stopped.certificate && !stopped.user {
        change.commit(event.refused(Refusal::NoneValid)).await?;
        return Err(Refusal::NoneValid.into());
    }
    change.commit(event).await?;
    Ok(stopped)
}

/// However people write it: without groups, in capitals, and with what Crockford's base 32 takes O, I and L for.
fn plain(entered: &Secret) -> zeroize::Zeroizing<Vec<u8>> {
    let letters = entered.expose().iter().filter(|b| !matches!(b, b' ' | b'-'));
    let letters = letters.map(|b| match b.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        other => other,
    });
    zeroize::Zeroizing::new(letters.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_small_letters_are_for_people() {
        let plain = |text: &str| plain(&Secret::new(text.as_bytes().to_vec())).to_vec();
        assert_eq!(plain("abcd-efgh jkmn-0o1l"), b"ABCDEFGHJKMN0011");
        assert_ne!(plain("abcd-efgh"), plain("abcd-efg"));
    }
}
