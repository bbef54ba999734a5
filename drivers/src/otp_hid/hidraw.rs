//! The real line: hidraw, by hidapi.

use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hidapi::{HidApi, HidDevice, HidError};
use zeroize::Zeroizing;

use super::line::{Broken, Line, REPORT};

/// How long the kernel may take to find out why a token does not answer: its node goes when it was pulled.
const NOTICED: Duration = Duration::from_millis(200);

/// A `/dev/hidraw*`. It is opened when it is first asked, and stays open: what is open never becomes another token.
pub(super) struct HidrawLine {
    path: PathBuf,
    open: Option<HidDevice>,
}

impl HidrawLine {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), open: None }
    }

    fn opened(&mut self) -> Result<&HidDevice, Broken> {
        if self.open.is_none() {
            let name = self.path.to_str().and_then(|name| CString::new(name).ok());
            let name = name.ok_or_else(|| Broken::Line("open: a path that is no text".to_owned()))?;
            let opened = HidApi::new().and_then(|api| api.open_path(&name));
            self.open = Some(opened.map_err(|error| self.broken("open", &error))?);
        }
        self.open.as_ref().ok_or(Broken::Gone)
    }

    /// hidapi tells errors by their text alone.
    fn broken(&self, step: &str, error: &HidError) -> Broken {
        let text = error.to_string();
        if text.contains("ENODEV") || !self.path.exists() {
            return Broken::Gone;
        }
        // In the moment of unplugging, transfers fail in many ways first.
        std::thread::sleep(NOTICED);
        if self.path.exists() { Broken::Line(format!("{step}: {text}")) } else { Broken::Gone }
    }
}

impl Line for HidrawLine {
    fn read(&mut self) -> Result<[u8; REPORT], Broken> {
        // The first byte is the report's number, none here.
        let mut buffer = Zeroizing::new([0; REPORT + 1]);
        let length = match self.opened()?.get_feature_report(buffer.as_mut_slice()) {
            Ok(length) => length,
            Err(error) => return Err(self.broken("GET_REPORT", &error)),
        };
        let [_, report @ ..] = *buffer;
        if length == buffer.len() { Ok(report) } else { Err(Broken::Line(format!("GET_REPORT: {length} bytes"))) }
    }

    fn write(&mut self, report: &[u8; REPORT]) -> Result<(), Broken> {
        let mut buffer = Zeroizing::new([0; REPORT + 1]);
        buffer.iter_mut().skip(1).zip(report).for_each(|(to, from)| *to = *from);
        match self.opened()?.send_feature_report(buffer.as_slice()) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.broken("SET_REPORT", &error)),
        }
    }

    fn pause(&mut self, time: Duration) {
        // The token has no event for what it is waited for.
        std::thread::sleep(time);
    }
}
