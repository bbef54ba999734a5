//! What an administrator can do about another, or about themselves. One row each; what only the bank does is no row.

use crate::console::field::{Field, Item, Kind};
use crate::console::operation::causes;
use crate::console::texts::Texts;
use crate::console::words;
use crate::office::AdministratorView;
use crate::rules::choice::Reason;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Reinstate,
    Rename,
    Revoke,
    Suspend,
}

type Word = fn(&Texts) -> &'static str;

/// A row.
pub(super) struct Row {
    /// As it stands in an address.
    pub(super) key: &'static str,
    pub(super) what: What,
    pub(super) title: Word,
    pub(super) lead: Word,
    pub(super) button: Word,
    /// What is said afterwards.
    pub(super) done: Word,
    pub(super) fields: fn(&Texts, &AdministratorView) -> Vec<Field>,
    /// Why there is nothing to do, where there is nothing.
    pub(super) idle: fn(&Texts, &AdministratorView) -> Option<&'static str>,
}

/// The row of that key.
pub(super) fn of_key(key: &str) -> Option<&'static Row> {
    ALL.iter().find(|row| row.key == key)
}

/// All of them, as they stand on the page.
pub(super) static ALL: &[Row] = &[
    Row {
        key: "suspend",
        what: What::Suspend,
        title: |t| t.section_suspend,
        lead: |t| t.suspend_lead,
        button: |t| t.suspend,
        done: |t| t.done_suspend,
        fields: |t, _| vec![Field::new("reason", Kind::Choice(causes(t)), t.suspend_reason, "")],
        idle: |t, one| (!one.in_use).then_some(t.suspend_none),
    },
    Row {
        key: "reinstate",
        what: What::Reinstate,
        title: |t| t.section_reinstate,
        lead: |t| t.reinstate_lead,
        button: |t| t.reinstate,
        done: |t| t.done_reinstate,
        fields: |_, _| Vec::new(),
        idle: |t, one| match (&one.suspension, one.own) {
            (None, _) => Some(t.reinstate_none),
            (Some(_), true) => Some(t.reinstate_own),
            (Some(_), false) => None,
        },
    },
    Row {
        key: "revoke",
        what: What::Revoke,
        title: |t| t.peer_revoke,
        lead: |t| t.peer_revoke_lead,
        button: |t| t.revoke,
        done: |t| t.result_revoked,
        fields: |t, _| vec![Field::new("reason", Kind::Choice(reasons(t)), t.peer_revoke_reason, "")],
        idle: |t, one| (!one.revocable).then_some(t.result_nothing),
    },
    Row {
        key: "rename",
        what: What::Rename,
        title: |t| t.peer_rename,
        lead: |t| t.peer_rename_lead,
        button: |t| t.change,
        done: |t| t.done_peer_rename,
        fields: |t, one| {
            let mut name = Field::new("name", Kind::Text, t.peer_name, "").optional();
            let mut email = Field::new("email", Kind::Text, t.email, t.peer_email_hint).optional();
            name.enter(one.name.clone());
            email.enter(one.email.clone());
            vec![name, email]
        },
        idle: |t, one| (!one.own).then_some(t.peer_rename_other),
    },
];

fn reasons(t: &Texts) -> Vec<Item> {
    let all = [Reason::Lost, Reason::Stolen, Reason::Compromised, Reason::Other];
    all.into_iter().map(|reason| Item { key: reason.key(), text: words::reason(t, reason), chosen: false }).collect()
}
