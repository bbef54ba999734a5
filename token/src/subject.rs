//! Who a certificate is for: contract, user and institution, and the name they make.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::BadName;

/// 契約者ID: exactly eleven ASCII digits, leading zeros included (S-003, S-004).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContractId(String);

/// 利用者ID: 1 to 30 ASCII letters and digits, both cases (S-007, S-008, D-207).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserId(String);

/// 金融機関コード: exactly four ASCII digits (S-091).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstitutionCode(String);

macro_rules! text_noun {
    ($noun:ident, $name:literal, $rule:literal, $ok:expr) => {
        impl $noun {
            /// Parses it; surrounding spaces are not trimmed.
            ///
            /// # Errors
            /// [`BadName`] for anything that is not of the form.
            pub fn new(text: &str) -> Result<Self, BadName> {
                let ok: fn(&str) -> bool = $ok;
                if ok(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(BadName { noun: $name, given: text.chars().take(64).collect(), rule: $rule })
                }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $noun {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $noun {
            type Err = BadName;

            fn from_str(s: &str) -> Result<Self, BadName> {
                Self::new(s)
            }
        }

        impl TryFrom<String> for $noun {
            type Error = BadName;

            fn try_from(s: String) -> Result<Self, BadName> {
                Self::new(&s)
            }
        }

        impl From<$noun> for String {
            fn from(noun: $noun) -> Self {
                noun.0
            }
        }
    };
}

text_noun!(ContractId, "contract ID", "11 digits", |s| s.len() == 11 && digits(s));
text_noun!(UserId, "user ID", "1 to 30 ASCII letters and digits", |s| {
    (1..=30).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric())
});
text_noun!(InstitutionCode, "institution code", "4 digits", |s| s.len() == 4 && digits(s));

fn digits(s: &str) -> bool {
    s.bytes().all(|b| b.is_ascii_digit())
}

/// The common name of a certificate: `<contract> <user> <institution>` for a user,
/// `<contract> <institution>` for an administrator (S-090, S-092, S-093).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SubjectName {
    /// The contract.
    pub contract: ContractId,
    /// The user; `None` in an administrator's certificate.
    pub user: Option<UserId>,
    /// The institution.
    pub institution: InstitutionCode,
}

impl fmt::Display for SubjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.user {
            Some(user) => write!(f, "{} {user} {}", self.contract, self.institution),
            None => write!(f, "{} {}", self.contract, self.institution),
        }
    }
}

impl FromStr for SubjectName {
    type Err = BadName;

    fn from_str(s: &str) -> Result<Self, BadName> {
        let parts: Vec<&str> = s.split(' ').collect();
        let (contract, user, institution) = match parts.as_slice() {
            [contract, user, institution] => (contract, Some(UserId::new(user)?), institution),
            [contract, institution] => (contract, None, institution),
            _ => {
                return Err(BadName {
                    noun: "certificate name",
                    given: s.chars().take(64).collect(),
                    rule: "contract ID, user ID and institution code, separated by single spaces",
                });
            }
        };
        Ok(Self { contract: ContractId::new(contract)?, user, institution: InstitutionCode::new(institution)? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_manuals_name() {
        let name: SubjectName = "00009876543 riyousya 1635".parse().unwrap();
        assert_eq!(name.contract.as_str(), "00009876543");
        assert_eq!(name.user.as_ref().map(UserId::as_str), Some("riyousya"));
        assert_eq!(name.to_string(), "00009876543 riyousya 1635");
        assert_eq!("00009876543 1635".parse::<SubjectName>().unwrap().user, None);
    }

    #[test]
    fn other_forms_are_refused() {
        for bad in [
            "",
            "00009876543",
            "0000987654 riyousya 1635",
            "000098765432 riyousya 1635",
            "00009876543  riyousya 1635",
            "00009876543 riyousya 163",
            "00009876543 利用者 1635",
            "００００９８７６５４３ riyousya 1635",
            "00009876543 a b 1635",
            "00009876543 riyousya 1635 ",
        ] {
            assert!(bad.parse::<SubjectName>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn names_round_trip(contract in "[0-9]{11}", user in proptest::option::of("[A-Za-z0-9]{1,30}"), code in "[0-9]{4}") {
            let name = SubjectName {
                contract: ContractId::new(&contract).unwrap(),
                user: user.map(|u| UserId::new(&u).unwrap()),
                institution: InstitutionCode::new(&code).unwrap(),
            };
            prop_assert_eq!(name.to_string().parse::<SubjectName>().unwrap(), name.clone());
            prop_assert!(name.to_string().len() <= 64, "fits the upper bound of X.520 commonName");
        }
    }
}
