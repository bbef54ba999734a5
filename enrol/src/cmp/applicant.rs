//! Who acquires, as the `senderKID` of the request names it.

use std::fmt;

use token::{ContractId, UserId};

/// A user of a contract, or the contract's administrator. Written `contract/user` or `contract`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Applicant {
    /// 契約者ID.
    pub contract: ContractId,
    /// 利用者ID; `None` for the administrator.
    pub user: Option<UserId>,
}

impl Applicant {
    /// Reads the `senderKID` of a request; `None` when it is of another form.
    #[must_use]
    pub fn from_key_id(key_id: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(key_id).ok()?;
        let (contract, user) = match text.split_once('/') {
            Some((contract, user)) => (contract, Some(UserId::new(user).ok()?)),
            None => (text, None),
        };
        Some(Self { contract: ContractId::new(contract).ok()?, user })
    }
}

impl fmt::Display for Applicant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.user {
            Some(user) => write!(f, "{}/{user}", self.contract),
            None => write!(f, "{}", self.contract),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_ids_round_trip_and_others_are_refused() {
        for good in ["00009876543/riyousya", "00009876543"] {
            assert_eq!(Applicant::from_key_id(good.as_bytes()).unwrap().to_string(), good);
        }
        for bad in ["", "/", "00009876543/", "0000987654/riyousya", "00009876543/a/b", "00009876543 riyousya"] {
            assert_eq!(Applicant::from_key_id(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(Applicant::from_key_id(&[0xff; 11]), None);
    }
}
