//! An enrolment killed with SIGKILL at every step on either side ends installed, with one OTP and one certificate.
//!
//! Programs built with debug assertions kill themselves where they are told to: the daemon at the n-th append to a
//! journal (`JITSUIN_CRASH`), the authority at the n-th commit (`JITSUIN_AUTHORITY_CRASH`). What is on disk then is
//! read past them.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::ops::RangeInclusive;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Stdio;

use enrol::journal::Journal;
use enrol::machine::State;
use tests::daemon::Config;
use tests::person::Window;
use tests::running::wait_for;
use tests::scratch::{output, text};
use tests::world::{SECRETS, World};

/// The records of an undisturbed reissue, by the state they lead to: order and terms, key, request, certificate,
/// installation, proof, and the old key's end.
const RECORDS: [&str; 16] = {
    let mut all = [State::WAY[0]; 16];
    let mut n = 1;
    while n < all.len() {
        all[n] = State::WAY[n - 1];
        n += 1;
    }
    all
};

/// The commits of an undisturbed acquisition at the authority: page 1, page 2, confirmation.
const COMMITS: usize = 3;

#[test]
fn undisturbed_every_step_is_passed_once() {
    let mut stand = Stand::new();
    let start = stand.reissue();
    // One step further there is nothing left to kill.
    stand.arm_daemon("before", RECORDS.len() + 1);
    stand.arm_authority("before", COMMITS + 1);
    let _ = stand.world.enrol().ok();
    stand.wait_for_record(&start, "Retiring");
    assert!(stand.world.authority.running.is_running(), "an acquisition has {COMMITS} commits");
    stand.world.authority.running.end();
    stand.world.authority.again(&stand.world.scratch, &[]);
    stand.finish(&start);
    assert!(stand.world.daemon.running.is_running(), "an enrolment has {} records", RECORDS.len());
    assert_eq!(stand.records(&start), RECORDS);
}

macro_rules! each {
    ($($name:ident: $dies:ident($moment:literal $(, $records:expr)?);)*) => { $(
        #[test]
        fn $name() {
            $dies($moment $(, $records)?);
        }
    )* };
}

// Half of the records each: cases that share a world run one after the other, tests beside each other.
each! {
    the_daemon_dies_before_an_early_record: the_daemon_dies("before", 1..=8);
    the_daemon_dies_before_a_late_record: the_daemon_dies("before", 9..=RECORDS.len());
    the_daemon_dies_in_the_middle_of_an_early_record: the_daemon_dies("torn", 1..=8);
    the_daemon_dies_in_the_middle_of_a_late_record: the_daemon_dies("torn", 9..=RECORDS.len());
    the_daemon_dies_after_an_early_record: the_daemon_dies("after", 1..=8);
    the_daemon_dies_after_a_late_record: the_daemon_dies("after", 9..=RECORDS.len());
    the_authority_dies_before_a_commit: the_authority_dies("before");
    the_authority_dies_between_a_commit_and_its_answer: the_authority_dies("after");
}

fn the_daemon_dies(moment: &str, records: RangeInclusive<usize>) {
    let mut stand = Stand::new();
    for n in records {
        let record = RECORDS[n - 1];
        eprintln!("the daemon dies at {moment}:{n} ({record})");
        let start = stand.reissue();
        stand.arm_daemon(moment, n);
        let _ = stand.world.enrol();
        if record == "Done" {
            // The old key goes in the turn of the next login.
            stand.wait_for_record(&start, "Retiring");
            let _ = stand.world.by(&stand.world.user, &["login"]);
        }
        let status = stand.world.daemon.running.ended();
        assert_eq!(status.signal(), Some(9), "{status}");
        // What is on disk is what an outsider sees now.
        let written = if moment == "after" { n } else { n - 1 };
        assert_eq!(stand.records(&start), RECORDS[..written], "and no other record");
        let confirmed = stand.books().valid != start.books.valid;
        if !confirmed {
            assert!(stand.card().is_superset(&start.card), "the old certificate is untouched until then");
        }
        let (accepted, asked) = (stand.books().burnt > start.books.burnt, stand.passwords());
        stand.world.start_daemon(&[]);
        if written == 0 {
            // Nothing was promised to anybody: the command said that it failed, and is given again.
            let _ = stand.world.enrol_as_told().ok();
        }
        stand.wait_for_record(&start, "Retiring");
        let expected = if accepted { asked } else { start.passwords + 1 + usize::from(asked > start.passwords) };
        assert_eq!(stand.passwords(), expected, "accepted: {accepted}");
        stand.finish(&start);
    }
    stand.close();
}

fn the_authority_dies(moment: &str) {
    let mut stand = Stand::new();
    for n in 1..=COMMITS {
        eprintln!("the authority dies at {moment}:{n}");
        let start = stand.reissue();
        stand.arm_authority(moment, n);
        stand.world.user.answers(Window::Otp, &[&stand.world.otp.value()]);
        let arguments = stand.world.enrol_arguments();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut enrol = stand.world.command(&stand.world.user, &arguments);
        let enrol = enrol.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let status = stand.world.authority.running.ended();
        assert_eq!(status.signal(), Some(9), "{status}");
        let committed = if moment == "after" { n } else { n - 1 };
        let books = stand.books();
        assert_eq!(books.burnt - start.books.burnt, i64::from(committed >= 2), "an OTP is burnt by page 2, or not");
        assert_eq!(books.certificates - start.books.certificates, i64::from(committed >= 2), "with its certificate");
        assert_eq!(books.valid != start.books.valid, committed >= 3, "it is valid once it is confirmed");
        stand.world.authority.again(&stand.world.scratch, &[]);
        let done = enrol.wait_with_output().unwrap();
        assert!(done.status.success(), "{}{}", text(&done.stdout), text(&done.stderr));
        stand.wait_for_record(&start, "Retiring");
        // The daemon lived on: it had the signed request, and sent the same bytes again.
        assert_eq!(stand.passwords(), start.passwords + 1, "nobody is asked again");
        assert_eq!(stand.records(&start), RECORDS[..RECORDS.len() - 1]);
        stand.finish(&start);
    }
    stand.close();
}

/// A world in which the user has a certificate, which a reissue replaces. What it replaces is deleted without grace.
struct Stand {
    world: World,
}

/// How things stood when a reissue was begun.
struct Start {
    books: Books,
    card: BTreeSet<String>,
    journals: BTreeSet<PathBuf>,
    passwords: usize,
}

/// What the authority has written down.
#[derive(Debug, PartialEq, Eq)]
struct Books {
    /// Acquisitions, one a transaction.
    acquisitions: i64,
    /// OTP values that were bound to a request.
    burnt: i64,
    /// Certificates made for the user.
    certificates: i64,
    /// The next counter that the user's OTP token may show.
    counter: i64,
    /// The issue that is valid.
    valid: i64,
}

impl Stand {
    fn new() -> Self {
        let world = World::with(SECRETS, Config::new().and("[enrolment]\ngrace = \"0s\"\n"));
        world.reissue();
        let _ = world.enrol().ok();
        Self { world }
    }

    /// The administrator reissues; nothing is acquired yet.
    fn reissue(&self) -> Start {
        let (books, card) = (self.books(), self.card());
        assert_eq!(card.len(), 2, "a key and a certificate: {card:?}");
        self.world.reissue();
        Start { books, card, journals: self.journals(), passwords: self.passwords() }
    }

    fn arm_daemon(&mut self, moment: &str, n: usize) {
        self.world.daemon.running.end();
        self.world.start_daemon(&[("JITSUIN_CRASH", &format!("{moment}:{n}"))]);
    }

    fn arm_authority(&mut self, moment: &str, n: usize) {
        self.world.authority.running.end();
        self.world.authority.again(&self.world.scratch, &[("JITSUIN_AUTHORITY_CRASH", &format!("{moment}:{n}"))]);
    }

    /// The user logs in with the new certificate; the old key goes. Then everybody is asked what there is.
    fn finish(&self, start: &Start) {
        let _ = self.world.by(&self.world.user, &["login"]).ok();
        self.wait_for_record(start, "Done");
        let (issue, before) = (start.books.valid + 1, &start.books);
        let expected = Books {
            acquisitions: before.acquisitions + 1,
            burnt: before.burnt + 1,
            certificates: before.certificates + 1,
            counter: before.counter + 1,
            valid: issue,
        };
        assert_eq!(self.books(), expected, "one OTP, one certificate");
        assert_eq!(self.world.issue(), format!("{issue:03} valid"));
        let card = self.card();
        assert_eq!(card.len(), 2, "the new key and its certificate, and nothing left over: {card:?}");
        assert!(card.is_disjoint(&start.card), "{card:?}");
        let ids: BTreeSet<&str> = card.iter().filter_map(|object| object.split(' ').nth(1)).collect();
        assert_eq!(ids.len(), 1, "they belong together: {card:?}");
    }

    fn close(&self) {
        let verified = self.world.authority.operator(&self.world.scratch, "", &["verify-audit"]).unwrap();
        assert!(verified.contains("chain whole"), "{verified}");
    }

    /// How many windows asked for an OTP.
    fn passwords(&self) -> usize {
        self.world.user.count("one-time password")
    }

    /// `key <CKA_ID>` and `certificate <CKA_ID>` of what pkcs11-tool finds on the user's card.
    fn card(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut kind = None;
        for line in self.world.hsm.objects(&self.world.card).lines() {
            match line.trim().strip_prefix("ID:") {
                Some(id) => {
                    if let Some(kind) = kind {
                        assert!(found.insert(format!("{kind} {}", id.trim())), "twice: {line}");
                    }
                }
                None if line.starts_with("Private Key Object") => kind = Some("key"),
                None if line.starts_with("Certificate Object") => kind = Some("certificate"),
                None if !line.starts_with(' ') => kind = None,
                None => {}
            }
        }
        found
    }

    fn journals(&self) -> BTreeSet<PathBuf> {
        let files = fs::read_dir(self.world.daemon.state.join("enrolments")).unwrap();
        files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "journal")).collect()
    }

    /// The states recorded for the enrolment that was begun since; none before its first record.
    fn records(&self, start: &Start) -> Vec<&'static str> {
        let new = self.journals().difference(&start.journals).cloned().collect::<Vec<_>>();
        let begun = new.iter().map(|path| Journal::read(&fs::read(path).unwrap()).unwrap().records);
        let mut begun: Vec<_> = begun.filter(|records| !records.is_empty()).collect();
        assert!(begun.len() <= 1, "one enrolment: {new:?}");
        let records = begun.pop().unwrap_or_default();
        records.iter().map(|record| record.state().name()).collect()
    }

    fn wait_for_record(&self, start: &Start, state: &str) {
        let index = |name: &str| RECORDS.iter().position(|record| *record == name);
        wait_for(state, || {
            let last = *self.records(start).last()?;
            assert!(index(last).is_some(), "it left the way: {last}");
            (index(last) >= index(state)).then_some(())
        });
    }

    /// The authority's database, read with Python's sqlite3.
    fn books(&self) -> Books {
        let program = "import sqlite3, sys\n\
            print(*sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True).execute('''SELECT\n\
            (SELECT COUNT(*) FROM acquisitions WHERE user_id = 'riyousya'),\n\
            (SELECT COUNT(*) FROM events WHERE action = 'acquisition.accept' AND reason = 'otp_bound'),\n\
            (SELECT COUNT(*) FROM certificates WHERE user_id = 'riyousya' AND certificate IS NOT NULL),\n\
            (SELECT otp_next FROM tokens WHERE token_serial = '4711'),\n\
            (SELECT SUM(cert_issue_no) FROM certificates WHERE user_id = 'riyousya' AND cert_status = 'valid')\n\
            ''').fetchone())";
        let mut python = self.world.scratch.command("python3");
        let said = output(python.args(["-c", program]).arg(self.world.authority.folder.join("authority.db")));
        let numbers: Vec<i64> = said.split_whitespace().map(|n| n.parse().unwrap()).collect();
        let [acquisitions, burnt, certificates, counter, valid] = numbers[..] else { panic!("{said}") };
        Books { acquisitions, burnt, certificates, counter, valid }
    }
}
