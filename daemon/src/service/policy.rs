//! Who may do what. Pure: no I/O, no waiting, no clock.

use token::Origin;

use crate::Caller;

/// What the caller wants, as far as policy is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act<'a> {
    /// Give an enrolment of `owner` up for good.
    AbandonEnrolment {
        /// Whose it is.
        owner: u32,
    },
    /// Start an enrolment.
    Enrol,
    /// Read certificates: personal data.
    ListCertificates,
    /// See which accounts an OTP token has.
    ListOtp,
    /// Change a PIN.
    ManagePin,
    /// Put an account on an OTP token.
    ProvisionOtp,
    /// See an enrolment of `owner`.
    ReadEnrolment {
        /// Whose it is.
        owner: u32,
    },
    /// See which tokens and modules are there, with the tokens' serials and labels.
    ReadTokens,
    /// Answer prompts of a session.
    RegisterAgent,
    /// Suspend or revoke a certificate by its own key.
    RevokeCertificate,
    /// Ask for a login signature at all.
    SignLogin,
    /// Resume or pause an enrolment of `owner`.
    SteerEnrolment {
        /// Whose it is.
        owner: u32,
    },
    /// Pass a secret along with a call.
    SupplySecret,
    /// Set a new PIN with the PUK.
    UnblockPin,
    /// Let a certain key sign a login.
    UseKey {
        /// Where the login is.
        origin: &'a Origin,
        /// Whether the token will want its PIN for it.
        needs_pin: bool,
    },
    /// Get a one-time password from a token.
    UseOtp,
}

impl Act<'_> {
    /// Its polkit action.
    #[must_use]
    pub fn action(self) -> &'static str {
        match self {
            Self::AbandonEnrolment { .. } => "org.jitsuin.jitsuin1.abandon-enrolment",
            Self::Enrol | Self::SteerEnrolment { .. } => "org.jitsuin.jitsuin1.enrol",
            Self::ListCertificates | Self::ListOtp | Self::ReadTokens => "org.jitsuin.jitsuin1.list-certificates",
            Self::ManagePin | Self::UnblockPin => "org.jitsuin.jitsuin1.manage-pin",
            Self::ProvisionOtp => "org.jitsuin.jitsuin1.provision-otp",
            Self::ReadEnrolment { .. } => "org.jitsuin.jitsuin1.other-user",
            Self::RegisterAgent => "org.jitsuin.jitsuin1.register-agent",
            Self::RevokeCertificate => "org.jitsuin.jitsuin1.revoke-certificate",
            Self::SignLogin | Self::UseKey { .. } => "org.jitsuin.jitsuin1.sign-login",
            Self::SupplySecret => "org.jitsuin.jitsuin1.supply-secret",
            Self::UseOtp => "org.jitsuin.jitsuin1.use-otp",
        }
    }

    /// Its name in the audit log.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::AbandonEnrolment { .. } => "abandon-enrolment",
            Self::Enrol => "enrol",
            Self::ListCertificates => "list-certificates",
            Self::ListOtp => "list-otp",
            Self::ManagePin => "change-pin",
            Self::ProvisionOtp => "provision-otp",
            Self::ReadEnrolment { .. } => "read-enrolment",
            Self::ReadTokens => "read-tokens",
            Self::RegisterAgent => "register-agent",
            Self::RevokeCertificate => "revoke-certificate",
            Self::SignLogin => "sign-login",
            Self::SteerEnrolment { .. } => "steer-enrolment",
            Self::SupplySecret => "supply-secret",
            Self::UnblockPin => "unblock-pin",
            Self::UseKey { .. } => "use-key",
            Self::UseOtp => "use-otp",
        }
    }

    /// Whether it only looks: such calls leave a line in the audit log only when they are refused.
    #[must_use]
    pub fn reads_only(self) -> bool {
        matches!(self, Self::ListCertificates | Self::ListOtp | Self::ReadEnrolment { .. } | Self::ReadTokens)
    }
}

/// For whom the daemon runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// For everybody on the machine, as a system service.
    System,
    /// For one person, as that person.
    User {
        /// Who.
        uid: u32,
    },
}

/// What the operator decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// For whom.
    pub mode: Mode,
    /// Origins at which keys that need no PIN sign without asking anybody.
    pub unattended_origins: Vec<Origin>,
}

/// What still has to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// 許可.
    Consent,
}

/// The judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It may be done.
    Allow,
    /// It may be done once the holder has been asked.
    Ask(Ask),
    /// It may not be done.
    Deny {
        /// The polkit action that it would take.
        action: &'static str,
        /// Two sentences: why, and what to do.
        why: &'static str,
    },
}

/// Judges.
pub fn judge(caller: &Caller, act: Act<'_>, settings: &Settings) -> Verdict {
    let deny = |why| Verdict::Deny { action: act.action(), why };
    let root = caller.uid() == 0;
    match settings.mode {
        Mode::User { uid } if caller.uid() != uid && !root => {
            return deny(
                "This daemon serves only the user who started it. Start one of your own with jitsuind --user.",
            );
        }
        // Polkit would let root do everything anyway.
        Mode::System if !root => {
            return deny(
                "In system mode polkit and logind have to decide this, and this version cannot ask them yet. \
                 Run jitsuind --user.",
            );
        }
        Mode::User { .. } | Mode::System => {}
    }
    match act {
        Act::AbandonEnrolment { owner } | Act::ReadEnrolment { owner } | Act::SteerEnrolment { owner }
            if owner != caller.uid() && !root =>
        {
            Verdict::Deny {
                action: "org.jitsuin.jitsuin1.other-user",
                why: "This enrolment belongs to another user. Only its owner or root may see or steer it.",
            }
        }
        Act::SupplySecret if !root => {
            deny("Only root may pass a PIN along with a call. Let the session's agent ask for it.")
        }
        Act::UseKey { origin, needs_pin: false } if settings.unattended_origins.contains(origin) => Verdict::Allow,
        Act::UseKey { .. } | Act::UseOtp => Verdict::Ask(Ask::Consent),
        Act::AbandonEnrolment { .. }
        | Act::Enrol
        | Act::ListCertificates
        | Act::ListOtp
        | Act::ManagePin
        | Act::ProvisionOtp
        | Act::ReadEnrolment { .. }
        | Act::ReadTokens
        | Act::RegisterAgent
        | Act::RevokeCertificate
        | Act::SignLogin
        | Act::SteerEnrolment { .. }
        | Act::SupplySecret
        | Act::UnblockPin => Verdict::Allow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acts(origin: &Origin, owner: u32) -> Vec<Act<'_>> {
        vec![
            Act::AbandonEnrolment { owner },
            Act::Enrol,
            Act::ListCertificates,
            Act::ListOtp,
            Act::ManagePin,
            Act::ProvisionOtp,
            Act::ReadEnrolment { owner },
            Act::ReadTokens,
            Act::RegisterAgent,
            Act::SignLogin,
            Act::SteerEnrolment { owner },
            Act::SupplySecret,
            Act::UnblockPin,
            Act::UseKey { origin, needs_pin: true },
            Act::UseKey { origin, needs_pin: false },
            Act::UseOtp,
        ]
    }

    fn settings(mode: Mode) -> Settings {
        Settings { mode, unattended_origins: vec![Origin::new("https://ci.example").unwrap()] }
    }

    #[test]
    fn user_mode_serves_its_user_and_root_only() {
        let settings = settings(Mode::User { uid: 1000 });
        let origin = Origin::new("https://ci.example").unwrap();
        for act in acts(&origin, 1000) {
            let own = judge(&Caller::example(1000), act, &settings);
            assert_eq!(matches!(own, Verdict::Deny { .. }), act == Act::SupplySecret, "{act:?}");
            assert!(matches!(judge(&Caller::example(1001), act, &settings), Verdict::Deny { .. }), "{act:?}");
            assert!(!matches!(judge(&Caller::example(0), act, &settings), Verdict::Deny { .. }), "{act:?}");
        }
    }

    #[test]
    fn system_mode_refuses_what_it_cannot_judge_and_says_so() {
        let settings = settings(Mode::System);
        let origin = Origin::new("https://bank.example").unwrap();
        for act in acts(&origin, 1000) {
            let Verdict::Deny { action, why } = judge(&Caller::example(1000), act, &settings) else {
                panic!("{act:?}: serials and labels are personal too");
            };
            assert!(action.starts_with("org.jitsuin.jitsuin1.") && why.contains("polkit"), "{act:?}: {why}");
        }
    }

    #[test]
    fn nobody_is_asked_only_at_listed_origins_and_without_a_pin() {
        let settings = settings(Mode::User { uid: 1000 });
        let caller = Caller::example(1000);
        for (text, needs_pin, expected) in [
            ("https://ci.example", false, Verdict::Allow),
            ("https://ci.example", true, Verdict::Ask(Ask::Consent)),
            ("https://bank.example", false, Verdict::Ask(Ask::Consent)),
            ("https://ci.example:444", false, Verdict::Ask(Ask::Consent)),
        ] {
            let origin = Origin::new(text).unwrap();
            assert_eq!(judge(&caller, Act::UseKey { origin: &origin, needs_pin }, &settings), expected);
        }
    }

    #[test]
    fn enrolments_of_others_stay_closed() {
        let settings = settings(Mode::User { uid: 1000 });
        let act = Act::ReadEnrolment { owner: 7 };
        assert!(matches!(judge(&Caller::example(1000), act, &settings), Verdict::Deny { .. }));
        assert_eq!(judge(&Caller::example(0), act, &settings), Verdict::Allow);
    }
}
