//! Secrets to and from a descriptor that the command was started with.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};

use token::Secret;
use token::secret::MAX_SECRET;
use zeroize::Zeroizing;

use crate::Error;

/// Opened through the name that the kernel gives to it: taking a number over as a descriptor of ours
/// would need a promise that nobody else uses it.
fn open(options: &OpenOptions, descriptor: u16) -> io::Result<File> {
    options.open(format!("/proc/self/fd/{descriptor}"))
}

/// Writes a line into it.
pub(crate) fn hand_over(descriptor: u16, secret: &str) -> Result<(), Error> {
    // Behind what is there: the kernel opens it anew, from its beginning.
    let mut file = open(OpenOptions::new().append(true), descriptor)?;
    let line = Zeroizing::new(format!("{secret}\n"));
    Ok(file.write_all(line.as_bytes())?)
}

/// Reads it to its end; spaces and line ends around the secret are not part of it.
pub(crate) fn read(descriptor: u16) -> Result<Secret, Error> {
    let too_long = || io::Error::new(io::ErrorKind::InvalidData, "the secret is longer than 255 bytes");
    // One allocation, so that no copy is left behind by a growing buffer.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_SECRET + 2));
    let file = open(OpenOptions::new().read(true), descriptor)?;
    file.take(MAX_SECRET as u64 + 2).read_to_end(&mut bytes)?;
    let secret = bytes.trim_ascii();
    match secret.len() {
        0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "there is no secret on the descriptor").into()),
        length if length > MAX_SECRET => Err(too_long().into()),
        _ => Ok(Secret::new(secret.to_vec())),
    }
}
