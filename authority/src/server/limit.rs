//! How many requests one address may make, and how many connections it may hold.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Addresses that are remembered at once.
const MAX_ADDRESSES: usize = 10_000;

/// A token bucket per address: `per_minute` requests, refilled steadily, all of them at once at most.
#[derive(Debug)]
pub struct RateLimiter {
    per_minute: u32,
    buckets: Mutex<HashMap<IpAddr, (f64, i64)>>,
}

impl RateLimiter {
    /// A limiter.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute, buckets: Mutex::default() }
    }

    /// Seconds after which whoever was refused is admitted once more.
    #[must_use]
    pub fn seconds_for_one(&self) -> u32 {
        60_u32.div_ceil(self.per_minute.max(1))
    }

    /// Whether a request from `address` at `now` (Unix time in seconds) is within the limit.
    pub fn admits(&self, address: IpAddr, now: i64) -> bool {
        let address = subscriber(address);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full = f64::from(self.per_minute);
        let refilled = |left: f64, at: i64| {
            let passed = f64::from(u32::try_from(now.saturating_sub(at)).unwrap_or(0));
            (left + passed * full / 60.0).min(full)
        };
        if buckets.len() >= MAX_ADDRESSES {
            // A bucket that is full again says nothing; with all in use the oldest have to go.
            buckets.retain(|_, (left, at)| refilled(*left, *at) < full);
            if buckets.len() >= MAX_ADDRESSES {
                buckets.clear();
            }
        }
        let (left, at) = buckets.entry(address).or_insert((full, now));
        *left = refilled(*left, *at);
        *at = now;
        let admitted = *left >= 1.0;
        if admitted {
            *left -= 1.0;
        }
        admitted
    }
}

/// Who is connected: so many at once, and of one subscriber a quarter of them.
#[derive(Debug, Clone)]
pub(super) struct Connections(Arc<Held>);

#[derive(Debug)]
struct Held {
    most: usize,
    by: Mutex<HashMap<IpAddr, usize>>,
}

/// The right to one connection; given back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    held: Arc<Held>,
    subscriber: IpAddr,
}

impl Connections {
    /// `most` at once.
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(Held { most, by: Mutex::default() }))
    }

    /// A slot for a connection from `address`, where one is left.
    pub(super) fn slot(&self, address: IpAddr) -> Option<Slot> {
        let subscriber = subscriber(address);
        let mut by = self.0.by.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = by.values().sum();
        let own = by.get(&subscriber).copied().unwrap_or(0);
        if all >= self.0.most || own >= (self.0.most / 4).max(1) {
            return None;
        }
        by.insert(subscriber, own + 1);
        Some(Slot { held: Arc::clone(&self.0), subscriber })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut by = self.held.by.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = by.get_mut(&self.subscriber) {
            *own -= 1;
            if *own == 0 {
                by.remove(&self.subscriber);
            }
        }
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
    #[test]
    fn nobody_holds_all_connections() {
        let connections = Connections::new(8);
        let [a, b, c, d, e] = [1, 2, 3, 4, 5].map(|n| IpAddr::V4(Ipv4Addr::new(192, 0, 2, n)));
        let mut held: Vec<Slot> = (0..8).filter_map(|_| connections.slot(a)).collect();
        assert_eq!(held.len(), 2, "a quarter");
        held.extend([b, b, c, c, d, d].iter().filter_map(|address| connections.slot(*address)));
        assert_eq!(held.len(), 8);
        assert!(connections.slot(e).is_none(), "all are held");
        held.remove(0);
        assert!(connections.slot(e).is_some(), "one was given back");
        drop(held);
        assert!(connections.0.by.lock().unwrap().is_empty(), "nobody is remembered");
        assert!(Connections::new(1).slot(a).is_some());
    }
}
