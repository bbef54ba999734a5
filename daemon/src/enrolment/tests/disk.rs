//! Journals and the things that happen to files.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, SystemTime};

use enrol::journal::Journal;
use enrol::machine::EnrolmentId;

use super::bench::{Bench, lock};
use crate::enrolment::api::{OpenError, Refused};
use crate::enrolment::store::{Store, file_name};

/// Puts back the journal as it was when it had `records` records.
pub(super) fn cut(bench: &Bench, id: &EnrolmentId, records: usize) {
    let path = bench.state_dir().join(file_name(id));
    let whole = Journal::read(&std::fs::read(&path).unwrap()).unwrap();
    let mut journal = Journal::new();
    let mut bytes = Journal::head();
    for record in whole.records.into_iter().take(records) {
        let entry = journal.encode(&record).unwrap();
        bytes.extend(&entry);
        journal.appended(record, &entry);
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn an_older_journal_is_reconciled_with_the_authority() {
    for records in 1..17 {
        let bench = Bench::new();
        let id = bench.life(async |life| {
            let id = life.order().await.unwrap();
            life.until(id, |s| s.state == "Done").await;
            id
        });
        cut(&bench, &id, records);
        bench.life(async |life| {
            let status = life.until(id, |s| matches!(s.state, "Done" | "Failed") || s.paused).await;
            assert_eq!(status.state, "Done", "cut to {records}: {:?}", status.last_error);
        });
        super::all_is_well(&bench);
        assert_eq!(bench.person.count("otp"), 1, "cut to {records}");
        assert_eq!(lock(&bench.bank.0).submissions, 1, "cut to {records}");
    }
}

#[test]
fn a_damaged_journal_waits_for_the_holder_and_goes_on_from_its_good_part() {
    let bench = Bench::new();
    let id = bench.life(async |life| {
        let id = life.order().await.unwrap();
        life.until(id, |s| s.state == "Done").await;
        id
    });
    let path = bench.state_dir().join(file_name(&id));
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    bench.life(async |life| {
        let status = life.until(id, |s| s.paused).await;
        assert_eq!(status.last_error.unwrap().0, "StorageFailed");
        life.enrolments.resume(&id, None).await.unwrap();
        life.until(id, |s| s.state == "Done").await;
    });
    super::all_is_well(&bench);
    assert_eq!(std::fs::read(path.with_extension("journal.damaged")).unwrap(), bytes, "the damaged one is kept");
}

#[test]
fn the_directory_is_private_and_planted_things_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("state/enrolments");
    let store = Store::open(&directory).unwrap();
    assert_eq!(std::fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(matches!(Store::open(&directory), Err(OpenError::InUse { .. })), "a second daemon is kept out");
    let target = folder.path().join("target");
    std::fs::write(&target, "precious").unwrap();
    symlink(&target, directory.join(file_name(&EnrolmentId::new([1; 16])))).unwrap();
    std::fs::create_dir(directory.join(file_name(&EnrolmentId::new([2; 16])))).unwrap();
    std::fs::write(directory.join(file_name(&EnrolmentId::new([3; 16]))), "no journal").unwrap();
    assert!(store.load().unwrap().is_empty());
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
    drop(store);
    let link = folder.path().join("link");
    symlink(&directory, &link).unwrap();
    assert!(matches!(Store::open(&link), Err(OpenError::Directory { .. })));
}

#[test]
fn what_is_history_for_long_is_forgotten_and_nothing_else() {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let bench = Bench::new();
    lock(&bench.person.0).slips = vec![("consent", None)];
    let id = bench.life(async |life| {
        let id = life.order().await.unwrap();
        life.until(id, |s| s.paused).await;
        id
    });
    let journal = bench.state_dir().join(file_name(&id));
    let age = |days: u32| {
        let file = std::fs::File::options().write(true).open(&journal).unwrap();
        file.set_modified(SystemTime::now() - days * DAY).unwrap();
    };
    age(1000);
    bench.life(async |life| {
        assert_eq!(life.enrolments.list().len(), 1, "what is unfinished is kept however old it is");
        life.enrolments.resume(&id, None).await.unwrap();
        life.until(id, |s| s.state == "Done").await;
    });
    std::fs::write(journal.with_extension("journal.damaged"), "of old").unwrap();
    age(89);
    bench.life(async |life| assert_eq!(life.enrolments.list().len(), 1));
    age(91);
    bench.life(async |life| assert_eq!(life.enrolments.list().len(), 0));
    assert!(!journal.exists() && !journal.with_extension("journal.damaged").exists());
    super::all_is_well(&bench);
}

#[test]
fn orders_do_not_fill_disk_and_memory() {
    let bench = Bench::new();
    let journals = || std::fs::read_dir(bench.state_dir()).unwrap().count();
    bench.life(async |life| {
        for n in 0..60 {
            lock(&bench.person.0).slips = vec![("user-pin", None)];
            let id = life.order_for(&format!("user{n:03}")).await.unwrap();
            life.until(id, |s| s.state == "Abandoned").await;
        }
        assert_eq!((life.enrolments.list().len(), journals()), (32, 33), "and the reserve");
        let mut begun = 0;
        let refused = loop {
            lock(&bench.person.0).slips = vec![("consent", None)];
            match life.order_for(&format!("held{begun:03}")).await {
                Ok(id) => life.until(id, |s| s.paused).await,
                Err(why) => break why,
            };
            begun += 1;
        };
        assert_eq!((begun, refused), (16, Refused::TooMany));
    });
}
