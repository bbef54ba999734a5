//! How much one user may ask for (design §5). Pure: time is an argument, nothing waits.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// The window in which prompts are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// Short calls that one user may have under way for each request allowed: a request is waited for,
/// watched and cancelled by calls beside it.
const CALLS_PER_REQUEST: usize = 8;

/// The numbers, as configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Long requests of one user at a time.
    pub requests_per_user: usize,
    /// Long requests of all users at a time.
    pub requests: usize,
    /// New prompts that one user's requests may raise in any minute.
    pub prompts_per_minute: usize,
    /// Socket connections of one user at a time.
    pub connections_per_user: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { requests_per_user: 4, requests: 64, prompts_per_minute: 3, connections_per_user: 8 }
    }
}

/// Too much was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests")]
pub struct TooMany {
    /// When it is worth trying again, counted from now.
    pub retry_after: Duration,
}

/// What is counted for as long as it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counted {
    /// A method call being served.
    Call,
    /// A socket connection.
    Connection,
    /// A long request, from its start to its end.
    Request,
}

/// The counts, by uid.
#[derive(Debug, Default)]
pub struct Limiter {
    limits: Limits,
    under_way: HashMap<(u32, Counted), usize>,
    requests: usize,
    prompts: HashMap<u32, VecDeque<Duration>>,
}

impl Limiter {
    /// Counts from nothing.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Admits one more. What was admitted must be given back by [`Limiter::leave`].
    ///
    /// # Errors
    /// [`TooMany`] when as many as allowed are under way; nothing is counted then.
    pub fn enter(&mut self, uid: u32, what: Counted) -> Result<(), TooMany> {
        let too_many = Err(TooMany { retry_after: Duration::from_secs(1) });
        let allowed = match what {
            Counted::Call => self.limits.requests_per_user.saturating_mul(CALLS_PER_REQUEST),
            Counted::Connection => self.limits.connections_per_user,
            Counted::Request if self.requests >= self.limits.requests => return too_many,
            Counted::Request => self.limits.requests_per_user,
        };
        let count = self.under_way.entry((uid, what)).or_default();
        if *count >= allowed {
            return too_many;
        }
        *count += 1;
        if what == Counted::Request {
            self.requests += 1;
        }
        Ok(())
    }

    /// Gives back what [`Limiter::enter`] admitted.
    pub fn leave(&mut self, uid: u32, what: Counted) {
        if let Some(count) = self.under_way.get_mut(&(uid, what)) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.under_way.remove(&(uid, what));
            }
            if what == Counted::Request {
                self.requests = self.requests.saturating_sub(1);
            }
        }
    }

    /// Admits a new prompt at `now` (counted from any fixed moment, never backwards).
    ///
    /// # Errors
    /// [`TooMany`] when this user's requests have raised as many in the last minute as allowed;
    /// this one does not count.
    pub fn prompt(&mut self, uid: u32, now: Duration) -> Result<(), TooMany> {
        self.prompts.retain(|_, times| {
            while times.front().is_some_and(|t| now.saturating_sub(*t) >= WINDOW) {
                times.pop_front();
            }
            !times.is_empty()
        });
        let times = self.prompts.entry(uid).or_default();
        if times.len() >= self.limits.prompts_per_minute {
            let oldest = times.front().copied().unwrap_or(now);
            return Err(TooMany { retry_after: WINDOW.saturating_sub(now.saturating_sub(oldest)) });
        }
        times.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_fourth_prompt_in_a_minute_waits_for_the_first_to_age() {
        let mut limiter = Limiter::new(Limits::default());
        for t in [0, 10, 20] {
            assert_eq!(limiter.prompt(1000, at(t)), Ok(()));
        }
        assert_eq!(limiter.prompt(1000, at(30)), Err(TooMany { retry_after: at(30) }));
        assert_eq!(limiter.prompt(1001, at(30)), Ok(()), "another user is not concerned");
        assert_eq!(limiter.prompt(1000, at(60)), Ok(()), "refused prompts do not count");
        assert_eq!(limiter.prompt(1000, at(60)), Err(TooMany { retry_after: at(10) }));
    }

    #[test]
    fn one_user_cannot_take_everything() {
        let mut limiter = Limiter::new(Limits { requests: 6, ..Limits::default() });
        for _ in 0..4 {
            limiter.enter(1000, Counted::Request).unwrap();
        }
        assert!(limiter.enter(1000, Counted::Request).is_err());
        limiter.enter(1001, Counted::Request).unwrap();
        limiter.enter(1001, Counted::Request).unwrap();
        assert!(limiter.enter(1002, Counted::Request).is_err(), "six in all");
        limiter.leave(1000, Counted::Request);
        limiter.enter(1002, Counted::Request).unwrap();
        assert!(limiter.enter(1000, Counted::Call).is_ok(), "calls are counted apart");
    }

    proptest! {
        /// Whatever comes, no user exceeds a limit, and once all have left nothing is remembered.
        #[test]
        fn counts_balance(steps in proptest::collection::vec((0_u32..3, any::<bool>()), 0..200)) {
            let limits = Limits { requests: 5, requests_per_user: 3, ..Limits::default() };
            let mut limiter = Limiter::new(limits);
            let mut model = [0_usize; 3];
            for (uid, enter) in steps {
                let slot = uid as usize;
                if enter {
                    let fits = model[slot] < 3 && model.iter().sum::<usize>() < 5;
                    prop_assert_eq!(limiter.enter(uid, Counted::Request).is_ok(), fits);
                    model[slot] += usize::from(fits);
                } else if model[slot] > 0 {
                    limiter.leave(uid, Counted::Request);
                    model[slot] -= 1;
                }
            }
            for uid in 0..3 {
                for _ in 0..model[uid as usize] {
                    limiter.leave(uid, Counted::Request);
                }
            }
            prop_assert!(limiter.under_way.is_empty() && limiter.requests == 0);
        }

        /// In any minute at most three prompts of one user pass.
        #[test]
        fn no_minute_has_a_fourth_prompt(gaps in proptest::collection::vec(0_u64..40, 1..60)) {
            let mut limiter = Limiter::new(Limits::default());
            let (mut now, mut passed) = (0, Vec::new());
            for gap in gaps {
                now += gap;
                match limiter.prompt(7, at(now)) {
                    Ok(()) => passed.push(now),
                    Err(wait) => prop_assert!(wait.retry_after > Duration::ZERO && wait.retry_after <= WINDOW),
                }
            }
            for four in passed.windows(4) {
                prop_assert!(four[3] - four[0] >= 60);
            }
        }
    }
}
