//! Journals on disk: one file for each enrolment, in a directory of mode 0700.
//!
//! Everything is opened relative to the directory's descriptor and without following links. An
//! append is on disk (file and, for a new file, directory synced) before it counts. A reserve file
//! keeps room, so that enrolments under way can still be recorded when the disk is full.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use enrol::journal::{Damage, Journal};
use enrol::machine::{EnrolmentId, Record};
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};

use super::api::OpenError;
use super::crash;

const SUFFIX: &str = ".journal";
const RESERVE: &str = "reserve";

/// Room for a whole enrolment's records.
const RESERVED: usize = 256 * 1024;

/// How long a journal that is history is kept after its last record: long enough to look up what
/// became of an acquisition.
const KEPT: Duration = Duration::from_secs(90 * 24 * 3600);

/// Longest journal that is read, in bytes.
const MAX_JOURNAL: u64 = 16 * 1024 * 1024;

/// The directory of journals. Locked: no second daemon uses it.
#[derive(Debug, Clone)]
pub(super) struct Store {
    directory: Arc<OwnedFd>,
    path: PathBuf,
}

/// One enrolment's journal, open for appending.
#[derive(Debug)]
pub(super) struct JournalFile {
    store: Store,
    file: File,
    journal: Journal,
}

/// A journal as found at start.
pub(super) struct Found {
    pub(super) file: JournalFile,
    pub(super) record: Record,
    /// What is wrong with it, where something is.
    pub(super) damage: Option<Damage>,
}

/// A record that is not on disk: the step it belongs to is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotStored {
    /// The record has no written form.
    #[error("The journal's record cannot be written down. Report this fault.")]
    Encoding(#[source] enrol::journal::Unwritable),
    /// The file system refuses.
    #[error("The journal cannot be written. Free disk space, or make it writable; then resume.")]
    Write(#[source] io::Error),
}

impl Store {
    /// Opens (or makes) the directory.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let failed = |source: io::Error| OpenError::Directory { path: path.to_owned(), source };
        std::fs::create_dir_all(path.parent().unwrap_or(path)).map_err(failed)?;
        match rustix::fs::mkdir(path, Mode::RWXU) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(e) => return Err(failed(e.into())),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| failed(e.into()))?;
        let facts = rustix::fs::fstat(&directory).map_err(|e| failed(e.into()))?;
        if facts.st_uid != rustix::process::geteuid().as_raw() {
            return Err(failed(io::Error::new(io::ErrorKind::PermissionDenied, "owned by another user")));
        }
        rustix::fs::fchmod(&directory, Mode::RWXU).map_err(|e| failed(e.into()))?;
        rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| OpenError::InUse { path: path.to_owned() })?;
        Ok(Self { directory: Arc::new(directory), path: path.to_owned() })
    }

    /// All journals, in no order, but for those whose end is long past: they are deleted. What is no
    /// journal, or cannot be read, is left alone and said in the log.
    pub(super) fn load(&self) -> Result<Vec<Found>, OpenError> {
        let failed = |source: io::Error| OpenError::Directory { path: self.path.clone(), source };
        let mut found = Vec::new();
        for entry in rustix::fs::Dir::read_from(&*self.directory).map_err(|e| failed(e.into()))? {
            let entry = entry.map_err(|e| failed(e.into()))?;
            let Some(name) = entry.file_name().to_str().ok().filter(|n| n.ends_with(SUFFIX)) else {
                continue;
            };
            match self.read(name) {
                Ok(Some(one)) if one.is_stale() => {
                    tracing::info!(name, "an enrolment that ended long ago is forgotten");
                    self.delete(name);
                }
                Ok(Some(one)) => found.push(one),
                Ok(None) => tracing::warn!(name, "an enrolment was begun and nothing of it recorded: ignored"),
                Err(error) => tracing::error!(name, %error, "a file of the enrolments' directory cannot be read"),
            }
        }
        Ok(found)
    }

    fn read(&self, name: &str) -> io::Result<Option<Found>> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let mut file = File::from(rustix::fs::openat(&*self.directory, name, flags, Mode::empty())?);
        if !file.metadata()?.is_file() || file.metadata()?.len() > MAX_JOURNAL {
            return Err(io::Error::other("not a journal"));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let (journal, damage) = match Journal::read(&bytes) {
            Ok(journal) => (journal, None),
            Err((damage, journal)) => (journal, Some(damage)),
        };
        let Some(record) = journal.records.last().cloned() else {
            return if let Some(damage) = damage { Err(io::Error::other(damage)) } else { Ok(None) };
        };
        if format!("{}{SUFFIX}", record.order().id) != name {
            return Err(io::Error::other("the journal of another enrolment"));
        }
        if damage.is_some() {
            // Kept beside, for whoever wants to know what happened.
            self.set_aside(name, &bytes)?;
        }
        if bytes.len() > journal.good {
            file.set_len(u64::try_from(journal.good).unwrap_or(0))?;
            file.sync_all()?;
        }
        Ok(Some(Found { file: JournalFile { store: self.clone(), file, journal }, record, damage }))
    }

    /// Forgets an enrolment.
    pub(super) fn forget(&self, id: &EnrolmentId) {
        self.delete(&file_name(id));
    }

    /// Deletes a journal and what was set aside of it. What stays is deleted another time.
    fn delete(&self, name: &str) {
        for name in [name.to_owned(), set_aside_name(name)] {
            match rustix::fs::unlinkat(&*self.directory, name.as_str(), AtFlags::empty()) {
                Ok(()) | Err(rustix::io::Errno::NOENT) => {}
                Err(error) => tracing::warn!(name, %error, "a journal cannot be deleted"),
            }
        }
    }

    fn set_aside(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let copy = self.make(&set_aside_name(name), OFlags::TRUNC)?;
        copy.write_all_at(bytes, 0)?;
        copy.sync_all()
    }

    /// A new journal with its first record. New work needs the reserve to be there.
    pub(super) fn create(&self, record: &Record) -> Result<JournalFile, NotStored> {
        self.reserve().map_err(NotStored::Write)?;
        let name = format!("{}{SUFFIX}", record.order().id);
        let file = self.make(&name, OFlags::EXCL).map_err(NotStored::Write)?;
        let mut journal = JournalFile { store: self.clone(), file, journal: Journal::new() };
        let begun = (|| {
            journal.file.write_all_at(&Journal::head(), 0).map_err(NotStored::Write)?;
            journal.append(record.clone())?;
            rustix::fs::fsync(&*self.directory).map_err(|e| NotStored::Write(e.into()))
        })();
        if let Err(error) = begun {
            let _ = rustix::fs::unlinkat(&*self.directory, name.as_str(), AtFlags::empty());
            return Err(error);
        }
        Ok(journal)
    }

    fn make(&self, name: &str, how: OFlags) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | how;
        Ok(File::from(rustix::fs::openat(&*self.directory, name, flags, Mode::RUSR | Mode::WUSR)?))
    }

    fn reserve(&self) -> io::Result<()> {
        let file = self.make(RESERVE, OFlags::empty())?;
        if file.metadata()?.len() < RESERVED as u64 {
            // Written, not only sized: a hole keeps no room.
            file.write_all_at(&vec![0x5a; RESERVED], 0)?;
            file.sync_all()?;
        }
        Ok(())
    }

    fn release_reserve(&self) {
        let _ = rustix::fs::unlinkat(&*self.directory, RESERVE, AtFlags::empty());
    }
}

impl JournalFile {
    /// Appends one record; when this returns, it is on disk.
    pub(super) fn append(&mut self, record: Record) -> Result<(), NotStored> {
        let bytes = self.journal.encode(&record).map_err(NotStored::Encoding)?;
        crash::before_append();
        if crash::torn_append() {
            let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
            let _ = self.write(half);
            crash::now();
        }
        let mut written = self.write(&bytes);
        if written
            .as_ref()
            .is_err_and(|e| matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
        {
            self.store.release_reserve();
            written = self.write(&bytes);
        }
        if let Err(error) = written {
            // A half-written entry would be dropped as torn at the next start; better not to leave it.
            let _ = self.file.set_len(u64::try_from(self.journal.good).unwrap_or(0));
            return Err(NotStored::Write(error));
        }
        self.journal.appended(record, &bytes);
        crash::after_append();
        Ok(())
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, u64::try_from(self.journal.good).map_err(io::Error::other)?)?;
        self.file.sync_data()
    }
}

impl Found {
    /// Nothing is left of the enrolment, and it ended long ago. A clock that runs wrong costs no more
    /// than the story.
    fn is_stale(&self) -> bool {
        let last = self.file.file.metadata().and_then(|metadata| metadata.modified());
        let age = last.ok().and_then(|last| SystemTime::now().duration_since(last).ok());
        self.record.state().is_history() && self.damage.is_none() && age.is_some_and(|age| age > KEPT)
    }
}

fn set_aside_name(name: &str) -> String {
    format!("{name}.damaged")
}

/// Where an enrolment's journal lies, for people.
pub(super) fn file_name(id: &EnrolmentId) -> String {
    format!("{id}{SUFFIX}")
}

#[cfg(test)]
mod tests {
    use enrol::machine::{Event, Machine, Order, TransactionId};
    use token::{ContractId, TokenId};

    use super::*;

    fn machine() -> Machine {
        Machine::begin(Order {
            id: EnrolmentId::new([7; 16]),
            transaction: TransactionId::new([1; 16]),
            owner: 1000,
            profile: "bank".to_owned(),
            token: TokenId::new("pkcs11", "1").unwrap(),
            contract: ContractId::new("00009876543").unwrap(),
            user: None,
            algorithm: None,
            replaces: None,
            renews: false,
            created_at: 0,
            created_nanos: 0,
            grace: 0,
        })
    }

    #[test]
    fn a_record_that_cannot_be_written_leaves_the_journal_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("enrolments")).unwrap();
        let machine = machine();
        let mut journal = store.create(machine.record()).unwrap();
        let paused = machine.apply(Event::Pause).unwrap();
        let writable = journal.file.try_clone().unwrap();
        // A descriptor that takes no writes stands for a disk that does not.
        journal.file =
            File::open(folder.path().join("enrolments").join(file_name(&machine.record().order().id))).unwrap();
        assert!(matches!(journal.append(paused.clone()), Err(NotStored::Write(_))));
        journal.file = writable;
        assert_eq!(journal.journal.records.len(), 1);
        journal.append(paused.clone()).unwrap();
        let found = store.load().unwrap().pop().unwrap();
        assert_eq!((found.record, found.damage), (paused, None));
    }

    #[test]
    fn a_full_disk_opens_the_reserve() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("enrolments")).unwrap();
        let reserve = folder.path().join("enrolments").join(RESERVE);
        let machine = machine();
        let mut journal = store.create(machine.record()).unwrap();
        assert_eq!(std::fs::metadata(&reserve).unwrap().len(), RESERVED as u64);
        // Every write to it fails with ENOSPC.
        journal.file = File::options().write(true).open("/dev/full").unwrap();
        assert!(matches!(journal.append(machine.apply(Event::Pause).unwrap()), Err(NotStored::Write(_))));
        assert!(!reserve.exists(), "the room goes to enrolments under way");
        assert!(store.reserve().is_ok(), "and is taken again before another begins");
    }
}
