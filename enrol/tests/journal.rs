//! The journal file against everything a disk can do to it.

#![expect(clippy::unwrap_used, reason = "what does not hold here must be loud")]

use enrol::journal::{Damage, Journal, MAX_PAYLOAD};
use enrol::machine::{EnrolmentId, Event, Machine, Order, Record, Terms, TransactionId};
use proptest::prelude::*;
use token::{ContractId, KeyAlgorithm, PublicKey, SlotId, TokenId, UserId};

/// The first records of an enrolment, made by the machine itself.
fn records() -> Vec<Record> {
    let mut machine = Machine::begin(Order {
        id: EnrolmentId::new([7; 16]),
        transaction: TransactionId::new([1; 16]),
        owner: 1000,
        profile: "bank".to_owned(),
        token: TokenId::new("pkcs11", "1").unwrap(),
        contract: ContractId::new("00009876543").unwrap(),
        user: Some(UserId::new("riyousya").unwrap()),
        algorithm: Some(KeyAlgorithm::P256),
        replaces: None,
        renews: false,
        created_at: 0,
        created_nanos: 0,
        grace: 0,
    });
    let mut point = [1; 65];
    point[0] = 4;
    let terms = Terms {
        subject: "00009876543 riyousya 1635".to_owned(),
        algorithm: KeyAlgorithm::P256,
        policy: token::KeyPolicy::default(),
        pin_wanted: true,
        otp_wanted: true,
        otp_token: None,
        deadline: Some(1),
    };
    let events = [
        Event::Terms(terms),
        Event::Slot(SlotId::new("0b").unwrap()),
        Event::KeyMade { public_key: PublicKey::from_point(&point).unwrap() },
        Event::Pause,
        Event::Resume,
        Event::Signed,
        Event::Submit,
        Event::Accepted,
    ];
    let mut records = vec![machine.record().clone()];
    for event in events {
        let record = machine.apply(event).unwrap();
        records.push(record.clone());
        machine.commit(record);
    }
    records
}

/// A journal of them, and where each entry ends.
fn written(records: &[Record]) -> (Vec<u8>, Vec<usize>) {
    let mut journal = Journal::new();
    let mut bytes = Journal::head();
    let mut ends = vec![bytes.len()];
    for record in records {
        let entry = journal.encode(record).unwrap();
        bytes.extend(&entry);
        journal.appended(record.clone(), &entry);
        assert_eq!(journal.good, bytes.len());
        ends.push(bytes.len());
    }
    (bytes, ends)
}

#[test]
fn what_was_written_is_read() {
    let records = records();
    let (bytes, _) = written(&records);
    let journal = Journal::read(&bytes).unwrap();
    assert_eq!(journal.records, records);
    assert_eq!(journal.good, bytes.len());
}

#[test]
fn another_version_and_another_file_are_refused() {
    let mut newer = Journal::head();
    *newer.last_mut().unwrap() = 2;
    assert!(matches!(Journal::read(&newer), Err((Damage::Version { found: 2 }, _))));
    assert!(matches!(Journal::read(b"#!/bin/sh\nexit 0\n# something"), Err((Damage::Head, _))));
    assert!(Journal::read(b"").unwrap().records.is_empty());
}

#[test]
fn appending_after_a_torn_tail_gives_a_whole_journal() {
    let records = records();
    let (bytes, ends) = written(&records);
    let last = ends.len() - 1;
    for cut in ends[last - 1]..ends[last] {
        let mut journal = Journal::read(&bytes[..cut]).unwrap();
        assert_eq!(journal.good, ends[last - 1]);
        let mut file = bytes[..journal.good].to_vec();
        let entry = journal.encode(&records[last - 1]).unwrap();
        file.extend(&entry);
        journal.appended(records[last - 1].clone(), &entry);
        assert_eq!(file, bytes);
        assert_eq!(Journal::read(&file).unwrap(), journal);
    }
}

#[test]
fn a_tail_that_reads_as_zeros_is_torn() {
    let (mut bytes, ends) = written(&records());
    let good = ends[3];
    bytes.truncate(good);
    bytes.extend([0; 4096]);
    assert_eq!(Journal::read(&bytes).unwrap().good, good);
}

proptest! {
    #[test]
    fn cut_anywhere_it_is_a_prefix(cut in 0usize..6000) {
        let records = records();
        let (bytes, ends) = written(&records);
        let cut = cut.min(bytes.len());
        let journal = Journal::read(&bytes[..cut]).expect("a cut is never damage");
        let whole = ends.iter().filter(|end| **end <= cut).count().saturating_sub(1);
        prop_assert_eq!(journal.records, &records[..whole]);
    }

    #[test]
    fn a_flipped_bit_is_never_believed(at in 0usize..6000, bit in 0u8..8) {
        let records = records();
        let (mut bytes, ends) = written(&records);
        let at = at.min(bytes.len() - 1);
        bytes[at] ^= 1 << bit;
        let before = ends.iter().filter(|end| **end <= at).count().saturating_sub(1);
        let last = at >= ends[ends.len() - 2];
        match Journal::read(&bytes) {
            // A damaged last entry cannot be told from one that reached the disk in parts.
            Ok(journal) => {
                prop_assert!(last, "the flip at {} was not seen", at);
                prop_assert_eq!(journal.records, &records[..before]);
            }
            Err((Damage::Entry { at: found }, journal)) => {
                prop_assert_eq!(found, ends[before]);
                prop_assert_eq!(journal.records, &records[..before]);
            }
            Err((Damage::Head | Damage::Version { .. }, journal)) => {
                prop_assert!(at < ends[0]);
                prop_assert!(journal.records.is_empty());
            }
        }
    }

    #[test]
    fn entries_cannot_be_swapped_or_taken_out(first in 0usize..9, second in 0usize..9) {
        let records = records();
        let (bytes, ends) = written(&records);
        prop_assume!(first != second);
        let entry = |n: usize| &bytes[ends[n]..ends[n + 1]];
        let mut order: Vec<usize> = (0..records.len()).collect();
        order.swap(first, second);
        let mut swapped = Journal::head();
        order.iter().for_each(|n| swapped.extend(entry(*n)));
        let mut without = Journal::head();
        (0..records.len()).filter(|n| *n != first).for_each(|n| without.extend(entry(n)));
        prop_assert!(Journal::read(&swapped).is_err());
        // Without the last one it is a younger journal; without any other it is damaged.
        prop_assert_eq!(Journal::read(&without).is_err(), first != records.len() - 1);
    }

    #[test]
    fn the_reader_is_total(tail in proptest::collection::vec(any::<u8>(), 0..200), headed in any::<bool>()) {
        let mut bytes = if headed { Journal::head() } else { Vec::new() };
        bytes.extend(tail);
        let journal = Journal::read(&bytes).unwrap_or_else(|(_, journal)| journal);
        prop_assert!(journal.good <= bytes.len() || journal.good == Journal::head().len());
        prop_assert!(bytes.len() < MAX_PAYLOAD);
    }
}
