//! A certificate's record with its holder, in one question: a login asks it in its turn, and others wait meanwhile.

use sqlx::any::AnyRow;
use sqlx::{AnyExecutor, FromRow, Row};

use super::StoreError;
use super::certificates::{self, CertificateRow};
use super::contracts::{self, Contract, ContractRow};
use super::users::{self, User, UserRow};

/// A record and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The certificate's record.
    pub row: CertificateRow,
    /// The contract.
    pub contract: Contract,
    /// The user; none of an administrator's certificate.
    pub user: Option<User>,
}

impl Held {
    fn read(row: &AnyRow) -> Result<Self, StoreError> {
        let user = match row.try_get::<Option<&str>, _>("user_status")? {
            Some(_) => Some(User::try_from(UserRow::from_row(row)?)?),
            None => None,
        };
        let row = (certificates::Row::from_row(row)?, ContractRow::from_row(row)?);
        Ok(Self { row: CertificateRow::try_from(row.0)?, contract: Contract::try_from(row.1)?.1, user })
    }
}

macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT ",
            certificates::columns!(),
            ", ",
            contracts::columns!(),
            ", ",
            users::columns!(),
            " FROM certificates JOIN contracts ON contracts.contract_id = certificates.contract_id \
             LEFT JOIN users ON users.contract_id = certificates.contract_id AND users.user_id = certificates.user_id ",
            $which
        )
    };
}

/// The record whose certificate has that SHA-256.
///
/// # Errors
/// [`StoreError`].
pub async fn by_certificate(
    db: impl AnyExecutor<'_>,
    certificate_sha256: &[u8; 32],
) -> Result<Option<Held>, StoreError> {
    let select = sqlx::query(select!("WHERE certificate_sha256 = $1")).bind(hex::encode(certificate_sha256));
    select.fetch_optional(db).await?.as_ref().map(Held::read).transpose()
}

/// The record of that name.
///
/// # Errors
/// [`StoreError`].
pub async fn by_record(db: impl AnyExecutor<'_>, record: &str) -> Result<Option<Held>, StoreError> {
    let select = sqlx::query(select!("WHERE record_id = $1")).bind(record);
    select.fetch_optional(db).await?.as_ref().map(Held::read).transpose()
}
