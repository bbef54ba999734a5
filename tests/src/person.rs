//! A person at a workstation: what they know, and a pinentry that types it for them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::scratch::Scratch;
use crate::tree;

/// A window of the session agent, by its English title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// What an OTP token is unlocked with.
    AccessCode,
    /// The acquisition code.
    AcquisitionCode,
    /// The PIN of the card.
    CardPin,
    /// Which certificate.
    Choose,
    /// ご契約先確認暗証番号.
    ConfirmationPin,
    /// 許可.
    Consent,
    /// ご契約先暗証番号.
    ContractPin,
    /// A new PIN for the card.
    NewCardPin,
    /// A new user PIN, typed by the administrator.
    NewUserPin,
    /// ワンタイムパスワード.
    Otp,
    /// The secret of an account on an OTP token.
    OtpSecret,
    /// What unblocks the PIN of the card.
    Puk,
    /// The stop code of a notice.
    StopCode,
    /// 利用者暗証番号.
    UserPin,
}

impl Window {
    fn file(self) -> &'static str {
        match self {
            Self::AccessCode => "access-code",
            Self::AcquisitionCode => "acquisition-code",
            Self::CardPin => "card-pin",
            Self::Choose => "choose-a-certificate",
            Self::ConfirmationPin => "contract-confirmation-pin",
            Self::Consent => "consent",
            Self::ContractPin => "contract-pin",
            Self::NewCardPin => "new-card-pin",
            Self::NewUserPin => "new-user-pin",
            Self::Otp => "one-time-password",
            Self::OtpSecret => "token-secret",
            Self::Puk => "puk",
            Self::StopCode => "stop-code",
            Self::UserPin => "user-pin",
        }
    }
}

/// The window is closed: キャンセル.
pub const CANCEL: &str = "!cancel";
/// The other button: いいえ.
pub const REFUSE: &str = "!refuse";
/// The window stands open until [`Person::let_go`], then it is closed.
pub const HOLD: &str = "!hold";

/// Somebody who answers windows. What they will type lies in a folder, read by `tests/scripted-pinentry`.
#[derive(Debug, Clone)]
pub struct Person {
    folder: PathBuf,
    /// The program to give to the agent as its pinentry.
    pub pinentry: PathBuf,
}

impl Person {
    /// Somebody who knows nothing yet and closes every window.
    #[must_use]
    pub fn new(scratch: &Scratch, name: &str) -> Self {
        let folder = scratch.folder(&format!("{name}-answers"));
        let script = tree::root().join("tests/scripted-pinentry");
        let text =
            format!("#!/bin/sh\nJITSUIN_ANSWERS='{}' exec bash '{}' \"$@\"\n", folder.display(), script.display());
        let pinentry = scratch.file(&format!("{name}-pinentry"), &text);
        fs::set_permissions(&pinentry, fs::Permissions::from_mode(0o700)).expect("its mode");
        Self { folder, pinentry }
    }

    /// Answers a window with each of these in turn, and with the last one from then on.
    pub fn answers(&self, window: Window, answers: &[&str]) -> &Self {
        let mut text = answers.join("\n");
        text.push('\n');
        fs::write(self.folder.join(window.file()), text).expect("an answer");
        self
    }

    /// Closes a window from now on.
    pub fn forgets(&self, window: Window) -> &Self {
        let _ = fs::remove_file(self.folder.join(window.file()));
        self
    }

    /// Closes the windows that stand open by [`HOLD`].
    pub fn let_go(&self) {
        fs::write(self.folder.join("release"), "").expect("the release");
    }

    /// The windows seen so far: `title<TAB>description` each.
    #[must_use]
    pub fn windows(&self) -> Vec<String> {
        let log = fs::read_to_string(self.folder.join("windows.log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// How many windows had a title that ends so, for example `card PIN`.
    #[must_use]
    pub fn count(&self, title: &str) -> usize {
        self.windows().iter().filter(|w| w.split('\t').next().is_some_and(|t| t.ends_with(title))).count()
    }

    /// The folder with the answers: the one place where secrets lie, because a person has to hold them somewhere.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}
