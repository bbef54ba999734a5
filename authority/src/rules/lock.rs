//! Counting wrong entries, one counter per kind of secret (D-201 to D-206).

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
    /// Counts an entry.
    pub fn count(self, right: bool) -> Counted {
        if self.locked || self.failures >= self.limit {
            return Counted::Locked;
        }
        if right {
            return Counted::Right;
        }
        let failures = self.failures + 1;
        Counted::Wrong { failures, left: self.limit.saturating_sub(failures) }
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
}
