//! What waits for an administrator, on every page: requests for approval, certificates that end, issues that nobody
//! fetched, keys that want a word, users who are locked (D-405, D-408, D-510, D-702); and what is warned of until it is
//! no longer so (D-407, D-410).

use token::Language;

use super::page::Notice;
use super::texts::Texts;
use super::words;
use crate::office::{Standing, UserView, Warning};
use crate::settings::Settings;

/// The users that a notice is about, as the list knows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    Acquisition,
    Ending,
    Keys,
    Locked,
}

impl About {
    pub(super) const ALL: [Self; 4] = [Self::Keys, Self::Ending, Self::Acquisition, Self::Locked];

    /// As it stands in an address.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Acquisition => "acquisition",
            Self::Ending => "ending",
            Self::Keys => "keys",
            Self::Locked => "locked",
        }
    }

    /// Whether it is about this user.
    pub(super) fn holds(self, user: &UserView, settings: &Settings) -> bool {
        match self {
            Self::Acquisition => {
                user.certificate.as_ref().is_some_and(|c| c.acquire_deadline.is_some() && !c.key_waits)
            }
            Self::Ending => user.days_left.is_some_and(|left| left < i64::from(settings.certificate.renew_from_days)),
            Self::Keys => user.certificate.as_ref().is_some_and(|c| c.key_waits),
            Self::Locked => user.status == "locked",
        }
    }

    fn text(self, t: &Texts) -> &'static str {
        match self {
            Self::Acquisition => t.notice_acquisition,
            Self::Ending => t.notice_ending,
            Self::Keys => t.notice_keys,
            Self::Locked => t.notice_locked,
        }
    }

    /// A user, with what is worth knowing beside.
    fn name(self, t: &Texts, language: Language, user: &UserView) -> String {
        let id = &user.user_id;
        match self {
            Self::Acquisition => {
                let until = user.certificate.as_ref().and_then(|c| c.acquire_deadline);
                until.map_or_else(
                    || id.clone(),
                    |at| t.until.replace("{id}", id).replace("{date}", &words::day(language, at)),
                )
            }
            Self::Ending => {
                let left = user.days_left.unwrap_or_default();
                t.days_of.replace("{id}", id).replace("{n}", &left.to_string())
            }
            Self::Keys | Self::Locked => id.clone(),
        }
    }
}

/// How many users a notice names.
const NAMED: usize = 5;

pub(super) fn of(t: &Texts, language: Language, users: &[UserView], settings: &Settings) -> Vec<Notice> {
    let mut notices = Vec::new();
    for about in About::ALL {
        let concerned: Vec<&UserView> = users.iter().filter(|user| about.holds(user, settings)).collect();
        if concerned.is_empty() {
            continue;
        }
        let mut names: Vec<String> = concerned.iter().take(NAMED).map(|user| about.name(t, language, user)).collect();
        if concerned.len() > NAMED {
            names.push(t.and_more.replace("{n}", &(concerned.len() - NAMED).to_string()));
        }
        let text = format!("{}{}", about.text(t), names.join(t.comma));
        notices.push(Notice { text, href: format!("/console/users?show={}", about.key()) });
    }
    notices
}

/// Requests that wait: for this administrator's word, and this administrator's own.
pub(super) fn approvals(t: &Texts, standing: &Standing) -> Vec<Notice> {
    let all = [(standing.to_decide, t.notice_approvals), (standing.own_requests, t.notice_own_requests)];
    let waiting = all.into_iter().filter(|(count, _)| *count > 0);
    let notice = |(count, text): (usize, &str)| Notice {
        text: text.replace("{n}", &count.to_string()),
        href: "/console/approvals".to_owned(),
    };
    waiting.map(notice).collect()
}

/// What is warned of, and where more about it stands.
pub(super) fn warnings(t: &Texts, warnings: &[Warning]) -> Vec<Notice> {
    let notice = |warning: &Warning| match warning {
        Warning::FewAdministrators { able, wanted } => Notice {
            text: t.warn_few.replace("{n}", &able.to_string()).replace("{wanted}", &wanted.to_string()),
            href: super::peer::LIST.to_owned(),
        },
        Warning::SharedDevice { administrator, user_id, device } => Notice {
            text: t
                .warn_device
                .replace("{n}", &administrator.to_string())
                .replace("{id}", user_id)
                .replace("{serial}", device),
            href: format!("/console/users/{user_id}/change"),
        },
        Warning::SharedAddress { user_id, address } => Notice {
            text: t.warn_address.replace("{id}", user_id).replace("{address}", address),
            href: format!("/console/history?user={user_id}"),
        },
    };
    warnings.iter().map(notice).collect()
}
