//! Which certificates may answer a login. Pure.

use std::sync::Arc;

use token::{CertificateFacts, KeyRef, Standing};

/// The door that the login is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Usage {
    /// A user's login.
    #[default]
    UserLogin,
    /// An administrator's login.
    AdministratorLogin,
}

impl Usage {
    /// From its name in both interfaces.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "user-login" => Some(Self::UserLogin),
            "administrator-login" => Some(Self::AdministratorLogin),
            _ => None,
        }
    }
}

/// A certificate on a present token.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Where it is.
    pub key: KeyRef,
    /// Which insertion of that token.
    pub generation: u64,
    /// What it says.
    pub facts: Arc<CertificateFacts>,
    /// Whether the key of this certificate lies beside it.
    pub has_key: bool,
    /// Whether signing needs the PIN.
    pub needs_pin: bool,
    /// Whether no enrolment of it is unfinished, and none has replaced it.
    pub offered: bool,
}

/// Why a certificate is not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhyNot {
    // From what the holder can help most easily to what is least to the point: the first that
    // applies to any certificate is the reason that is given when none can be used.
    /// Installed, and the authority has not been told.
    Unconfirmed,
    /// Past its end.
    Expired,
    /// Before its beginning.
    NotYetValid,
    /// There is a newer one of the same name.
    Superseded,
    /// An administrator's, at the users' door.
    Administrator,
    /// A user's, at the administrators' door.
    User,
    /// Its key is not on the token.
    NoKey,
    /// It is not made for logging in, by its usage or its kind of key, or it is a CA's.
    Usage,
    /// Its name is not of the form that Jitsuin issues.
    NotJitsuin,
}

impl WhyNot {
    /// The name used in both interfaces (`why-not`).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Expired => "expired",
            Self::NoKey => "no-key",
            Self::NotJitsuin => "not-jitsuin",
            Self::NotYetValid => "not-yet-valid",
            Self::Superseded => "superseded",
            Self::Unconfirmed => "unconfirmed",
            Self::Usage => "usage",
            Self::User => "user",
        }
    }
}

/// Whether `entry`, one of `all`, may answer a login at `now` (Unix time in seconds).
///
/// # Errors
/// [`WhyNot`].
pub fn usable(entry: &Entry, all: &[Entry], usage: Option<Usage>, now: i64) -> Result<(), WhyNot> {
    let facts = &entry.facts;
    let Some(name) = &facts.name else { return Err(WhyNot::NotJitsuin) };
    let signs_logins = facts.public_key.algorithm().default_signature().signs_logins();
    if facts.ca || !facts.may_sign || !facts.may_authenticate || !signs_logins {
        return Err(WhyNot::Usage);
    }
    match usage {
        Some(Usage::UserLogin) if name.user.is_none() => return Err(WhyNot::Administrator),
        Some(Usage::AdministratorLogin) if name.user.is_some() => return Err(WhyNot::User),
        _ => {}
    }
    if !entry.has_key {
        return Err(WhyNot::NoKey);
    }
    match facts.standing(now) {
        Standing::Expired => return Err(WhyNot::Expired),
        Standing::NotYetValid => return Err(WhyNot::NotYetValid),
        Standing::Valid => {}
    }
    if all.iter().any(|other| supersedes(other, entry, now)) {
        return Err(WhyNot::Superseded);
    }
    if !entry.offered {
        return Err(WhyNot::Unconfirmed);
    }
    Ok(())
}

/// Those that may answer a login.
///
/// # Errors
/// The most helpful reason when there is none; `None` when there are no certificates at all.
pub fn candidates(all: &[Entry], usage: Usage, now: i64) -> Result<Vec<Entry>, Option<WhyNot>> {
    let (mut found, mut reason) = (Vec::new(), None::<WhyNot>);
    for entry in all {
        match usable(entry, all, Some(usage), now) {
            Ok(()) => found.push(entry.clone()),
            Err(why) => reason = Some(reason.map_or(why, |r| r.min(why))),
        }
    }
    if found.is_empty() { Err(reason) } else { Ok(found) }
}

/// A newer certificate of the same name and issuer, itself ready for use. One that is installed but
/// unconfirmed supersedes nothing: until then the old one is the one that works. All administrators of a contract have
/// one name (their certificates tell no number), so among theirs only one on the same token does: a colleague's card
/// takes nobody's place.
fn supersedes(newer: &Entry, older: &Entry, now: i64) -> bool {
    newer.key != older.key
        && newer.offered
        && newer.has_key
        && newer.facts.name == older.facts.name
        && (newer.facts.name.as_ref().is_some_and(|name| name.user.is_some()) || newer.key.token == older.key.token)
        && newer.facts.issuer == older.facts.issuer
        && newer.facts.standing(now) == Standing::Valid
        && (newer.facts.not_before, newer.facts.not_after) > (older.facts.not_before, older.facts.not_after)
}

#[cfg(test)]
mod tests {
    use token::PublicKey;

    use super::*;

    const USER: &str = "00009876543 riyousya 1635";
    const ADMINISTRATOR: &str = "00009876543 1635";

    fn entry(slot: &str, name: &str, from: i64, to: i64) -> Entry {
        let mut point = vec![4];
        point.resize(65, 7);
        let facts = CertificateFacts {
            der: Vec::new(),
            common_name: name.to_owned(),
            name: name.parse().ok(),
            issuer: "CN=Bank".to_owned(),
            serial: slot.to_owned(),
            public_key: PublicKey::from_point(&point).unwrap(),
            not_before: from,
            not_after: to,
            ca: false,
            may_sign: true,
            may_authenticate: true,
        };
        Entry {
            key: format!("pkcs11:1/{slot}").parse().unwrap(),
            generation: 1,
            facts: Arc::new(facts),
            has_key: true,
            needs_pin: true,
            offered: true,
        }
    }

    fn names(all: &[Entry], usage: Usage) -> Result<Vec<String>, Option<WhyNot>> {
        Ok(candidates(all, usage, 100)?.iter().map(|e| e.key.slot.to_string()).collect())
    }

    #[test]
    fn each_door_has_its_own_certificates() {
        let all = [entry("01", USER, 0, 200), entry("02", ADMINISTRATOR, 0, 200)];
        assert_eq!(names(&all, Usage::UserLogin), Ok(vec!["01".to_owned()]));
        assert_eq!(names(&all, Usage::AdministratorLogin), Ok(vec!["02".to_owned()]));
        assert_eq!(names(&all[1..], Usage::UserLogin), Err(Some(WhyNot::Administrator)));
        assert_eq!(names(&all[..1], Usage::AdministratorLogin), Err(Some(WhyNot::User)));
        assert_eq!(names(&[], Usage::UserLogin), Err(None));
    }

    #[test]
    fn only_the_newest_of_a_name_is_offered() {
        let old = entry("01", USER, 0, 200);
        let new = entry("02", USER, 50, 300);
        let all = [old.clone(), new.clone()];
        assert_eq!(names(&all, Usage::UserLogin), Ok(vec!["02".to_owned()]));
        assert_eq!(usable(&old, &all, None, 100), Err(WhyNot::Superseded));

        let unconfirmed = Entry { offered: false, ..new.clone() };
        let all = [old.clone(), unconfirmed.clone()];
        assert_eq!(names(&all, Usage::UserLogin), Ok(vec!["01".to_owned()]), "until it is confirmed the old one works");
        assert_eq!(usable(&unconfirmed, &all, None, 100), Err(WhyNot::Unconfirmed));
        assert_eq!(names(&[unconfirmed], Usage::UserLogin), Err(Some(WhyNot::Unconfirmed)));

        let not_yet = entry("02", USER, 150, 300);
        assert_eq!(names(&[old.clone(), not_yet], Usage::UserLogin), Ok(vec!["01".to_owned()]));
        let (first, replaced) = (entry("01", ADMINISTRATOR, 0, 200), entry("02", ADMINISTRATOR, 50, 300));
        let second = Entry { key: "pkcs11:2/01".parse().unwrap(), ..entry("01", ADMINISTRATOR, 60, 300) };
        let all = [first, replaced, second];
        assert_eq!(
            names(&all, Usage::AdministratorLogin),
            Ok(vec!["02".to_owned(), "01".to_owned()]),
            "a colleague's card supersedes nothing"
        );
        let other = entry("02", "00009876543 another 1635", 50, 300);
        assert_eq!(names(&[old, other], Usage::UserLogin).map(|n| n.len()), Ok(2));
    }

    #[test]
    fn the_right_reason_is_given() {
        let expired = entry("01", USER, 0, 99);
        let not_yet = entry("02", USER, 101, 200);
        assert_eq!(names(std::slice::from_ref(&expired), Usage::UserLogin), Err(Some(WhyNot::Expired)));
        assert_eq!(names(std::slice::from_ref(&not_yet), Usage::UserLogin), Err(Some(WhyNot::NotYetValid)));
        let keyless = Entry { has_key: false, ..entry("03", USER, 0, 200) };
        assert_eq!(names(std::slice::from_ref(&keyless), Usage::UserLogin), Err(Some(WhyNot::NoKey)));
        let foreign = entry("04", "Somebody", 0, 200);
        assert_eq!(names(std::slice::from_ref(&foreign), Usage::UserLogin), Err(Some(WhyNot::NotJitsuin)));
        let mut ca = entry("05", USER, 0, 200);
        Arc::make_mut(&mut ca.facts).ca = true;
        assert_eq!(names(std::slice::from_ref(&ca), Usage::UserLogin), Err(Some(WhyNot::Usage)));
        let administrator = entry("06", ADMINISTRATOR, 0, 200);
        assert_eq!(
            names(&[foreign, keyless, administrator, not_yet, expired, ca], Usage::UserLogin),
            Err(Some(WhyNot::Expired)),
            "what the holder can help comes first"
        );
    }
}
