//! What an administrator can have done with a user, besides the choice about the certificate. One row each.

use crate::console::field::{Field, Item, Kind};
use crate::console::texts::Texts;
use crate::console::words;
use crate::office::UserView;
use crate::rules::lock::LockKind;
use crate::rules::suspend::Cause;

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// 利用者ワンタイムパスワード.
    Otp,
    /// 各種設定.
    Settings,
    /// Beside 変更, at the list.
    Users,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    ConfirmKey,
    Deregister,
    ExchangeToken,
    LockToken,
    RegisterToken,
    Reinstate,
    Rename,
    ResetPin,
    RestoreRights,
    Resume,
    Resynchronise,
    RevokeToken,
    Stop,
    Suspend,
    Unlock,
    UnlockToken,
}

type Word = fn(&Texts) -> &'static str;

/// A row.
pub(super) struct Operation {
    /// As it stands in an address.
    pub(super) key: &'static str,
    pub(super) what: What,
    pub(super) group: Group,
    pub(super) title: Word,
    pub(super) lead: Word,
    pub(super) button: Word,
    /// What is said afterwards; `{n}` is a number that came of it.
    pub(super) done: Word,
    pub(super) fields: fn(&Texts, &UserView) -> Vec<Field>,
    /// Why there is nothing to do with this user, where there is nothing.
    pub(super) idle: fn(&Texts, &UserView) -> Option<&'static str>,
}

impl Group {
    /// The rows of this group.
    pub(super) fn rows(self) -> impl Iterator<Item = &'static Operation> {
        ALL.iter().filter(move |operation| operation.group == self)
    }

    /// As it stands in an address.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Otp => "otp",
            Self::Settings => "settings",
            Self::Users => "users",
        }
    }

    pub(super) fn title(self, t: &Texts) -> &'static str {
        match self {
            Self::Otp => t.user_otp,
            Self::Settings => t.settings,
            Self::Users => t.user_select,
        }
    }
}

/// The row of that key.
pub(super) fn of_key(key: &str) -> Option<&'static Operation> {
    ALL.iter().find(|operation| operation.key == key)
}

/// All of them, as they stand on the pages.
static ALL: &[Operation] = &[
    Operation {
        key: "deregister",
        what: What::Deregister,
        group: Group::Users,
        title: |t| t.deregister,
        lead: |t| t.deregister_lead,
        button: |t| t.deregister,
        done: |t| t.done_deregister,
        fields: |_, _| Vec::new(),
        idle: |_, _| None,
    },
    Operation {
        key: "rename",
        what: What::Rename,
        group: Group::Settings,
        title: |t| t.section_rename,
        lead: |t| t.rename_lead,
        button: |t| t.change,
        done: |t| t.done_rename,
        fields: |t, user| {
            let mut name = Field::new("name", Kind::Text, t.user_name, "").optional();
            let mut email = Field::new("email", Kind::Text, t.email, "").optional();
            name.enter(user.name.clone());
            email.enter(user.email.clone());
            vec![name, email]
        },
        idle: |_, _| None,
    },
    Operation {
        key: "stop",
        what: What::Stop,
        group: Group::Settings,
        title: |t| t.section_stop,
        lead: |t| t.stop_lead,
        button: |t| t.stop_user,
        done: |t| t.done_user_stop,
        fields: |_, _| Vec::new(),
        idle: |t, user| (user.status == "stopped").then_some(t.stop_already),
    },
    Operation {
        key: "resume",
        what: What::Resume,
        group: Group::Settings,
        title: |t| t.section_resume,
        lead: |t| t.resume_lead,
        button: |t| t.resume_user,
        done: |t| t.done_resume,
        fields: |_, _| Vec::new(),
        idle: |t, user| (user.status != "stopped").then_some(t.resume_none),
    },
    Operation {
        key: "unlock",
        what: What::Unlock,
        group: Group::Settings,
        title: |t| t.section_unlock,
        lead: |t| t.unlock_lead,
        button: |t| t.unlock,
        done: |t| t.done_unlock,
        fields: |t, user| vec![Field::new("kind", Kind::Choice(locks(t, user)), t.unlock_kind, "")],
        idle: |t, user| match (user.locks.branch, user.locks.user_pin || user.locks.otp) {
            (true, _) => Some(t.unlock_branch),
            (false, false) => Some(t.unlock_none),
            (false, true) => None,
        },
    },
    Operation {
        key: "pin",
        what: What::ResetPin,
        group: Group::Settings,
        title: |t| t.section_pin,
        lead: |t| t.pin_lead,
        button: |t| t.reset,
        done: |t| t.done_pin,
        fields: |t, _| Field::new_pin(t, t.new_user_pin).into(),
        idle: |_, _| None,
    },
    Operation {
        key: "key",
        what: What::ConfirmKey,
        group: Group::Settings,
        title: |t| t.section_key,
        lead: |t| t.key_lead,
        button: |t| t.confirm_key,
        done: |t| t.done_key,
        fields: |t, _| vec![Field::new("fingerprint", Kind::Text, t.fingerprint, t.fingerprint_hint)],
        idle: |t, user| {
            let waits = user.certificate.as_ref().is_some_and(|certificate| certificate.key_waits);
            (!waits).then_some(t.key_none)
        },
    },
    Operation {
        key: "suspend",
        what: What::Suspend,
        group: Group::Settings,
        title: |t| t.section_suspend,
        lead: |t| t.suspend_lead,
        button: |t| t.suspend,
        done: |t| t.done_suspend,
        fields: |t, _| vec![Field::new("reason", Kind::Choice(causes(t)), t.suspend_reason, "")],
        idle: |t, user| {
            let valid = user.certificate.as_ref().is_some_and(|_| user.days_left.is_some());
            (!valid).then_some(t.suspend_none)
        },
    },
    Operation {
        key: "reinstate",
        what: What::Reinstate,
        group: Group::Settings,
        title: |t| t.section_reinstate,
        lead: |t| t.reinstate_lead,
        button: |t| t.reinstate,
        done: |t| t.done_reinstate,
        fields: |_, _| Vec::new(),
        idle: |t, user| user.suspension.is_none().then_some(t.reinstate_none),
    },
    Operation {
        key: "rights",
        what: What::RestoreRights,
        group: Group::Settings,
        title: |t| t.section_rights,
        lead: |t| t.rights_lead,
        button: |t| t.rights,
        done: |t| t.done_rights,
        fields: |_, _| Vec::new(),
        idle: |t, user| (user.rights == "active").then_some(t.rights_none),
    },
    Operation {
        key: "token-register",
        what: What::RegisterToken,
        group: Group::Otp,
        title: |t| t.section_otp_register,
        lead: |t| t.otp_register_lead,
        button: |t| t.register,
        done: |t| t.done_otp,
        fields: |t, _| vec![serial(t), Field::new("otp", Kind::Otp, t.otp, t.otp_hint)],
        idle: |t, user| has_token(user).then_some(t.token_held),
    },
    Operation {
        key: "token-exchange",
        what: What::ExchangeToken,
        group: Group::Otp,
        title: |t| t.section_otp_exchange,
        lead: |t| t.otp_exchange_lead,
        button: |t| t.exchange,
        done: |t| t.done_otp_exchange,
        fields: |t, _| {
            let old = Field::new("old_otp", Kind::Otp, t.otp_old, t.otp_hint);
            vec![old, serial(t), Field::new("otp", Kind::Otp, t.otp_new, t.otp_hint)]
        },
        idle: |t, user| (!has_token(user)).then_some(t.token_none),
    },
    Operation {
        key: "token-resynchronise",
        what: What::Resynchronise,
        group: Group::Otp,
        title: |t| t.section_otp_resync,
        lead: |t| t.otp_resync_lead,
        button: |t| t.resynchronise,
        done: |t| t.done_otp_resync,
        fields: |t, _| {
            let first = Field::new("first", Kind::Otp, t.otp_first, t.otp_hint);
            vec![first, Field::new("second", Kind::Otp, t.otp_second, t.otp_second_hint)]
        },
        idle: |t, user| (!has_token(user)).then_some(t.token_none),
    },
    Operation {
        key: "token-lock",
        what: What::LockToken,
        group: Group::Otp,
        title: |t| t.section_otp_lock,
        lead: |t| t.otp_lock_lead,
        button: |t| t.lock,
        done: |t| t.done_otp_lock,
        fields: |_, _| Vec::new(),
        idle: |t, user| match user.token_status {
            "registered" => None,
            "locked" => Some(t.token_is_locked),
            _ => Some(t.token_none),
        },
    },
    Operation {
        key: "token-unlock",
        what: What::UnlockToken,
        group: Group::Otp,
        title: |t| t.section_otp_unlock,
        lead: |t| t.otp_unlock_lead,
        button: |t| t.unlock,
        done: |t| t.done_otp_unlock,
        fields: |_, _| Vec::new(),
        idle: |t, user| (user.token_status != "locked").then_some(t.token_not_locked),
    },
    Operation {
        key: "token-revoke",
        what: What::RevokeToken,
        group: Group::Otp,
        title: |t| t.section_otp_revoke,
        lead: |t| t.otp_revoke_lead,
        button: |t| t.revoke,
        done: |t| t.done_otp_revoke,
        fields: |t, _| vec![Field::new("own_otp", Kind::Otp, t.own_otp, t.own_otp_hint).optional()],
        idle: |t, user| (!has_token(user)).then_some(t.token_none),
    },
];

fn has_token(user: &UserView) -> bool {
    user.token_serial.is_some()
}

fn serial(t: &Texts) -> Field {
    Field::new("serial", Kind::Text, t.token_serial, t.token_serial_hint)
}

fn locks(t: &Texts, user: &UserView) -> Vec<Item> {
    let all = [(LockKind::UserPin, user.locks.user_pin, t.lock_user_pin), (LockKind::Otp, user.locks.otp, t.lock_otp)];
    let held: Vec<_> = all.into_iter().filter(|(_, held, _)| *held).collect();
    let only = held.len() == 1;
    held.into_iter().map(|(kind, _, text)| Item { key: kind.key(), text, chosen: only }).collect()
}

/// Those that a person gives; an emergency is the contract's.
pub(in crate::console) fn causes(t: &Texts) -> Vec<Item> {
    let all = [Cause::Suspicion, Cause::Lost, Cause::Stolen, Cause::Absence, Cause::Other];
    all.into_iter().map(|cause| Item { key: cause.key(), text: words::cause(t, cause.key()), chosen: false }).collect()
}
