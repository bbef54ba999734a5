//! A small blocking client of the daemon's Varlink socket (varlink.org, "Wire protocol"): JSON ended by NUL.
//! For programs that want no runtime: tests, benches, and what comes after PAM.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

/// Longest message in either direction, its NUL included.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// The interface.
pub const INTERFACE: &str = "org.jitsuin.Jitsuin1";

/// Why a call yielded nothing.
#[derive(Debug, thiserror::Error)]
pub enum VarlinkError {
    /// The other side ended the connection.
    #[error("the daemon closed the connection")]
    Closed,
    /// Connecting, reading or writing failed.
    #[error("the socket failed")]
    Io(#[from] io::Error),
    /// Not a Varlink message.
    #[error("the daemon's message is not Varlink")]
    Json(#[source] serde_json::Error),
    /// The daemon refused.
    #[error("{name}")]
    Refused {
        /// The full error name, for example `org.jitsuin.Jitsuin1.PinIncorrect`.
        name: String,
        /// Its parameters.
        parameters: Value,
    },
    /// A message is longer than [`MAX_MESSAGE`].
    #[error("the message is longer than 64 KiB")]
    TooLong,
}

/// One reply.
#[derive(Debug, Deserialize)]
pub struct Reply {
    /// The result.
    #[serde(default)]
    pub parameters: Value,
    /// More follow.
    #[serde(default)]
    pub continues: bool,
    error: Option<String>,
}

/// A connection; closing it cancels what it asked for.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects to the socket.
    ///
    /// # Errors
    /// [`VarlinkError::Io`].
    pub fn open(socket: &Path) -> Result<Self, VarlinkError> {
        Ok(Self { stream: UnixStream::connect(socket)?, buffer: Vec::new() })
    }

    /// How long a reply may take; `None`: for ever.
    ///
    /// # Errors
    /// [`VarlinkError::Io`].
    pub fn set_timeout(&self, timeout: Option<Duration>) -> Result<(), VarlinkError> {
        Ok(self.stream.set_read_timeout(timeout)?)
    }

    /// Calls a method of the daemon's interface and waits for its one reply.
    ///
    /// # Errors
    /// [`VarlinkError`].
    pub fn call(&mut self, method: &str, parameters: Value) -> Result<Value, VarlinkError> {
        self.send(&format!("{INTERFACE}.{method}"), parameters, false)?;
        Ok(self.reply()?.parameters)
    }

    /// Calls a method that may reply several times (`more`); read them with [`Self::reply`].
    ///
    /// # Errors
    /// [`VarlinkError`].
    pub fn call_more(&mut self, method: &str, parameters: Value) -> Result<(), VarlinkError> {
        self.send(&format!("{INTERFACE}.{method}"), parameters, true)
    }

    /// Calls a method by its full name.
    ///
    /// # Errors
    /// [`VarlinkError`].
    pub fn send(&mut self, method: &str, parameters: Value, more: bool) -> Result<(), VarlinkError> {
        let mut call = json!({ "method": method, "parameters": parameters });
        if let (true, Some(members)) = (more, call.as_object_mut()) {
            members.insert("more".to_owned(), Value::Bool(true));
        }
        let mut bytes = serde_json::to_vec(&call).map_err(VarlinkError::Json)?;
        bytes.push(0);
        if bytes.len() > MAX_MESSAGE {
            return Err(VarlinkError::TooLong);
        }
        Ok(self.stream.write_all(&bytes)?)
    }

    /// The next reply.
    ///
    /// # Errors
    /// [`VarlinkError::Refused`] when it is an error.
    pub fn reply(&mut self) -> Result<Reply, VarlinkError> {
        let frame = self.frame()?;
        let reply: Reply = serde_json::from_slice(&frame).map_err(VarlinkError::Json)?;
        match reply.error {
            Some(name) => Err(VarlinkError::Refused { name, parameters: reply.parameters }),
            None => Ok(reply),
        }
    }

    fn frame(&mut self) -> Result<Vec<u8>, VarlinkError> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.buffer.iter().skip(searched).position(|b| *b == 0).map(|at| at + searched) {
                let rest = self.buffer.split_off(end + 1);
                let mut frame = std::mem::replace(&mut self.buffer, rest);
                frame.pop();
                return Ok(frame);
            }
            if self.buffer.len() >= MAX_MESSAGE {
                return Err(VarlinkError::TooLong);
            }
            searched = self.buffer.len();
            let mut chunk = [0u8; 4096];
            match self.stream.read(&mut chunk)? {
                0 => return Err(VarlinkError::Closed),
                read => self.buffer.extend(chunk.iter().take(read)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    fn peer(answers: Vec<Vec<u8>>) -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("s")).unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut byte = [1u8];
            while byte != [0] {
                stream.read_exact(&mut byte).unwrap();
            }
            for answer in answers {
                stream.write_all(&answer).unwrap();
            }
        });
        let connection = Connection::open(&folder.path().join("s")).unwrap();
        (folder, connection)
    }

    #[test]
    fn replies_in_pieces_and_in_one_piece() {
        let (_folder, mut connection) =
            peer(vec![b"{\"parameters\":{\"n\":".to_vec(), b"1},\"continues\":true}\0{\"parameters\":{}}\0".to_vec()]);
        connection.call_more("WatchEnrolment", json!({})).unwrap();
        let first = connection.reply().unwrap();
        assert!(first.continues);
        assert_eq!(first.parameters, json!({"n": 1}));
        assert!(!connection.reply().unwrap().continues);
        assert!(matches!(connection.reply(), Err(VarlinkError::Closed)));
    }

    #[test]
    fn errors_and_floods() {
        let (_folder, mut connection) = peer(vec![b"{\"error\":\"org.jitsuin.Jitsuin1.Busy\"}\0".to_vec()]);
        let refused = connection.call("ListTokens", json!({}));
        assert!(matches!(refused, Err(VarlinkError::Refused { name, .. }) if name.ends_with("Busy")));
        let (_folder, mut connection) = peer(vec![vec![b' '; MAX_MESSAGE + 10]]);
        assert!(matches!(connection.call("ListTokens", json!({})), Err(VarlinkError::TooLong)));
    }
}
