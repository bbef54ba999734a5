//! Forgetting what has ended: challenges, login handles, sessions, code tickets.
//!
//! Whether one of them still counts is judged by its time wherever it is used. That it goes from its table is tidying
//! up, which each process does now and then with a change that adds to the table, and not with every one.

use std::sync::atomic::{AtomicI64, Ordering};

use super::{Change, StoreError};

/// So many seconds lie between two times that a process tidies a table up.
const EVERY: i64 = 5;

/// A table whose rows end at `expires_at`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ending {
    Challenges,
    CodeTickets,
    Logins,
    PartyChallenges,
    Sessions,
}

/// When this process last tidied each table up; Unix times in seconds.
#[derive(Debug)]
pub(super) struct Ends([AtomicI64; 5]);

impl Default for Ends {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicI64::new(i64::MIN)))
    }
}

impl Ends {
    /// Whether `table` is due at `now`; then it is taken as done.
    fn is_due(&self, table: Ending, now: i64) -> bool {
        let Some(last) = self.0.get(table as usize) else { return true };
        let before = last.load(Ordering::Relaxed);
        // Also where the clock was set back.
        let due = now < before || now.saturating_sub(before) >= EVERY;
        due && last.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl Change {
    /// Forgets what has ended in `table`, if that is due; yields whether it was.
    pub(super) async fn forget_ended(&mut self, table: Ending) -> Result<bool, StoreError> {
        if !self.ends.is_due(table, self.now) {
            return Ok(false);
        }
        let statement = match table {
            Ending::Challenges => "DELETE FROM challenges WHERE expires_at < $1",
            Ending::CodeTickets => "DELETE FROM code_tickets WHERE expires_at < $1",
            Ending::Logins => "DELETE FROM logins WHERE expires_at < $1",
            Ending::PartyChallenges => "DELETE FROM party_challenges WHERE expires_at < $1",
            Ending::Sessions => "DELETE FROM sessions WHERE expires_at < $1",
        };
        let now = self.now;
        sqlx::query(statement).bind(now).execute(self.db()).await?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_is_due_by_itself_and_at_once_where_time_runs_back() {
        let ends = Ends::default();
        assert!(ends.is_due(Ending::Logins, 100) && ends.is_due(Ending::Sessions, 101));
        assert!(!ends.is_due(Ending::Logins, 100) && !ends.is_due(Ending::Logins, 100 + EVERY - 1));
        assert!(ends.is_due(Ending::Logins, 100 + EVERY));
        assert!(ends.is_due(Ending::Logins, 3) && !ends.is_due(Ending::Logins, 3));
    }
}
