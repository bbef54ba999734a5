//! 更新: the holder's own new certificate before the old one ends (D-104 to D-107, D-809, C9).

use token::Refusal;

use super::certificate::{LAST_ISSUE_NO, Record, Status};

/// When renewal is possible, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Days before the end from which on.
    pub from_days: u16,
    /// Days after the end until which.
    pub after_expiry_days: u16,
    /// Times that the renewal of one certificate may be begun: each takes an issue number, of which there are 999, and
    /// has the CA sign.
    pub tries: u16,
}

impl Window {
    /// From when a certificate that ends at `valid_until` can be renewed.
    #[must_use]
    pub fn opens(self, valid_until: i64) -> i64 {
        valid_until - i64::from(self.from_days) * 86_400
    }

    /// Until when.
    #[must_use]
    pub fn closes(self, valid_until: i64) -> i64 {
        valid_until + i64::from(self.after_expiry_days) * 86_400
    }

    /// Whether renewal of a certificate that ends then is due at `now` (D-702).
    #[must_use]
    pub fn is_due(self, valid_until: i64, now: i64) -> bool {
        now >= self.opens(valid_until)
    }
}

/// What a renewal may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// The new record's issue number.
    pub issue_no: u16,
    /// Until when it must be confirmed; Unix time in seconds.
    pub deadline: i64,
    /// Renewals of the same certificate that were not finished: the new one takes their place.
    pub overtaken: Vec<String>,
}

/// Whether `record`, one of the holder's `records`, may be renewed at `now`.
///
/// # Errors
/// The certificate's own reasons; `RenewEarly` before the time; `Reissued` where the administrator has opened an issue:
/// that is to be acquired; `RenewMax` where it was begun as often as it may be; `IssueNoMax`.
pub fn renew(records: &[Record], record: &Record, window: Window, now: i64) -> Result<Renewal, Refusal> {
    let end = record.valid_until.ok_or(Refusal::CertRevoked)?;
    match record.status_at(now) {
        Status::Valid => {}
        // Only the newest may come back after its end: whatever followed it is the holder's now.
        Status::Expired if now <= window.closes(end) && records.iter().all(|r| r.issue_no <= record.issue_no) => {}
        Status::Expired => return Err(Refusal::CertExpired),
        Status::Suspended => return Err(Refusal::CertSuspended),
        Status::Unconfirmed => return Err(Refusal::CertUnconfirmed),
        Status::Awaiting | Status::Lapsed | Status::Revoked => return Err(Refusal::CertRevoked),
    }
    if !window.is_due(end, now) {
        return Err(Refusal::RenewEarly);
    }
    let mut overtaken = Vec::new();
    for open in records.iter().filter(|other| other.status_at(now).is_open()) {
        if open.renews.as_deref() != Some(record.id.as_str()) {
            return Err(Refusal::Reissued);
        }
        overtaken.push(open.id.clone());
    }
    // None of them was confirmed: that would have ended `record`.
    let begun = records.iter().filter(|other| other.renews.as_deref() == Some(record.id.as_str())).count();
    if begun >= usize::from(window.tries) {
        return Err(Refusal::RenewMax);
    }
    let issue_no = records.iter().map(|r| r.taken_to).max().unwrap_or(0) + 1;
    if issue_no > LAST_ISSUE_NO {
        return Err(Refusal::IssueNoMax);
    }
    Ok(Renewal { issue_no, deadline: window.closes(end), overtaken })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::choice::tests::record;

    const DAY: i64 = 86_400;
    const END: i64 = 365 * DAY;
    const WINDOW: Window = Window { from_days: 30, after_expiry_days: 0, tries: 5 };

    fn valid(issue_no: u16) -> Record {
        Record { valid_until: Some(END), ..record(issue_no, Status::Valid) }
    }

    #[test]
    fn from_thirty_days_before_the_end_until_the_end() {
        let old = valid(3);
        let at = |now| renew(std::slice::from_ref(&old), &old, WINDOW, now).map(|renewal| renewal.issue_no);
        assert_eq!(at(END - 30 * DAY - 1), Err(Refusal::RenewEarly));
        assert_eq!(at(END - 30 * DAY), Ok(4));
        assert_eq!(at(END), Ok(4));
        assert_eq!(at(END + 1), Err(Refusal::CertExpired));
        let late = Window { after_expiry_days: 10, ..WINDOW };
        let later = |records: &[Record], now| renew(records, &old, late, now).map(|renewal| renewal.deadline);
        assert_eq!(later(std::slice::from_ref(&old), END + 10 * DAY), Ok(END + 10 * DAY));
        assert_eq!(later(std::slice::from_ref(&old), END + 10 * DAY + 1), Err(Refusal::CertExpired));
        assert_eq!(later(&[old.clone(), record(4, Status::Revoked)], END + 1), Err(Refusal::CertExpired));
    }

    #[test]
    fn a_certificate_is_not_begun_to_be_renewed_for_ever() {
        let old = valid(1);
        let mut records = vec![old.clone()];
        for issue_no in 2..=6 {
            assert_eq!(renew(&records, &old, WINDOW, END).unwrap().issue_no, issue_no);
            let unfinished = if issue_no == 6 { Status::Unconfirmed } else { Status::Revoked };
            records.push(Record {
                renews: Some("r1".to_owned()),
                acquire_deadline: END,
                ..record(issue_no, unfinished)
            });
        }
        assert_eq!(renew(&records, &old, WINDOW, END), Err(Refusal::RenewMax));
        // Those of the certificate before it do not count.
        let next = Record { renews: Some("r1".to_owned()), ..valid(7) };
        records.retain(|record| record.status == Status::Revoked);
        records.push(next.clone());
        assert_eq!(renew(&records, &next, WINDOW, END).unwrap().issue_no, 8);
    }

    #[test]
    fn what_was_begun_before_is_overtaken_and_a_reissue_is_not() {
        let old = valid(1);
        let mut open = record(2, Status::Unconfirmed);
        (open.acquire_deadline, open.renews) = (END, Some("r1".to_owned()));
        let records = [old.clone(), open.clone()];
        assert_eq!(renew(&records, &old, WINDOW, END).unwrap().overtaken, ["r2"]);
        open.renews = None;
        assert_eq!(renew(&[old.clone(), open], &old, WINDOW, END), Err(Refusal::Reissued));
        for status in [Status::Suspended, Status::Revoked, Status::Unconfirmed, Status::Awaiting, Status::Lapsed] {
            let other = Record { status, acquire_deadline: END, ..valid(1) };
            assert!(renew(std::slice::from_ref(&other), &other, WINDOW, END).is_err(), "{status:?}");
        }
        assert_eq!(renew(&[valid(999)], &valid(999), WINDOW, END), Err(Refusal::IssueNoMax));
    }
}
