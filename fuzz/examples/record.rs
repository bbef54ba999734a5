//! Writes the seeds: what virtual cards answer to the driver, and sessions in which something happens.
//!
//!     cargo run --release --example record

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use drivers::fuzzing::Honest;
use drivers::wire::{self, FromWorker, MAX_DOWN, MAX_UP, Reply, Request, Secrets, Setup, ToWorker};
use libfuzzer_sys as _; // what the parsers count with
use token::{
    Challenge, Fault, KeyAlgorithm, KeyPolicy, Op, Origin, Outcome, Pin, PublicKey, Secret, SignatureAlgorithm, SlotId,
    Statement,
};
use virtual_card::tlv;

/// What was said: command and whole answer, without its status word.
static SAID: Mutex<Vec<(Vec<u8>, Vec<u8>)>> = Mutex::new(Vec::new());

/// A card whose answers are written down.
fn recorded(model: &str) -> Honest {
    let mut card = fuzz::card(model);
    Box::new(move |apdu| {
        let answer = card(apdu);
        let mut said = SAID.lock().unwrap();
        let data = &answer[..answer.len() - 2];
        match said.last_mut() {
            Some((_, before)) if matches!(apdu[1], 0xC0 | 0xA5) => before.extend(data),
            _ => said.push((apdu.to_vec(), data.to_vec())),
        }
        answer
    })
}

/// The driver's operations, as the session target counts them.
const READ: u8 = 0;
const UNLOCK: u8 = 1;
const WRONG: u8 = 2;
const KEYPAD: u8 = 4;
const CHANGE: u8 = 5;
const SIGN: u8 = 6;
const ATTEST: u8 = 7;
const GENERATE: u8 = 8;
const INSTALL: u8 = 9;
const DELETE: u8 = 10;
const LOCK: u8 = 11;
const PUK: u8 = 12;
const UNBLOCK: u8 = 13;
const CHANGE_ON_KEYPAD: u8 = 14;
const UNBLOCK_ON_KEYPAD: u8 = 15;

/// And as that of OATH does.
const OATH_LIST: u8 = 4;
const OATH_CODE: u8 = 5;
const OATH_PUT: u8 = 6;
const OATH_LOCK: u8 = 7;
/// On what: the account's number, and HOTP instead of TOTP.
const HOTP: u8 = 0x10;

/// What `gzip` makes of nothing.
const GZIPPED_NOTHING: [u8; 20] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fn session(ops: &[(u8, u8)], model: u8, then: &[u8]) -> Vec<u8> {
    let mut bytes = vec![ops.len() as u8];
    bytes.extend(ops.iter().flat_map(|(verb, object)| [*verb, *object]));
    bytes.push(model);
    bytes.extend(then);
    bytes
}

/// What makes a YubiKey honest until the host sends this instruction, or with zero to the end of what it sends, and
/// comes then. It may connect once before that.
fn then(ops: &[(u8, u8)], instruction: u8, bytes: &[u8]) -> Vec<u8> {
    SAID.lock().unwrap().clear();
    drivers::fuzzing::run("piv_session", &session(ops, 0, &[]), recorded);
    let said = SAID.lock().unwrap();
    let at = said.iter().position(|(command, _)| command[1] == instruction).unwrap_or(said.len());
    [&vec![0; 1 + at], bytes].concat()
}

fn main() -> Result<(), Box<dyn Error>> {
    let whole = [
        (READ, 0),
        (UNLOCK, 0),
        (GENERATE, 0),
        (ATTEST, 0),
        (INSTALL, 0),
        (SIGN, 0),
        (LOCK, 0),
        (READ, 0),
        (UNLOCK, 0),
        (SIGN, 0),
        (DELETE, 0),
        (CHANGE, 0),
    ];
    let plain = [(READ, 0), (UNLOCK, 0), (SIGN, 1), (LOCK, 0), (READ, 0), (CHANGE, 0)];
    let login = [(READ, 0), (UNLOCK, 0), (SIGN, 1)];
    let read = [(READ, 0), (READ, 0)];
    let generate = [(UNLOCK, 0), (GENERATE, 0x10)];
    let sessions = [
        ("yubikey", session(&whole, 0, &[])),
        ("yubikey-5.2.7", session(&whole, 2, &[])),
        ("yubikey-5.4.3", session(&whole, 3, &[])),
        // Select, version, serial number, and then an attestation of 17 KiB.
        ("long-attestation", session(&[(ATTEST, 0)], 0, &[0, 0, 0, 0, 11, 0x44, 0, 0x30])),
        ("p384", session(&[(UNLOCK, 0), (GENERATE, 0x10), (READ, 0), (SIGN, 0)], 0, &[])),
        ("plain", session(&plain, 1, &[])),
        ("wrong-pin", session(&[(WRONG, 0), (WRONG, 0), (UNLOCK, 0), (WRONG, 0), (WRONG, 0), (WRONG, 0)], 1, &[])),
        ("unblocked", session(&[(WRONG, 0), (PUK, 0), (UNBLOCK, 0), (PUK, 0), (UNLOCK, 0)], 0, &[])),
        ("keypad", session(&[(READ, 0), (KEYPAD, 0), (SIGN, 1), (LOCK, 0)], 0x83, &[])),
        ("keypad-change", session(&[(CHANGE_ON_KEYPAD, 0), (UNBLOCK_ON_KEYPAD, 0), (KEYPAD, 0)], 0x82, &[])),
        ("keypad-timed-out", session(&[(KEYPAD, 0)], 0x83, &[0, 0, 0, 0, 0, 0, 0, 8, 0x64, 0])),
        ("no-piv", session(&login, 4, &[])),
        ("pieces", session(&whole, 0, &[4, 100].repeat(200))),
        ("one-byte-pieces", session(&plain, 1, &[4, 1].repeat(200))),
        ("bombs", session(&read, 0, &[&[0, 0, 0, 0], &[10; 60][..]].concat())),
        ("endless-61", session(&login, 0, &[0, 0, 0, 0, 13, 1, 7])),
        ("endless-6c", session(&login, 0, &[0, 0, 0, 0, 12, 0, 2, 0x6C, 5])),
        ("endless-certificate", session(&login, 1, &[0, 0, 0, 0, 0, 13, 0])),
        ("reset", session(&login, 1, &[0, 0, 0, 0, 15])),
        ("pulled", session(&login, 1, &[0, 0, 0, 14, 7])),
        // At the next connection another YubiKey is there; or no PIV.
        ("swapped", session(&[(READ, 0), (UNLOCK, 0)], 0, &then(&read[..1], 0, &[0xF8, 2]))),
        ("swapped-for-none", session(&[(READ, 0), (UNLOCK, 0)], 0, &then(&read[..1], 0, &[0xF8, 4]))),
        ("pulled-and-swapped", session(&[(READ, 0), (READ, 0), (UNLOCK, 0)], 1, &[0, 0, 0, 16, 2])),
        (
            "another-kind-of-key",
            session(&generate, 0, &then(&generate, 0x47, &[&[9, 0x86, 0, 65, 4][..], &[9; 64]].concat())),
        ),
        ("neighbour", session(&login, 1, &[&[0; 40][..], &[17; 30]].concat())),
        ("mute", session(&login, 0, &[0, 0, 3, 0])),
        ("wrapped", session(&login, 0, &[&[0, 0, 0, 0][..], &[9, 0x70, 0, 2, 1, 2].repeat(30)].concat())),
    ];
    for (name, bytes) in &sessions {
        write("piv_session", name, bytes)?;
    }
    for (name, bytes) in [&sessions[0], &sessions[4]] {
        SAID.lock()?.clear();
        drivers::fuzzing::run("piv_session", bytes, recorded);
        for (n, (command, answer)) in SAID.lock()?.iter().enumerate().filter(|(_, (_, answer))| !answer.is_empty()) {
            answers(&format!("{name}-{n:02}"), command, answer)?;
        }
    }
    let nothing = [&[0, 0x70, 20], &GZIPPED_NOTHING[..], &[0x71, 1, 1]].concat();
    write("piv_objects", "compressed-nothing", &nothing)?;
    let features = [[0x0A, 4, 0x42, 0, 0, 1], [0x06, 4, 0x42, 0x33, 0, 6]].concat();
    write("piv_objects", "reader-features", &[&[5], features.as_slice()].concat())?;
    let mark = |text: &[u8]| [&[1, 0xA0, 5 + text.len() as u8, 0x80, 1, 0x82, 0x81, text.len() as u8], text].concat();
    write("piv_objects", "long-mark", &mark(&[b'x'; 65]))?;
    write("piv_objects", "mark-not-ascii", &mark("\u{e4}".as_bytes()))?;
    write("tlv", "indefinite-length", &[&[0x53, 0x80], &[0; 128][..]].concat())?;
    for digits in [5, 9] {
        write("oath_answers", &format!("{digits}-digits"), &[2, 0x76, 5, digits, 0, 0, 0, 7])?;
    }
    oath()?;
    hid()?;
    wires()?;
    for (name, uri) in [
        (
            "everything",
            "pkcs11:token=a%3bb;manufacturer=m;model=1.0;serial=1;object=o;type=private;id=%01%ff?module-path=/usr/lib/x.so&module-name=x",
        ),
        (
            "library",
            "pkcs11:library-manufacturer=Snake%20Oil,%20Inc.;library-description=Soft%20Token%20Library;library-version=1.23",
        ),
        ("secret", "pkcs11:token=x?pin-source=file:/etc/pin"),
        ("slot", "pkcs11:slot-id=327;slot-description=Sun%20Metaslot"),
    ] {
        write("uri", name, uri.as_bytes())?;
    }
    Ok(())
}

/// One answer, as the parsers' targets take it.
fn answers(name: &str, command: &[u8], answer: &[u8]) -> Result<(), Box<dyn Error>> {
    let last = answer.to_vec();
    write("tlv", name, &last)?;
    let kinded = |kind: u8, bytes: &[u8]| [&[kind], bytes].concat();
    let object = |kind: u8, bytes: &[u8]| write("piv_objects", name, &kinded(kind, bytes));
    match command[1] {
        0xCB => {
            let contents = tlv::only(answer, 0x53).unwrap_or_default();
            let parts = tlv::all(contents).unwrap_or_default();
            match tlv::find(&parts, 0x70) {
                Some(certificate) => {
                    write("certificate", name, &kinded(0, certificate))?;
                    object(0, contents)
                }
                None => object(1, contents),
            }
        }
        0xF7 => object(2, answer),
        0x47 => {
            let parts = tlv::only(answer, 0x7F49).unwrap_or_default();
            if let Some(point) = tlv::find(&tlv::all(parts).unwrap_or_default(), 0x86) {
                write("certificate", &format!("{name}-point"), &kinded(2, point))?;
                write("certificate", &format!("{name}-key"), &kinded(1, PublicKey::from_point(point)?.as_der()))?;
            }
            object(3, parts)
        }
        0x87 => {
            let parts = tlv::only(answer, 0x7C).and_then(tlv::all).unwrap_or_default();
            object(4, tlv::find(&parts, 0x82).unwrap_or_default())
        }
        0xF9 => write("certificate", name, &kinded(0, answer)),
        _ => Ok(()),
    }
}

fn oath() -> Result<(), Box<dyn Error>> {
    let session = |ops: &[(u8, u8)], locked: u8, then: &[u8]| {
        let mut bytes = vec![ops.len() as u8];
        bytes.extend(ops.iter().flat_map(|(verb, object)| [*verb, *object]));
        bytes.push(locked);
        bytes.extend(then);
        bytes
    };
    let whole = [
        (READ, 0),
        (OATH_PUT, 0),
        (OATH_PUT, HOTP | 1),
        (OATH_PUT, 0),
        (OATH_LIST, 0),
        (OATH_CODE, 0),
        (OATH_CODE, 1),
        (OATH_CODE, 2),
    ];
    let locked = [(READ, 0), (OATH_LIST, 0), (WRONG, 0), (UNLOCK, 0), (OATH_PUT, 0), (OATH_CODE, 0), (OATH_LOCK, 0)];
    let sessions = [
        ("whole", session(&whole, 0, &[])),
        ("locked", session(&locked, 1, &[])),
        ("plain-card", session(&whole, 0, &[1])),
        ("no-card", session(&whole, 0, &[4])),
        ("pieces", session(&whole, 0, &[&[0][..], &[4, 7].repeat(100)].concat())),
        ("endless-61", session(&whole, 0, &[0, 0, 0, 0, 13, 1, 7])),
        ("pulled", session(&whole, 0, &[0, 0, 0, 0, 14, 7])),
        // Management, serial number, OATH; and then the proof would go to another.
        ("swapped", session(&[(READ, 0), (UNLOCK, 0)], 1, &[0, 0, 0, 0, 0, 0xF8, 2])),
        ("reset", session(&locked, 1, &[0, 0, 0, 0, 0, 0, 15])),
        ("neighbour", session(&locked, 1, &[&[0; 8][..], &[17; 20]].concat())),
        ("invented-list", session(&whole, 0, &[0, 0, 0, 0, 0, 9, 0x72, 0, 3, 0x21, b'a', b'b'])),
    ];
    for (name, bytes) in &sessions {
        write("oath_session", name, bytes)?;
    }
    for (name, bytes) in &sessions[..2] {
        SAID.lock()?.clear();
        drivers::fuzzing::run("oath_session", bytes, recorded);
        let mut list = Vec::new();
        for (n, (command, answer)) in SAID.lock()?.iter().enumerate() {
            let answer = match command[..3] {
                [_, 0xA4, 4] => [&[0], answer.as_slice()].concat(),
                [_, 0xA1, _] => {
                    list.clone_from(answer);
                    continue;
                }
                [_, 0xA4, 0] => [&[1], &(list.len() as u16).to_be_bytes()[..], &list, answer].concat(),
                [_, 0xA2, _] => [&[2], answer.as_slice()].concat(),
                [_, 0xA3, _] => [&[3], answer.as_slice()].concat(),
                [_, 0x1D, _] => [&[4], answer.as_slice()].concat(),
                _ => continue,
            };
            if answer.len() > 1 {
                write("oath_answers", &format!("{name}-{n:02}"), &answer)?;
            }
        }
    }
    Ok(())
}

/// Sessions with the keyboard interface, report for report: nothing is recorded, for what it says is short.
fn hid() -> Result<(), Box<dyn Error>> {
    const LOOK: u8 = 4; // it shows what it showed before
    const CODE: u8 = 8;
    let status = |slots: u8| [0, 0, 5, 7, 1, 3, slots, 0, 0];
    // Looks: one before each frame, and one before each of its parts.
    let serial = [&[LOOK; 3][..], &[0, 4, 0, 0x4C, 0x9B, 0xC4]].concat();
    let hidden = [&[LOOK; 3][..], &[2, 0, LOOK]].concat();
    // The challenge with which slots are asked fills its frame, that of a time has three parts.
    let response = |looks: usize, kind: u8| [&vec![LOOK; looks][..], &[kind, 20], &[0x5A; 20]].concat();
    let session = |ops: &[u8], then: &[&[u8]]| [&[ops.len() as u8], ops, &then.concat()].concat();
    let (answers, garbled, touch) = (response(11, 0), response(11, 1), response(11, 0x84));
    let (code, code_by_touch) = (response(4, 0), response(4, 0x84));
    let both = [status(3).as_slice(), &serial, &answers, &answers].concat();
    for (name, bytes) in [
        ("read", session(&[0, CODE, CODE | 0x10], &[&both, &[LOOK], &code, &[LOOK], &code_by_touch])),
        ("touch", session(&[4, CODE], &[&status(1), &serial, &touch, &[LOOK], &code_by_touch])),
        ("no-slot", session(&[0, 4, CODE], &[&status(0), &serial, &[LOOK; 4]])),
        ("garbled", session(&[0], &[&status(1), &serial, &garbled, &[LOOK], &garbled, &[LOOK], &answers])),
        ("hidden-serial", session(&[0], &[&status(0), &hidden, &[LOOK; 3], &[0, 7, 6, 2, 4, 0, 0x4C, 0x9B, 0xC4]])),
        ("busy", session(&[0], &[&[0, 0, 0, 0, 0, 0, 0, 0, 0x80], &[LOOK; 250]])),
        (
            "touch-for-ever",
            session(&[0], &[&status(1), &serial, &[LOOK; 11], &[3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x2F], &[LOOK; 100]]),
        ),
        ("others-answer", session(&[0], &[&[0, 1, 2, 3, 4, 5, 6, 7, 0x41], &[LOOK; 250]])),
        ("pulled", session(&[0], &[&status(1), &serial])),
        // Another serial number, once the slots could not be asked.
        (
            "renamed",
            session(
                &[0, 0, 0],
                &[
                    &status(1),
                    &serial,
                    &answers,
                    &[0, 0, 5, 7, 1, 4, 1, 0, 0, LOOK, 2, LOOK],
                    &[LOOK; 3],
                    &[0, 4, 9, 9, 9, 9],
                    &answers,
                ],
            ),
        ),
        ("failed", session(&[0], &[&status(1), &[LOOK; 2], &[2]])),
    ] {
        write("hid_session", name, &bytes)?;
    }
    write("hid_descriptor", "yubikey", virtual_card::otp::DESCRIPTOR)?;
    write("hid_descriptor", "long-item", &[&[0xFE, 3, 0xAA, 1, 2, 3][..], virtual_card::otp::DESCRIPTOR].concat())?;
    let fido =
        [0x06, 0xD0, 0xF1, 0x09, 1, 0xA1, 1, 0x09, 0x20, 0x15, 0, 0x26, 0xFF, 0, 0x75, 8, 0x95, 0x40, 0x81, 2, 0xC0];
    write("hid_descriptor", "fido", &fido)
}

fn wires() -> Result<(), Box<dyn Error>> {
    let slot = SlotId::new("82")?;
    let key = PublicKey::from_point(&[&[4], &[9; 64][..]].concat())?;
    let algorithm = SignatureAlgorithm::Es256;
    let statement =
        Statement::login(&Origin::new("https://bank.example")?, &Challenge::from_bytes(&[7; 32])?, algorithm);
    let pin = |text: &str| Pin::new(Secret::new(text.as_bytes().to_vec()));
    for op in [
        Op::Attest { slot: slot.clone() },
        Op::ChangePin { old: pin("739164"), new: pin("428550") },
        Op::DeleteKey { slot: slot.clone(), expected: key.clone() },
        Op::Generate {
            slot: slot.clone(),
            algorithm: KeyAlgorithm::P256,
            policy: KeyPolicy::default(),
            mark: "jitsuin 1".into(),
        },
        Op::InstallCertificate { slot: slot.clone(), expected: key.clone(), certificate: vec![0x30, 0] },
        Op::ReadInfo,
        Op::UnblockPin { puk: pin("739164"), new: pin("428550") },
        Op::Sign { slot: slot.clone(), expected: key.clone(), algorithm, statement },
        Op::Unlock { pin: Some(pin("739164")), last: true },
    ] {
        let Some((request, Secrets(secrets))) = Request::of(&op) else { continue };
        let mut bytes = [&[3], wire::frame(&request, MAX_DOWN)?.as_slice()].concat();
        for pin in secrets.into_iter().flatten() {
            bytes.extend_from_slice(&wire::secret_frame(pin)?);
        }
        write("wire", op.verb(), &bytes)?;
    }
    for (name, reply) in [
        ("attestation", Ok(Outcome::Attestation(vec![vec![0x30, 0], vec![0x30, 0]]))),
        ("fault", Err(Fault::PinWrong { left: Some(2) })),
        ("generated", Ok(Outcome::Generated(key))),
        ("signature", Ok(Outcome::Signature(vec![7; 64]))),
    ] {
        write("wire", name, &[&[2], wire::frame(&Reply::from(reply), MAX_UP)?.as_slice()].concat())?;
    }
    let setup = Setup {
        name: "softhsm".into(),
        path: "/usr/lib/softhsm/libsofthsm2.so".into(),
        readable: vec!["/etc/softhsm".into()],
        writable: vec!["/var/lib/softhsm".into()],
        environment: [("SOFTHSM2_CONF".to_owned(), "/etc/softhsm/softhsm2.conf".to_owned())].into(),
    };
    for (name, order) in [("begin", ToWorker::Begin(setup)), ("serve", ToWorker::Serve { slot: 300 })] {
        write("wire", name, &[&[0], wire::frame(&order, MAX_DOWN)?.as_slice()].concat())?;
    }
    for (name, said) in [
        ("present", FromWorker::Present(vec![(1, "pkcs11:a1b2".parse()?)])),
        ("ready", FromWorker::Ready { gaps: vec!["no Landlock".into()] }),
    ] {
        write("wire", name, &[&[1], wire::frame(&said, MAX_UP)?.as_slice()].concat())?;
    }
    Ok(())
}

/// Writes a seed, unless another says the same.
fn write(target: &str, name: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs::create_dir_all(&folder)?;
    let file = folder.join(name);
    let others = fs::read_dir(&folder)?.flatten().map(|entry| entry.path()).filter(|path| *path != file);
    for other in others {
        if fs::read(other)? == bytes {
            return Ok(());
        }
    }
    Ok(fs::write(file, bytes)?)
}
