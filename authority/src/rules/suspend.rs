//! 一時停止: who may put a certificate on hold, and who may lift that (D-405, D-406, D-807, D-808).

use token::Refusal;

use super::actor::{Actor, Role};
use super::certificate::{Record, Status, Suspension};

/// Why a certificate is put on hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The holder is away.
    Absence,
    /// The contract's emergency stop.
    Emergency,
    /// The token is lost.
    Lost,
    /// Anything else.
    Other,
    /// The token was stolen.
    Stolen,
    /// Somebody else may be using it.
    Suspicion,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Absence, Self::Emergency, Self::Lost, Self::Other, Self::Stolen, Self::Suspicion];

    /// The key in the database and in the interface.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Absence => "absence",
            Self::Emergency => "emergency",
            Self::Lost => "lost",
            Self::Other => "other",
            Self::Stolen => "stolen",
            Self::Suspicion => "suspicion",
        }
    }

    /// Somebody else may have the token, or use it.
    fn is_grave(self) -> bool {
        matches!(self, Self::Lost | Self::Stolen | Self::Suspicion)
    }

    /// The cause with that key, as a person gives it: an emergency is the contract's, and ends with the stop.
    #[must_use]
    pub fn given(key: &str) -> Option<Self> {
        Self::from_key(key).filter(|cause| *cause != Self::Emergency)
    }

    /// The cause with that key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.key() == key)
    }
}

/// The certificate in use, to be put on hold at `now`. Stopping is never refused for having been done often: what is
/// limited is coming back.
///
/// # Errors
/// `CertSuspended` for one that is on hold, `NoneValid` where none is in use.
pub fn suspend(records: &[Record], now: i64) -> Result<&Record, Refusal> {
    match records.iter().find(|record| record.status_at(now).is_live()) {
        Some(record) if record.status == Status::Valid => Ok(record),
        Some(_) => Err(Refusal::CertSuspended),
        None => Err(Refusal::NoneValid),
    }
}

/// A hold that is there, as it stands after `by` has asked for one for `cause`: the graver word is not lost. `None` where
/// that says nothing new.
///
/// An emergency ends for all of a contract at once, without anybody looking at the one certificate; whoever speaks of that
/// one puts a hold of their own in its place. Of other holds a holder's word changes the cause only: who may lift it
/// stays, and until when.
#[must_use]
pub fn restated(held: &Suspension, by: &Actor, cause: Cause) -> Option<Suspension> {
    let before = Cause::from_key(&held.reason).unwrap_or(Cause::Other);
    match (before, cause) {
        (_, Cause::Emergency) => None,
        (Cause::Emergency, _) => Some(Suspension { by: by.clone(), reason: cause.key().to_owned(), ..held.clone() }),
        _ if by.role == Role::Holder && cause.is_grave() && !before.is_grave() => {
            Some(Suspension { reason: cause.key().to_owned(), ..held.clone() })
        }
        _ => None,
    }
}

/// The renewals under way of `record`, which end when it is put on hold: their keys may lie on the token that is lost.
pub fn renewals<'a>(records: &'a [Record], record: &'a Record, now: i64) -> impl Iterator<Item = &'a Record> {
    let of_it = |other: &&Record| other.renews.as_deref() == Some(record.id.as_str());
    records.iter().filter(of_it).filter(move |other| other.status_at(now).is_open())
}

/// Until when a certificate that ends at `valid_until` and is put on hold at `now` can come back.
#[must_use]
pub fn until(now: i64, max_days: u16) -> i64 {
    now.saturating_add(i64::from(max_days) * 86_400)
}

/// The certificate on hold, which `by` may lift at `now`. `max_count`: times that one certificate comes back.
///
/// # Errors
/// `NotSuspended`; `SamePerson` for whoever did it, for the holder, and for an administrator where the bank did it;
/// `SuspendMax` after the last time.
pub fn reinstate<'a>(records: &'a [Record], by: &Actor, max_count: u32, now: i64) -> Result<&'a Record, Refusal> {
    let found = records.iter().find(|record| record.status_at(now) == Status::Suspended);
    let (record, held) =
        found.and_then(|record| record.suspension.as_ref().map(|held| (record, held))).ok_or(Refusal::NotSuspended)?;
    let another = match (by.role, held.by.role) {
        // The form is the customer's word: the operator only carries it out.
        (Role::BankOperator, _) => true,
        (Role::Administrator, Role::Administrator) => *by != held.by,
        // That an administrator is not the holder as well, the gate before this has seen (D-406).
        (Role::Administrator, Role::Holder) => true,
        (Role::Administrator, Role::BankOperator | Role::Authority) | (Role::Holder | Role::Authority, _) => false,
    };
    if !another {
        return Err(Refusal::SamePerson);
    }
    if record.suspensions > max_count {
        return Err(Refusal::SuspendMax);
    }
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::choice::tests::record;
    use crate::rules::ended::Ended;

    fn held(by: Actor) -> Record {
        let suspension = Suspension { by, at: 0, until: 500, reason: "other".to_owned() };
        Record { suspension: Some(suspension), suspensions: 1, ..record(1, Status::Suspended) }
    }

    fn actor(role: Role, id: &str) -> Actor {
        Actor::new(role, id)
    }

    #[test]
    fn only_a_valid_certificate_is_put_on_hold() {
        for status in Status::ALL {
            let records = [record(1, status)];
            let expected = match status {
                Status::Valid => Ok("r1"),
                Status::Suspended => Err(Refusal::CertSuspended),
                _ => Err(Refusal::NoneValid),
            };
            assert_eq!(suspend(&records, 0).map(|r| r.id.as_str()), expected, "{status:?}");
            assert_eq!(suspend(&records, 1001).err(), Some(Refusal::NoneValid), "past its end");
        }
    }

    #[test]
    fn nobody_lifts_what_they_did() {
        let (one, other) = (actor(Role::Administrator, "a"), actor(Role::Administrator, "b"));
        let (holder, bank) = (actor(Role::Holder, "h"), actor(Role::BankOperator, "o"));
        for (by, lifter, refused) in [
            (&one, &one, true),
            (&one, &other, false),
            (&one, &holder, true),
            (&one, &bank, false),
            (&holder, &holder, true),
            (&holder, &one, false),
            (&holder, &bank, false),
            (&bank, &one, true),
            (&bank, &holder, true),
            (&bank, &bank, false),
        ] {
            let records = [held(by.clone())];
            let lifted = reinstate(&records, lifter, 5, 0);
            assert_eq!(lifted.err(), refused.then_some(Refusal::SamePerson), "{by:?} {lifter:?}");
        }
        assert_eq!(reinstate(&[record(1, Status::Valid)], &one, 5, 0).err(), Some(Refusal::NotSuspended));
    }

    #[test]
    fn it_comes_back_so_often_and_so_long() {
        let admin = actor(Role::Administrator, "a");
        let mut record = held(actor(Role::Holder, "h"));
        record.suspensions = 5;
        assert!(reinstate(std::slice::from_ref(&record), &admin, 5, 500).is_ok());
        assert_eq!(reinstate(std::slice::from_ref(&record), &admin, 5, 501).err(), Some(Refusal::NotSuspended));
        assert_eq!(record.due(501), Some((Status::Revoked, Ended::SuspendMax)));
        record.valid_until = Some(400);
        assert_eq!(record.due(401), Some((Status::Expired, Ended::CertValidUntil)));
        record.suspensions = 6;
        assert_eq!(reinstate(&[record], &admin, 5, 0).err(), Some(Refusal::SuspendMax));
    }

    #[test]
    fn a_graver_word_is_not_lost_and_opens_nothing() {
        let (one, holder) = (actor(Role::Administrator, "a"), actor(Role::Holder, "h"));
        let bank = actor(Role::BankOperator, "o");
        for (held_by, held_for, by, cause, expected) in [
            // The emergency will end for all; this hold will not.
            (&one, Cause::Emergency, &holder, Cause::Stolen, Some(&holder)),
            (&bank, Cause::Emergency, &holder, Cause::Absence, Some(&holder)),
            (&one, Cause::Emergency, &bank, Cause::Other, Some(&bank)),
            // Whoever may lift it stays the same.
            (&one, Cause::Absence, &holder, Cause::Stolen, Some(&one)),
            (&bank, Cause::Other, &holder, Cause::Suspicion, Some(&bank)),
            (&holder, Cause::Absence, &holder, Cause::Lost, Some(&holder)),
            (&one, Cause::Stolen, &holder, Cause::Other, None),
            (&one, Cause::Suspicion, &holder, Cause::Stolen, None),
            (&holder, Cause::Absence, &one, Cause::Stolen, None),
            (&holder, Cause::Absence, &one, Cause::Emergency, None),
        ] {
            let held = Suspension { by: held_by.clone(), at: 1, until: 500, reason: held_for.key().to_owned() };
            let after = restated(&held, by, cause);
            let told = expected.map(|by| Suspension { by: by.clone(), reason: cause.key().to_owned(), ..held });
            assert_eq!(after, told, "{held_by:?} {held_for:?} {by:?} {cause:?}");
        }
    }

    #[test]
    fn causes_have_keys() {
        for cause in Cause::ALL {
            assert_eq!(Cause::from_key(cause.key()), Some(cause));
            assert_eq!(Cause::given(cause.key()).is_some(), cause != Cause::Emergency);
        }
    }
}
