//! The process in which the module is loaded. It answers one request at a time until its input ends.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use drivers::pkcs11::Module;
use token::{
    Device, Fault, KeyAlgorithm, KeyPolicy, Op, Outcome, Pin, PublicKey, Secret, SlotId, Statement, TokenKind,
};
use zeroize::Zeroizing;

use super::proxy::{kind, read_frame, write_frame};

/// Serves the socket on standard input until it ends.
///
/// # Errors
/// When standard input is no socket, or breaks.
pub(crate) fn serve() -> std::io::Result<()> {
    let mut stream = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let mut open: Option<Box<dyn Device + Send>> = None;
    while let Some((kind, frame)) = read_frame(&mut stream)? {
        let fields = fields(&frame).ok_or_else(|| std::io::Error::other("a frame is malformed"))?;
        let answer = match (kind, fields.as_slice()) {
            (kind::OPEN, [module, label, known, pin]) => unlock(module, label, known, pin).map(|(name, device)| {
                open = Some(device);
                name
            }),
            (kind::SIGN, [public, message]) => held(&mut open).and_then(|device| sign(device, public, message)),
            (kind::GENERATE, [algorithm, label]) => {
                held(&mut open).and_then(|device| generate(device, algorithm, label))
            }
            _ => Err(Fault::CannotDo { what: "do that".to_owned() }),
        };
        match answer {
            Ok(answer) => write_frame(&mut stream, kind::DONE, &[&answer])?,
            Err(Fault::PinWrong { .. } | Fault::PinBlocked | Fault::FinalTryHeld | Fault::PinFormat { .. }) => {
                write_frame(&mut stream, kind::PIN_REFUSED, &[])?;
            }
            Err(fault) => write_frame(&mut stream, kind::FAULT, &[fault.to_string().as_bytes()])?,
        }
    }
    Ok(())
}

/// The fields of a frame; `None` where their lengths do not fit it.
pub(super) fn fields(frame: &[u8]) -> Option<Vec<&[u8]>> {
    let mut fields = Vec::new();
    let mut rest = frame;
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (field, after) = after.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        fields.push(field);
        rest = after;
    }
    Some(fields)
}

fn held(open: &mut Option<Box<dyn Device + Send>>) -> Result<&mut Box<dyn Device + Send>, Fault> {
    open.as_mut().ok_or(Fault::Absent)
}

/// Finds the one token of that label and begins a turn with the PIN. `known` is the name of the token that took it
/// before: another is not offered it.
fn unlock(module: &[u8], label: &[u8], known: &[u8], pin: &[u8]) -> Result<(Vec<u8>, Box<dyn Device + Send>), Fault> {
    let module = Module::load(Path::new(&*String::from_utf8_lossy(module)))?;
    let mut found = Vec::new();
    for seen in module.present()? {
        let sighting = module.sighting(seen.slot);
        let driver = drivers::driver_for(TokenKind::Keys, &sighting).ok_or(Fault::Absent)?;
        let mut device = driver.open(&sighting)?;
        if device.info()?.label.as_bytes() == label {
            found.push((seen.token.to_string(), device));
        }
    }
    let more = found.len() > 1;
    let (name, mut device) = found.pop().ok_or(Fault::Absent)?;
    if more {
        return Err(Fault::CannotDo { what: "be told from another of the same label".to_owned() });
    }
    if !known.is_empty() && known != name.as_bytes() {
        return Err(Fault::Changed);
    }
    let pin = Some(Pin::new(Secret::new(pin.to_vec())));
    device.perform(&Op::Unlock { pin, last: false }, &mut |_| {})?;
    Ok((name.into_bytes(), device))
}

/// The token did something else than it was asked.
fn lost() -> Fault {
    Fault::Device { detail: "another answer than was asked for".to_owned() }
}

fn sign(device: &mut Box<dyn Device + Send>, public: &[u8], message: &[u8]) -> Result<Vec<u8>, Fault> {
    let expected = PublicKey::from_der(public).map_err(|_| Fault::CannotDo { what: "use such a key".to_owned() })?;
    let info = device.info()?;
    let place = info.slots.iter().find(|slot| slot.public_key.as_ref() == Some(&expected));
    let slot = place.map(|place| place.slot.clone()).ok_or(Fault::CannotDo { what: "show the CA's key".to_owned() })?;
    let algorithm = expected.algorithm().default_signature();
    let statement = Statement::of_authority(message.to_vec())
        .map_err(|_| Fault::CannotDo { what: "sign what a CA does not sign".to_owned() })?;
    match device.perform(&Op::Sign { slot, expected, algorithm, statement }, &mut |_| {})? {
        Outcome::Signature(signature) => Ok(signature),
        _ => Err(lost()),
    }
}

fn generate(device: &mut Box<dyn Device + Send>, algorithm: &[u8], label: &[u8]) -> Result<Vec<u8>, Fault> {
    let algorithm = std::str::from_utf8(algorithm)
        .ok()
        .and_then(|name| KeyAlgorithm::ALL.into_iter().find(|known| known.name() == name));
    let algorithm = algorithm.ok_or(Fault::CannotDo { what: "make such a key".to_owned() })?;
    let mut id = Zeroizing::new([0; 8]);
    aws_lc_rs::rand::fill(id.as_mut()).map_err(|_| lost())?;
    let slot = SlotId::from_bytes(id.as_ref()).map_err(|_| lost())?;
    let mark = String::from_utf8_lossy(label).into_owned();
    match device.perform(&Op::Generate { slot, algorithm, policy: KeyPolicy::default(), mark }, &mut |_| {})? {
        Outcome::Generated(key) => Ok(key.as_der().to_vec()),
        _ => Err(lost()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn fields_are_read_back(fields in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..5)) {
            let mut frame = Vec::new();
            let given: Vec<&[u8]> = fields.iter().map(Vec::as_slice).collect();
            write_frame(&mut frame, kind::SIGN, &given).unwrap();
            let (kind, body) = read_frame(&mut frame.as_slice()).unwrap().unwrap();
            prop_assert_eq!(kind, kind::SIGN);
            prop_assert_eq!(super::fields(&body).unwrap(), given);
        }

        #[test]
        fn rubbish_is_no_frame(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = super::fields(&bytes);
            let _ = read_frame(&mut bytes.as_slice());
        }
    }
}
