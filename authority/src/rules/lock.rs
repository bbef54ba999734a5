//! Counting wrong entries, one counter per kind of secret (D-201 to D-206), and one over all of a
//! user's, which the administrator cannot lift (D-907).

use super::acquire::ContractStatus;

/// So many wrong entries in a row, whatever locks were lifted between them, and only the bank helps.
pub const IN_A_ROW: u32 = 100;

/// Which of a user's secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockKind {
    /// ワンタイムパスワード.
    Otp,
    /// 利用者暗証番号.
    UserPin,
}

impl LockKind {
    /// The key in the interface and in the record of events.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Otp => "otp",
            Self::UserPin => "user_pin",
        }
    }

    /// The lock with that key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Otp, Self::UserPin].into_iter().find(|kind| kind.key() == key)
    }
}

/// A counter as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// Consecutive wrong entries.
    pub failures: u32,
    /// It is locked.
    pub locked: bool,
    /// So many wrong entries lock it.
    pub limit: u32,
}

/// What an entry made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Counted {
    /// It was locked; the entry was not looked at.
    Locked,
    /// Right: the counter starts anew.
    Right,
    /// Wrong.
    Wrong {
        /// The counter now.
        failures: u32,
        /// Entries that are left; at 0 it is locked.
        left: u32,
    },
}

impl Counter {
    /// Whether no further entry is looked at.
    #[must_use]
    pub fn is_locked(self) -> bool {
        self.locked || self.failures >= self.limit
    }

    /// Counts an entry.
    pub fn count(self, right: bool) -> Counted {
        if self.is_locked() {
            return Counted::Locked;
        }
        if right {
            return Counted::Right;
        }
        let failures = self.failures + 1;
        Counted::Wrong { failures, left: self.limit.saturating_sub(failures) }
    }

    /// Counts an entry in a login that the card has begun and that goes on by a link; `again` where an entry in it was
    /// wrong before. Of one login the first wrong entry counts and no other: whoever has come by a link without the card
    /// fills no counter with it (decision 0032).
    pub fn count_in_login(self, right: bool, again: bool) -> Counted {
        match self.count(right) {
            Counted::Wrong { .. } if again => {
                Counted::Wrong { failures: self.failures, left: self.limit.saturating_sub(self.failures) }
            }
            counted => counted,
        }
    }
}

/// How a contract stands once its emergency stop is lifted. A lock by wrong entries of one of its PINs, `counters`, is
/// another matter: it is counted and lifted by itself (D-202, D-205).
#[must_use]
pub fn resumed(counters: [Counter; 2]) -> ContractStatus {
    if counters.into_iter().any(Counter::is_locked) { ContractStatus::Locked } else { ContractStatus::Active }
}

/// A user's counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Locks {
    /// Consecutive wrong user PINs.
    pub pin_failures: u32,
    /// Locked by them.
    pub pin_locked: bool,
    /// Consecutive wrong OTPs.
    pub otp_failures: u32,
    /// Locked by them.
    pub otp_locked: bool,
    /// Wrong entries of both kinds since the user last got through.
    pub in_a_row: u32,
}

impl Locks {
    /// Locked by anything.
    #[must_use]
    pub fn any(&self) -> bool {
        self.pin_locked || self.otp_locked || self.needs_bank()
    }

    /// Locked beyond what the administrator can lift.
    #[must_use]
    pub fn needs_bank(&self) -> bool {
        self.in_a_row >= IN_A_ROW
    }

    /// Counts an entry. A right one ends the row of its own kind; [`Self::got_through`] ends all.
    pub fn count(&mut self, kind: LockKind, right: bool, limit: u32) -> Counted {
        let before_bank = IN_A_ROW.saturating_sub(self.in_a_row);
        let (failures, locked) = self.of(kind);
        let counter = Counter { failures: *failures, locked: *locked || before_bank == 0, limit };
        match counter.count(right) {
            Counted::Wrong { failures: now, left } => {
                *failures = now;
                *locked = left == 0;
                self.in_a_row += 1;
                Counted::Wrong { failures: now, left: left.min(before_bank - 1) }
            }
            Counted::Right => {
                *failures = 0;
                Counted::Right
            }
            Counted::Locked => Counted::Locked,
        }
    }

    /// Lifts one lock, no other (D-205), and yields whether there was one.
    pub fn lift(&mut self, kind: LockKind) -> bool {
        let (failures, locked) = self.of(kind);
        *failures = 0;
        std::mem::take(locked)
    }

    /// The user got through a door, all items being right.
    pub fn got_through(&mut self) {
        self.in_a_row = 0;
    }

    fn of(&mut self, kind: LockKind) -> (&mut u32, &mut bool) {
        match kind {
            LockKind::Otp => (&mut self.otp_failures, &mut self.otp_locked),
            LockKind::UserPin => (&mut self.pin_failures, &mut self.pin_locked),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// No history of entries gets more than `limit` wrong ones in a row looked at, and a locked
        /// counter does not tell whether the entry was right.
        #[test]
        fn the_limit_holds(limit in 3u32..=10, entries in proptest::collection::vec(any::<bool>(), 0..80)) {
            let mut counter = Counter { failures: 0, locked: false, limit };
            let mut in_a_row = 0;
            for right in entries {
                match counter.count(right) {
                    Counted::Locked => prop_assert!(counter.locked && in_a_row == limit),
                    Counted::Right => {
                        prop_assert!(right);
                        counter.failures = 0;
                        in_a_row = 0;
                    }
                    Counted::Wrong { failures, left } => {
                        prop_assert!(!right);
                        in_a_row += 1;
                        prop_assert_eq!((failures, left), (in_a_row, limit - in_a_row));
                        counter.failures = failures;
                        counter.locked = left == 0;
                    }
                }
            }
        }
    }
    proptest! {
        /// However entries are spread over logins, it takes as many logins as the limit to lock.
        #[test]
        fn a_lock_takes_as_many_logins_as_the_limit(
            limit in 3u32..=10, entries in proptest::collection::vec(0usize..12, 0..80)
        ) {
            let mut counter = Counter { failures: 0, locked: false, limit };
            let mut wrong_in = std::collections::BTreeSet::new();
            for login in entries {
                match counter.count_in_login(false, wrong_in.contains(&login)) {
                    Counted::Wrong { failures, left } => {
                        wrong_in.insert(login);
                        counter.failures = failures;
                        prop_assert_eq!((failures as usize, left), (wrong_in.len(), limit - failures));
                    }
                    Counted::Locked => prop_assert_eq!(wrong_in.len(), limit as usize),
                    Counted::Right => prop_assert!(false),
                }
            }
            prop_assert_eq!(counter.is_locked(), wrong_in.len() == limit as usize);
        }
    }
    proptest! {
        /// Whatever is entered and lifted, never more than 100 wrong entries in a row are looked at.
        #[test]
        fn lifting_locks_does_not_end_the_row(
            acts in proptest::collection::vec((any::<bool>(), proptest::sample::select(vec![Some(false), Some(false), Some(true), None])), 0..400)
        ) {
            let mut locks = Locks::default();
            let mut wrong = 0;
            for (otp, act) in acts {
                let kind = if otp { LockKind::Otp } else { LockKind::UserPin };
                let Some(right) = act else {
                    locks.lift(kind);
                    continue;
                };
                let was_locked = locks.any();
                match locks.count(kind, right, 7) {
                    Counted::Locked => prop_assert!(was_locked),
                    Counted::Right => {}
                    Counted::Wrong { left, .. } => {
                        wrong += 1;
                        prop_assert!(left > 0 || locks.any());
                    }
                }
                prop_assert!(wrong <= IN_A_ROW);
                prop_assert_eq!(locks.needs_bank(), wrong == IN_A_ROW);
            }
        }
    }
}
