//! How many requests one address may make.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

/// Addresses that are remembered at once.
const MAX_ADDRESSES: usize = 10_000;

/// A token bucket per address: `per_minute` requests, refilled steadily, all of them at once at most.
#[derive(Debug)]
pub struct RateLimiter {
    per_minute: f64,
    buckets: Mutex<HashMap<IpAddr, (f64, i64)>>,
}

impl RateLimiter {
    /// A limiter.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute: f64::from(per_minute), buckets: Mutex::default() }
    }

    /// Whether a request from `address` at `now` (Unix time in seconds) is within the limit.
    pub fn admits(&self, address: IpAddr, now: i64) -> bool {
        let address = subscriber(address);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let refilled = |left: f64, at: i64| {
            let passed = f64::from(u32::try_from(now.saturating_sub(at)).unwrap_or(0));
            (left + passed * self.per_minute / 60.0).min(self.per_minute)
        };
        if buckets.len() >= MAX_ADDRESSES {
            // A bucket that is full again says nothing; with all in use the oldest have to go.
            buckets.retain(|_, (left, at)| refilled(*left, *at) < self.per_minute);
            if buckets.len() >= MAX_ADDRESSES {
                buckets.clear();
            }
        }
        let (left, at) = buckets.entry(address).or_insert((self.per_minute, now));
        *left = refilled(*left, *at);
        *at = now;
        let admitted = *left >= 1.0;
        if admitted {
            *left -= 1.0;
        }
        admitted
    }
}

/// Who is meant by an address: of IPv6 the first half, since one subscriber has all of the second
/// (RFC 6177).
fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => Ipv6Addr::from_bits(six.to_bits() & !u128::from(u64::MAX)).into(),
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn one_address_does_not_use_up_anothers() {
        let limiter = RateLimiter::new(60);
        let [a, b] = [1, 2].map(|n| IpAddr::V4(Ipv4Addr::new(192, 0, 2, n)));
        assert_eq!((0..100).filter(|_| limiter.admits(a, 1000)).count(), 60);
        assert!(limiter.admits(b, 1000));
        assert_eq!((0..100).filter(|_| limiter.admits(a, 1010)).count(), 10);
        assert!(!limiter.admits(a, 900), "a clock that goes back refills nothing");
    }
    #[test]
    fn a_subscriber_has_one_bucket_however_many_addresses() {
        let limiter = RateLimiter::new(60);
        let six = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!((0..100).filter(|n| limiter.admits(six(&format!("2001:db8:0:1::{n:x}")), 1000)).count(), 60);
        assert!(limiter.admits(six("2001:db8:0:2::1"), 1000));
        assert!((0..60).all(|_| limiter.admits(six("::ffff:192.0.2.1"), 1000)));
        assert!(!limiter.admits(six("192.0.2.1"), 1000), "mapped or not, it is one address");
        assert!(limiter.admits(six("::ffff:192.0.2.2"), 1000));
    }
}
