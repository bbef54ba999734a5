//! What goes wrong with a virtual card goes wrong as with a real one, by the word of the real pcscd.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

use std::ffi::{CStr, CString};
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use pcsc::{Card, Context, Disposition, Error, Protocols, ReaderState, Scope, ShareMode, State};
use tests::pcsc::{CARD_READER, Pcsc, YUBIKEY_READER};
use tests::running::wait_for;
use tests::scratch::{Scratch, output};

const SELECT_PIV: &[u8] = b"\x00\xa4\x04\x00\x05\xa0\x00\x00\x03\x08";
const SERIAL: &[u8] = b"\x00\xf8\x00\x00";
const TRIES: &[u8] = b"\x00\x20\x00\x80";
const WRONG_PIN: &[u8] = b"\x00\x20\x00\x80\x08999999\xff\xff";

/// What the tests talk to cards with.
struct Line {
    context: Context,
    reader: CString,
    card: Card,
}

impl Line {
    fn new(pcsc: &Pcsc<'_>, reader: &str) -> Self {
        let context = Context::establish(Scope::User).unwrap();
        let reader = CString::new(pcsc.reader(reader)).unwrap();
        let card = connect(&context, &reader).unwrap();
        Self { context, reader, card }
    }

    /// Sends an APDU and yields data and status word.
    fn send(&self, apdu: &[u8]) -> Result<(Vec<u8>, u16), Error> {
        send(&self.card, apdu)
    }

    /// Takes up the connection again, with whatever card is in.
    fn again(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            match self.card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard) {
                Ok(()) => return,
                Err(e) => assert!(Instant::now() < deadline, "{e}"),
            }
        }
    }
}

fn connect(context: &Context, reader: &CStr) -> Result<Card, Error> {
    context.connect(reader, ShareMode::Shared, Protocols::ANY)
}

fn send(card: &Card, apdu: &[u8]) -> Result<(Vec<u8>, u16), Error> {
    let mut room = [0; 65_538];
    let answer = card.transmit(apdu, &mut room)?.to_vec();
    let (data, status) = answer.split_at(answer.len().checked_sub(2).expect("a status word"));
    Ok((data.to_vec(), u16::from_be_bytes([status[0], status[1]])))
}

fn status(answer: Result<(Vec<u8>, u16), Error>) -> Result<u16, Error> {
    answer.map(|(_, status)| status)
}

#[test]
fn a_pulled_card_did_nothing_and_a_lost_answer_hides_what_it_did() {
    let scratch = Scratch::new();
    let pcsc = Pcsc::with_yubikey(&scratch, "yubikey");
    pcsc.adopt();
    let mut line = Line::new(&pcsc, "usb");
    for (fault, left) in [("pull", 0x63C3), ("lose", 0x63C2)] {
        assert_eq!(status(line.send(SELECT_PIV)), Ok(0x9000));
        pcsc.tell(&format!("fault usb at 1 {fault}"));
        assert_eq!(status(line.send(WRONG_PIN)), Err(Error::NotTransacted), "{fault}");
        pcsc.pull("usb");
        pcsc.insert("key", "usb");
        line.again();
        assert_eq!(status(line.send(SELECT_PIV)), Ok(0x9000));
        assert_eq!(status(line.send(TRIES)), Ok(left), "{fault}");
    }
    assert_eq!(pcsc.counts("key").verifies, 2, "both were sent");
}

#[test]
fn a_swap_in_the_middle_is_another_card() {
    let scratch = Scratch::new();
    let cards = [("key", "yubikey:serial=1"), ("other", "yubikey:serial=2")];
    let pcsc = Pcsc::start(&scratch, &[("usb", YUBIKEY_READER)], &cards);
    pcsc.adopt();
    pcsc.insert("key", "usb");
    let mut line = Line::new(&pcsc, "usb");
    assert_eq!(status(line.send(SELECT_PIV)), Ok(0x9000));
    assert_eq!(line.send(SERIAL), Ok((vec![0, 0, 0, 1], 0x9000)));
    pcsc.tell("fault usb on F8 swap other");
    assert_eq!(status(line.send(SERIAL)), Err(Error::NotTransacted));
    pcsc.tell("await ready usb");
    assert!(line.send(SERIAL).is_err(), "the old connection is not one to the new card");
    line.again();
    assert_eq!(status(line.send(SELECT_PIV)), Ok(0x9000));
    assert_eq!(line.send(SERIAL), Ok((vec![0, 0, 0, 2], 0x9000)));
    assert_eq!(pcsc.counts("key").power_ups, 1);
}

#[test]
fn wrong_words_come_through_as_they_are() {
    let scratch = Scratch::new();
    let pcsc = Pcsc::with_yubikey(&scratch, "yubikey");
    pcsc.adopt();
    let line = Line::new(&pcsc, "usb");
    assert_eq!(status(line.send(SELECT_PIV)), Ok(0x9000));
    pcsc.tell("fault usb on 20 status 6F00");
    assert_eq!(status(line.send(WRONG_PIN)), Ok(0x6F00));
    assert_eq!(status(line.send(TRIES)), Ok(0x63C3), "the card never saw it");
    pcsc.tell("fault usb at 1 answer 01029000");
    assert_eq!(line.send(SERIAL), Ok((vec![1, 2], 0x9000)));
    pcsc.tell("fault usb at 1 cut 5");
    assert_eq!(line.send(SERIAL).unwrap().0.len(), 3, "four bytes and a status word are six");
    pcsc.tell("fault usb at 1 garbage 40");
    assert_eq!(line.send(SERIAL).unwrap().0.len(), 38);
    pcsc.tell("fault usb always timeout");
    assert_eq!(status(line.send(SERIAL)), Err(Error::NotTransacted));
    assert_eq!(status(line.send(SERIAL)), Err(Error::NotTransacted));
    pcsc.tell("clear usb");
    assert_eq!(status(line.send(TRIES)), Ok(0x63C3), "a reader's time-out is no reset");
}

#[test]
fn a_mute_card_holds_its_line_until_it_speaks_or_goes() {
    let scratch = Scratch::new();
    let pcsc = Pcsc::with_yubikey(&scratch, "yubikey");
    pcsc.adopt();
    let line = Line::new(&pcsc, "usb");
    assert_eq!(status(line.send(SELECT_PIV)), Ok(0x9000));
    for (end, expected) in [("clear usb", Ok(0x9000)), ("pull usb", Err(Error::NotTransacted))] {
        pcsc.tell("fault usb at 1 mute");
        let answer = thread::scope(|scope| {
            let sent = scope.spawn(|| status(line.send(SERIAL)));
            pcsc.tell("await mute usb");
            assert!(!sent.is_finished());
            pcsc.tell(end);
            sent.join().unwrap()
        });
        assert_eq!(answer, expected, "{end}");
    }
}

#[test]
fn a_slow_card_takes_its_time() {
    let scratch = Scratch::new();
    let pcsc = Pcsc::with_yubikey(&scratch, "yubikey");
    pcsc.adopt();
    let line = Line::new(&pcsc, "usb");
    pcsc.tell("slow usb 30");
    let before = Instant::now();
    assert_eq!(status(line.send(SELECT_PIV)), Ok(0x9000));
    assert_eq!(status(line.send(TRIES)), Ok(0x63C3));
    assert!(before.elapsed() >= Duration::from_millis(60));
}

#[test]
fn a_touch_is_waited_for() {
    let scratch = Scratch::new();
    let pcsc = Pcsc::with_yubikey(&scratch, "yubikey");
    let admin = "010203040506070801020304050607080102030405060708";
    let generate =
        ["piv", "keys", "generate", "-m", admin, "-a", "ECCP256", "--touch-policy", "ALWAYS", "9e", "key.pem"];
    output(pcsc.command("ykman").args(generate));
    pcsc.adopt();
    pcsc.tell("touch key off");
    let mut line = Line::new(&pcsc, "usb");
    assert_eq!(status(line.send(SELECT_PIV)), Ok(0x9000));
    let mut sign = b"\x00\x87\x11\x9e\x26\x7c\x24\x82\x00\x81\x20".to_vec();
    sign.extend([7; 32]);
    let meanwhile = |line: &Line, finger: &str| {
        thread::scope(|scope| {
            let sent = scope.spawn(|| status(line.send(&sign)));
            pcsc.tell("await touch key");
            pcsc.tell(finger);
            sent.join().unwrap()
        })
    };
    pcsc.tell("touch key press");
    assert_eq!(meanwhile(&line, "touch key press"), Ok(0x9000), "only a press that is asked for counts");
    assert_eq!(meanwhile(&line, "pull usb"), Err(Error::NotTransacted));
    pcsc.insert("key", "usb");
    line.again();
    assert_eq!(status(line.send(SELECT_PIV)), Ok(0x9000));
    pcsc.tell("patience key 20");
    assert_eq!(status(line.send(&sign)), Ok(0x6982), "nobody came");
    pcsc.tell("touch key held");
    assert_eq!(status(line.send(&sign)), Ok(0x9000));
    let counts = pcsc.counts("key");
    assert_eq!((counts.touches, counts.signatures), (2, 2));
}

#[test]
fn a_card_moves_to_another_reader_with_all_it_knows() {
    let scratch = Scratch::new();
    let readers = [("left", YUBIKEY_READER), ("right", CARD_READER)];
    let pcsc = Pcsc::start(&scratch, &readers, &[("key", "yubikey"), ("card", "piv")]);
    pcsc.adopt();
    pcsc.insert("key", "left");
    let line = Line::new(&pcsc, "left");
    assert_eq!(status(line.send(SELECT_PIV)), Ok(0x9000));
    assert_eq!(status(line.send(WRONG_PIN)), Ok(0x63C2));
    let refused = pcsc.remote().ask("insert key right").unwrap_err();
    assert!(refused.to_string().contains("in a reader already"), "{refused}");
    pcsc.pull("left");
    pcsc.insert("key", "right");
    pcsc.insert("card", "left");
    let line = Line::new(&pcsc, "right");
    assert_eq!(status(line.send(TRIES)), Ok(0x6D00), "nothing is selected after power");
    assert_eq!(status(line.send(SELECT_PIV)), Ok(0x9000));
    assert_eq!(status(line.send(TRIES)), Ok(0x63C2));
}

#[test]
fn every_plug_is_seen_and_nothing_grows() {
    let scratch = Scratch::new();
    let pcsc = Pcsc::start(&scratch, &[("usb", YUBIKEY_READER)], &[("key", "yubikey"), ("other", "yubikey:serial=2")]);
    pcsc.adopt();
    let context = Context::establish(Scope::User).unwrap();
    let mut seen = [ReaderState::new(CString::new(pcsc.reader("usb")).unwrap(), State::UNAWARE)];
    let mut next = |wanted: State| {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !seen[0].event_state().contains(wanted) || seen[0].event_state().contains(State::MUTE) {
            assert!(Instant::now() < deadline, "waited for {wanted:?}, saw {:?}", seen[0].event_state());
            seen[0].sync_current_state();
            context.get_status_change(Duration::from_secs(5), &mut seen).unwrap();
        }
        seen[0].event_count()
    };
    next(State::EMPTY);
    let mut before = None;
    let mut plugs = Duration::ZERO;
    for round in 0..200 {
        let start = Instant::now();
        pcsc.tell("insert key usb");
        next(State::PRESENT);
        plugs += start.elapsed();
        pcsc.pull("usb");
        let count = next(State::EMPTY);
        assert_eq!(count, 2 * (round + 1), "in and out, each once");
        if round == 20 {
            before = Some(usage(&pcsc));
        }
    }
    println!("seen after {:?} on average", plugs / 200);
    let before = before.unwrap();
    // The threads of the last questions may still be ending; what leaked would stay.
    wait_for("descriptors and threads to be as before", || {
        usage(&pcsc).iter().zip(&before).all(|(now, then)| now <= then).then_some(())
    });
    // A quick swap is out and in.
    pcsc.insert("key", "usb");
    let count = next(State::PRESENT);
    pcsc.tell("swap other usb");
    pcsc.tell("await ready usb");
    loop {
        seen[0].sync_current_state();
        let changed = context.get_status_change(Duration::from_secs(5), &mut seen);
        assert_eq!(changed, Ok(()), "{:?} {} after {count}", seen[0].event_state(), seen[0].event_count());
        if seen[0].event_count() >= count + 2 {
            break;
        }
    }
    assert_eq!(seen[0].event_count(), count + 2);
}

/// Open descriptors and threads of pcscd and of the cards' process.
fn usage(pcsc: &Pcsc<'_>) -> Vec<usize> {
    let count = |path: String| fs::read_dir(path).unwrap().count();
    [pcsc.pcscd_id(), pcsc.cards.id()]
        .into_iter()
        .flat_map(|id| [count(format!("/proc/{id}/fd")), count(format!("/proc/{id}/task"))])
        .collect()
}

#[test]
fn pcscd_may_die_and_come_back() {
    let scratch = Scratch::new();
    let mut pcsc = Pcsc::with_yubikey(&scratch, "yubikey");
    pcsc.adopt();
    let line = Line::new(&pcsc, "usb");
    pcsc.kill_pcscd();
    assert!(matches!(line.send(SELECT_PIV), Err(Error::NoService | Error::CommError)));
    pcsc.start_pcscd_again();
    pcsc.insert("key", "usb");
    assert!(line.context.is_valid().is_ok() && connect(&line.context, &line.reader).is_err(), "as the notes say");
    let line = Line::new(&pcsc, "usb");
    assert_eq!(status(line.send(SELECT_PIV)), Ok(0x9000));
}
