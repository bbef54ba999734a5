//! The actor with a device that counts what reaches it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use token::{Ability, Device, Event, Fault, Op, Outcome, Pin, PinState, Secret, SlotSpace, TokenId, TokenInfo};

use super::*;

/// A token whose PIN is `1234`, which counts what reaches it.
struct Fake {
    verifies: Arc<AtomicU64>,
    locks: Arc<AtomicU64>,
    left: u8,
    pull: Arc<AtomicU64>,
}

impl Device for Fake {
    fn info(&mut self) -> Result<TokenInfo, Fault> {
        Ok(TokenInfo {
            id: TokenId::new("fake", "1").unwrap(),
            label: String::new(),
            model: String::new(),
            reader: String::new(),
            pin: PinState {
                initialized: true,
                tries: Some(self.left),
                count_low: self.left < 3,
                final_try: self.left == 1,
                blocked: self.left == 0,
                min: 4,
                max: 8,
            },
            abilities: BTreeSet::from([Ability::Sign]),
            slots: Vec::new(),
            space: SlotSpace::Free,
        })
    }

    fn perform(&mut self, op: &Op, _: &mut dyn FnMut(Event)) -> Result<Outcome, Fault> {
        if self.pull.load(Ordering::SeqCst) > 0 {
            return Err(Fault::Absent);
        }
        match op {
            Op::Unlock { pin, .. } => {
                self.verifies.fetch_add(1, Ordering::SeqCst);
                if pin.as_ref().is_some_and(|p| p.expose() == b"1234") {
                    self.left = 3;
                    return Ok(Outcome::Done);
                }
                self.left -= 1;
                Err(Fault::PinWrong { left: Some(self.left) })
            }
            Op::Lock => {
                self.locks.fetch_add(1, Ordering::SeqCst);
                Ok(Outcome::Done)
            }
            _ => Ok(Outcome::Info(self.info()?)),
        }
    }
}

struct Bench {
    tokens: Tokens,
    token: TokenHandle,
    verifies: Arc<AtomicU64>,
    locks: Arc<AtomicU64>,
    pull: Arc<AtomicU64>,
}

async fn bench() -> Bench {
    let counters: [Arc<AtomicU64>; 3] = std::array::from_fn(|_| Arc::default());
    let [verifies, locks, pull] = counters;
    let tokens = Tokens::new();
    let fake = Fake { verifies: verifies.clone(), locks: locks.clone(), left: 3, pull: pull.clone() };
    let token = tokens.adopt_blocking(Box::new(fake)).await.unwrap();
    Bench { tokens, token, verifies, locks, pull }
}

fn pin(text: &str) -> Option<Pin> {
    Some(Pin::new(Secret::new(text.as_bytes().to_vec())))
}

#[tokio::test]
async fn a_turn_verifies_once_and_always_locks() {
    let bench = bench().await;
    let mut turn = bench.token.turn(pin("1234")).await.unwrap();
    for _ in 0..3 {
        turn.perform(Op::ReadInfo).await.unwrap();
    }
    turn.end().await;
    assert_eq!(bench.verifies.load(Ordering::SeqCst), 1);
    assert_eq!(bench.locks.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_wrong_pin_is_seen_by_everybody() {
    let bench = bench().await;
    let mut happenings = bench.tokens.subscribe();
    assert_eq!(bench.token.turn(pin("9999")).await.unwrap_err(), Fault::PinWrong { left: Some(2) });
    assert!(matches!(happenings.recv().await.unwrap(), Happening::Changed(_)));
    assert_eq!(bench.token.info().pin.tries, Some(2));
    bench.token.turn(pin("1234")).await.unwrap().end().await;
    bench.token.perform(Op::ReadInfo).await.unwrap();
    assert_eq!(bench.token.info().pin.tries, Some(3));
}

#[tokio::test]
async fn a_pulled_token_departs_and_comes_back_as_another_insertion() {
    let bench = bench().await;
    let mut happenings = bench.tokens.subscribe();
    bench.pull.store(1, Ordering::SeqCst);
    assert_eq!(bench.token.perform(Op::ReadInfo).await, Err(Fault::Absent));
    bench.token.departed().await;
    assert!(matches!(happenings.recv().await.unwrap(), Happening::Departed { generation: 1, .. }));
    assert_eq!(bench.token.perform(Op::ReadInfo).await, Err(Fault::Absent));
    bench.pull.store(0, Ordering::SeqCst);
    let fake = Fake { verifies: bench.verifies, locks: bench.locks, left: 3, pull: bench.pull };
    assert_eq!(bench.tokens.adopt_blocking(Box::new(fake)).await.unwrap().generation(), 2);
}

#[tokio::test]
async fn an_undeclared_operation_never_reaches_the_device() {
    let bench = bench().await;
    let slot = token::SlotId::new("9a").unwrap();
    assert!(matches!(bench.token.perform(Op::Attest { slot }).await, Err(Fault::CannotDo { .. })));
}

#[tokio::test]
async fn departing_ends_the_thread_and_frees_the_device() {
    let bench = bench().await;
    let count = Arc::downgrade(&bench.verifies);
    bench.tokens.depart_all();
    bench.token.departed().await;
    drop(bench.verifies);
    // The device is dropped on the actor's own thread, at once but not in this one.
    for _ in 0..200 {
        if count.upgrade().is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the device is still held");
}
