//! Wrong entries at the door that suspends without a card. They close that door for a while and lock nothing: whoever
//! has no card must neither lock the user out of logins nor try PINs one after another (D-909, D-201).

/// Wrong entries that cost nothing but the next try.
const FREE: u32 = 3;
/// Seconds that the door is closed after the first entry that costs something; each further one doubles them.
const FIRST: i64 = 60;
/// The longest: one day.
const LONGEST: i64 = 86_400;
/// So long after the door has opened again, what was wrong before is forgotten: seven days.
const FORGOTTEN: i64 = 7 * 86_400;

/// A user's wrong entries at that door.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tries {
    /// Wrong entries in a row.
    pub failures: u32,
    /// Until when no entry is looked at; Unix time in seconds.
    pub closed_until: i64,
}

impl Tries {
    /// Whether an entry is looked at.
    #[must_use]
    pub fn is_open(self, now: i64) -> bool {
        now >= self.closed_until
    }

    /// After a wrong entry that was looked at.
    #[must_use]
    pub fn wrong(self, now: i64) -> Self {
        let before = if now >= self.closed_until.saturating_add(FORGOTTEN) { 0 } else { self.failures };
        let failures = before.saturating_add(1);
        let delay = match failures.checked_sub(FREE) {
            None | Some(0) => 0,
            Some(beyond) => FIRST.saturating_mul(1 << (beyond - 1).min(20)).min(LONGEST),
        };
        Self { failures, closed_until: now.saturating_add(delay) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_grows_to_a_day_and_is_forgotten() {
        let mut tries = Tries::default();
        let mut now = 1_700_000_000;
        let mut delays = Vec::new();
        for _ in 0..40 {
            assert!(tries.is_open(now));
            tries = tries.wrong(now);
            delays.push(tries.closed_until - now);
            assert_eq!(tries.is_open(now), tries.closed_until == now);
            now = tries.closed_until;
        }
        assert_eq!(delays.get(..7), Some([0, 0, 0, 60, 120, 240, 480].as_slice()));
        assert_eq!(delays.last(), Some(&LONGEST));
        assert!(delays.is_sorted());
        assert_eq!(tries.wrong(now + FORGOTTEN - 1).failures, 41);
        assert_eq!(tries.wrong(now + FORGOTTEN), Tries { failures: 1, closed_until: now + FORGOTTEN });
    }
}
