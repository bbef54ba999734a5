//! 電子証明書: 継続 / 再発行 / 失効, and what each means per state (S-036 to S-047, §5.1).

use token::Refusal;

use super::certificate::{LAST_ISSUE_NO, Record, Status};
use super::ended::Ended;
use crate::acquisition::Applicant;

/// 再発行理由 (S-134).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The key may be known to somebody else.
    Compromised,
    /// The certificate lapsed.
    Expired,
    /// The acquisition was not finished.
    InstallFailed,
    /// The token is lost.
    Lost,
    /// Anything else.
    Other,
    /// Another PC or token.
    PcChange,
    /// The token was stolen.
    Stolen,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Compromised, Self::Expired, Self::InstallFailed, Self::Lost, Self::Other, Self::PcChange, Self::Stolen];

    /// The key in the database and in the interface.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Compromised => "compromised",
            Self::Expired => "expired",
            Self::InstallFailed => "install_failed",
            Self::Lost => "lost",
            Self::Other => "other",
            Self::PcChange => "pc_change",
            Self::Stolen => "stolen",
        }
    }

    /// The reason with that key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.key() == key)
    }

    /// Whether the old certificate must die at once, not only when the new one is confirmed
    /// (design §9).
    #[must_use]
    pub fn kills_at_once(self) -> bool {
        matches!(self, Self::Compromised | Self::Lost | Self::Stolen)
    }
}

/// The choice on the change screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// 現在の電子証明書を継続する.
    Continue,
    /// 再発行.
    Reissue(Reason),
    /// 失効.
    Revoke(Reason),
}

/// Who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The contract's administrator, on line.
    Administrator,
    /// The bank's operator, with the reference of a request form.
    BankOperator,
}

/// One change that follows from a choice, in the order in which they are to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The record ends as 失効.
    Revoke {
        /// Which.
        record: String,
        /// Why.
        reason: Ended,
    },
    /// A new record waits for acquisition.
    Open {
        /// Its number.
        issue_no: u16,
        /// Why.
        reason: Reason,
    },
}

/// What follows from `choice` for the holder of `records` (all of the holder's, as they are at
/// `now`). `kills_old`: a reissue ends the certificate in use at once, whatever the reason.
///
/// | status | 継続 | 再発行 | 失効 |
/// |---|---|---|---|
/// | 有効 | nothing | a new issue; the old one ends when that is confirmed, or now | ends |
/// | 一時停止 | stays suspended | as 有効, and stays suspended until then | ends |
/// | 発行済（未取得） | waits on | a new number and deadline; the old issue ends | ends |
/// | 取得中 | goes on | as 発行済: the running acquisition dies | ends |
/// | 有効期限切れ, 失効, 取得期限切れ, 未発行 | nothing | a new issue | nothing |
///
/// # Errors
/// `AdminReissue` when a customer's administrator touches an administrator's certificate (S-046),
/// `IssueNoMax` after 999.
pub fn decide(
    holder: &Applicant,
    by: By,
    records: &[Record],
    choice: Choice,
    kills_old: bool,
    now: i64,
) -> Result<Vec<Step>, Refusal> {
    if holder.user.is_none() && by == By::Administrator {
        return Err(Refusal::AdminReissue);
    }
    let ends = |reason: Ended, which: fn(Status) -> bool| revoke(records, reason, which, now);
    match choice {
        Choice::Continue => Ok(Vec::new()),
        Choice::Revoke(reason) => Ok(end_all(records, reason.into(), now)),
        Choice::Reissue(reason) => {
            let issue_no = records.iter().map(|record| record.taken_to).max().unwrap_or(0) + 1;
            if issue_no > LAST_ISSUE_NO {
                return Err(Refusal::IssueNoMax);
            }
            let mut steps: Vec<Step> = ends(Ended::Superseded, Status::is_open).collect();
            if reason.kills_at_once() || kills_old {
                let why = if reason.kills_at_once() { reason.into() } else { Ended::Superseded };
                steps.extend(ends(why, Status::is_live));
            }
            steps.push(Step::Open { issue_no, reason });
            Ok(steps)
        }
    }
}

/// What ends whatever the holder of `records` still has.
#[must_use]
pub fn end_all(records: &[Record], reason: Ended, now: i64) -> Vec<Step> {
    revoke(records, reason, |status| !status.is_final(), now).collect()
}

fn revoke(records: &[Record], reason: Ended, which: fn(Status) -> bool, now: i64) -> impl Iterator<Item = Step> {
    records
        .iter()
        .filter(move |record| which(record.status_at(now)))
        .map(move |record| Step::Revoke { record: record.id.clone(), reason })
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use token::{ContractId, UserId};

    use super::*;

    fn holder(user: bool) -> Applicant {
        Applicant {
            contract: ContractId::new("00009876543").unwrap(),
            user: user.then(|| UserId::new("riyousya").unwrap()),
        }
    }

    pub(in crate::rules) fn record(issue_no: u16, status: Status) -> Record {
        Record {
            id: format!("r{issue_no}"),
            holder: holder(true),
            administrator: None,
            issue_no,
            taken_to: issue_no,
            status,
            registered_at: 0,
            acquire_deadline: 1000,
            valid_until: Some(1000),
            confirm_deadline: None,
            renews: None,
            suspension: None,
            suspensions: 0,
        }
    }

    /// The table of [`decide`], for every status: what of the record ends, and whether an issue is opened.
    #[test]
    fn what_each_choice_means_per_status() {
        for status in Status::ALL {
            let records = [record(1, status)];
            let steps = |choice, kills| decide(&holder(true), By::Administrator, &records, choice, kills, 0).unwrap();
            let ends = |steps: &[Step]| steps.iter().any(|step| matches!(step, Step::Revoke { .. }));
            let opens = |steps: &[Step]| steps.iter().any(|step| matches!(step, Step::Open { issue_no: 2, .. }));
            assert_eq!(steps(Choice::Continue, true), [], "{status:?}");
            let revoked = steps(Choice::Revoke(Reason::Other), false);
            assert_eq!((ends(&revoked), opens(&revoked)), (!status.is_final(), false), "{status:?}");
            for (reason, kills) in [(Reason::PcChange, false), (Reason::PcChange, true), (Reason::Lost, false)] {
                let reissued = steps(Choice::Reissue(reason), kills);
                let ended = status.is_open() || status.is_live() && (kills || reason == Reason::Lost);
                assert_eq!((ends(&reissued), opens(&reissued)), (ended, true), "{status:?} {reason:?} {kills}");
            }
        }
    }

    #[test]
    fn no_customer_touches_an_administrators_certificate() {
        for choice in [Choice::Continue, Choice::Reissue(Reason::Lost), Choice::Revoke(Reason::Lost)] {
            assert_eq!(decide(&holder(false), By::Administrator, &[], choice, false, 0), Err(Refusal::AdminReissue));
        }
        assert!(decide(&holder(false), By::BankOperator, &[], Choice::Reissue(Reason::Other), false, 0).is_ok());
    }

    #[test]
    fn number_999_is_the_last() {
        let records = [record(998, Status::Revoked)];
        let choice = Choice::Reissue(Reason::Other);
        let steps = decide(&holder(true), By::Administrator, &records, choice, false, 0).unwrap();
        assert_eq!(steps, [Step::Open { issue_no: 999, reason: Reason::Other }]);
        let records = [record(999, Status::Revoked)];
        assert_eq!(decide(&holder(true), By::Administrator, &records, choice, false, 0), Err(Refusal::IssueNoMax));
    }

    #[test]
    fn loss_kills_at_ok_and_a_new_pc_does_not() {
        let records = [record(1, Status::Valid)];
        let at_ok =
            |reason| decide(&holder(true), By::Administrator, &records, Choice::Reissue(reason), false, 0).unwrap();
        for reason in Reason::ALL {
            assert_eq!(Reason::from_key(reason.key()), Some(reason));
            let kills = at_ok(reason).iter().any(|step| matches!(step, Step::Revoke { .. }));
            assert_eq!(kills, matches!(reason, Reason::Lost | Reason::Stolen | Reason::Compromised));
        }
    }

    /// One thing that happens to a holder's records.
    #[derive(Debug, Clone)]
    enum Happens {
        Choose(Choice),
        Acquire,
        Confirm,
        Abandon,
        Suspend,
        Reinstate,
        Wait(i64),
    }

    fn happens() -> impl Strategy<Value = Happens> {
        let reason = proptest::sample::select(Reason::ALL.to_vec());
        prop_oneof![
            Just(Happens::Choose(Choice::Continue)),
            reason.clone().prop_map(|r| Happens::Choose(Choice::Reissue(r))),
            reason.prop_map(|r| Happens::Choose(Choice::Revoke(r))),
            Just(Happens::Acquire),
            Just(Happens::Confirm),
            Just(Happens::Abandon),
            Just(Happens::Suspend),
            Just(Happens::Reinstate),
            (1i64..600).prop_map(Happens::Wait),
        ]
    }

    fn change(records: &mut [Record], id: &str, status: Status, log: &mut Vec<(String, Status)>) {
        let record = records.iter_mut().find(|r| r.id == id).unwrap();
        assert!(record.status.may_become(status), "{:?} to {status:?}", record.status);
        record.status = status;
        log.push((id.to_owned(), status));
    }

    fn with(records: &[Record], status: Status) -> Option<String> {
        records.iter().find(|r| r.status == status).map(|r| r.id.clone())
    }

    proptest! {
        /// The invariants of requirements §5.1 over any history.
        #[test]
        fn the_record_keeps_its_invariants(history in proptest::collection::vec(happens(), 0..60)) {
            let mut records: Vec<Record> = Vec::new();
            let mut log: Vec<(String, Status)> = Vec::new();
            let mut now = 0;
            for event in history {
                for (id, status) in
                    records.iter().filter_map(|r| r.due(now).map(|d| (r.id.clone(), d.0))).collect::<Vec<_>>()
                {
                    change(&mut records, &id, status, &mut log);
                }
                let before = records.clone();
                match event {
                    Happens::Wait(seconds) => now += seconds,
                    Happens::Choose(choice) => {
                        let Ok(steps) = decide(&holder(true), By::Administrator, &records, choice, false, now) else { continue };
                        if choice == Choice::Continue {
                            prop_assert!(steps.is_empty());
                        }
                        for step in steps {
                            match step {
                                Step::Revoke { record, .. } => change(&mut records, &record, Status::Revoked, &mut log),
                                Step::Open { issue_no, .. } => {
                                    let mut new = record(issue_no, Status::Awaiting);
                                    new.acquire_deadline = now + 500;
                                    new.valid_until = None;
                                    log.push((new.id.clone(), Status::Awaiting));
                                    records.push(new);
                                }
                            }
                        }
                        if matches!(choice, Choice::Revoke(_)) {
                            prop_assert!(records.iter().all(|r| r.status.is_final()));
                        }
                    }
                    Happens::Acquire => if let Some(id) = with(&records, Status::Awaiting) {
                        change(&mut records, &id, Status::Unconfirmed, &mut log);
                        records.iter_mut().find(|r| r.id == id).unwrap().valid_until = Some(now + 900);
                    },
                    Happens::Confirm => if let Some(id) = with(&records, Status::Unconfirmed) {
                        for old in records.iter().filter(|r| r.status.is_live()).map(|r| r.id.clone()).collect::<Vec<_>>() {
                            change(&mut records, &old, Status::Revoked, &mut log);
                        }
                        change(&mut records, &id, Status::Valid, &mut log);
                    },
                    Happens::Abandon => if let Some(id) = with(&records, Status::Unconfirmed) {
                        change(&mut records, &id, Status::Revoked, &mut log);
                    },
                    Happens::Suspend => if let Some(id) = with(&records, Status::Valid) {
                        change(&mut records, &id, Status::Suspended, &mut log);
                    },
                    Happens::Reinstate => if let Some(id) = with(&records, Status::Suspended) {
                        change(&mut records, &id, Status::Valid, &mut log);
                    },
                }
                prop_assert!(records.iter().filter(|r| r.status.is_live()).count() <= 1);
                prop_assert!(records.iter().filter(|r| r.status.is_open()).count() <= 1);
                prop_assert!(records.windows(2).all(|w| w[0].issue_no < w[1].issue_no));
                for old in &before {
                    let new = records.iter().find(|r| r.id == old.id).unwrap();
                    prop_assert!(!old.status.is_final() || new.status == old.status);
                }
            }
            // Every record's last logged status is the one it has: one log record a transition.
            for record in &records {
                let last = log.iter().rev().find(|(id, _)| *id == record.id).map(|(_, status)| *status);
                prop_assert_eq!(last, Some(record.status));
            }
        }
    }
}
