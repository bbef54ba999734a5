//! `administrators`: who may act for a contract, by number.

use sqlx::{AnyConnection, AnyExecutor};
use token::{ContractId, UserId};

use super::StoreError;

/// An administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Administrator {
    /// Which of the contract's; never given again.
    pub no: u16,
    /// Not removed.
    pub active: bool,
    /// The name, or empty.
    pub name: String,
    /// Eメールアドレス, or empty.
    pub email: String,
    /// The user that is the same person.
    pub user: Option<UserId>,
    /// The request form it was registered by.
    pub form_reference: String,
    /// Unix time in seconds.
    pub registered_at: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    administrator_no: i64,
    administrator_status: String,
    administrator_name: String,
    email: String,
    user_id: Option<String>,
    form_reference: String,
    registered_at: i64,
}

impl TryFrom<Row> for Administrator {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            no: u16::try_from(row.administrator_no).map_err(|_| StoreError::Value("administrator_no"))?,
            active: row.administrator_status == "active",
            name: row.administrator_name,
            email: row.email,
            user: row.user_id.as_deref().map(UserId::new).transpose().map_err(|_| StoreError::Value("user_id"))?,
            form_reference: row.form_reference,
            registered_at: row.registered_at,
        })
    }
}

/// All administrators that a contract has and had, by number.
///
/// # Errors
/// [`StoreError`].
pub async fn all(db: impl AnyExecutor<'_>, contract: &ContractId) -> Result<Vec<Administrator>, StoreError> {
    sqlx::query_as::<_, Row>(
        "SELECT administrator_no, administrator_status, administrator_name, email, user_id, form_reference, \
         registered_at FROM administrators WHERE contract_id = $1 ORDER BY administrator_no",
    )
    .bind(contract.as_str())
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Administrator::try_from)
    .collect()
}

/// The administrator of that number, unless removed.
///
/// # Errors
/// [`StoreError`].
pub async fn find(
    db: impl AnyExecutor<'_>,
    contract: &ContractId,
    no: u16,
) -> Result<Option<Administrator>, StoreError> {
    Ok(all(db, contract).await?.into_iter().find(|administrator| administrator.no == no && administrator.active))
}

/// Adds an administrator.
///
/// # Errors
/// [`StoreError`].
pub async fn add(
    db: &mut AnyConnection,
    contract: &ContractId,
    administrator: &Administrator,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO administrators (contract_id, administrator_no, administrator_status, administrator_name, email, \
         user_id, form_reference, registered_at) VALUES ($1, $2, 'active', $3, $4, $5, $6, $7)",
    )
    .bind(contract.as_str())
    .bind(i64::from(administrator.no))
    .bind(&administrator.name)
    .bind(&administrator.email)
    .bind(administrator.user.as_ref().map(UserId::as_str))
    .bind(&administrator.form_reference)
    .bind(administrator.registered_at)
    .execute(db)
    .await?;
    Ok(())
}

/// Writes back what may change of an administrator: status, name, address, user.
///
/// # Errors
/// [`StoreError`].
pub async fn update(
    db: &mut AnyConnection,
    contract: &ContractId,
    administrator: &Administrator,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE administrators SET administrator_status = $3, administrator_name = $4, email = $5, user_id = $6 \
         WHERE contract_id = $1 AND administrator_no = $2",
    )
    .bind(contract.as_str())
    .bind(i64::from(administrator.no))
    .bind(if administrator.active { "active" } else { "removed" })
    .bind(&administrator.name)
    .bind(&administrator.email)
    .bind(administrator.user.as_ref().map(UserId::as_str))
    .execute(db)
    .await?;
    Ok(())
}
