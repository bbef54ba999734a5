//! Who decides about somebody's certificate.

/// In which role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// 管理者 of the contract, on line.
    Administrator,
    /// The authority itself: its clock.
    Authority,
    /// 金融機関担当者, with the reference of a request form.
    BankOperator,
    /// Whoever the certificate is of.
    Holder,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Administrator, Self::Authority, Self::BankOperator, Self::Holder];

    /// The key in the database and in the record of events.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Authority => "authority",
            Self::BankOperator => "bank_operator",
            Self::Holder => "holder",
        }
    }

    /// The role with that key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.key() == key)
    }
}

/// One person in one role, by the name that stands in the record of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The role.
    pub role: Role,
    /// The name.
    pub id: String,
}

impl Actor {
    /// Somebody.
    #[must_use]
    pub fn new(role: Role, id: &str) -> Self {
        Self { role, id: id.to_owned() }
    }
}
