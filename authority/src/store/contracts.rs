//! `contracts` and `administrators`.

use sqlx::{AnyConnection, AnyExecutor};
use token::ContractId;

use super::StoreError;
use crate::rules::acquire::ContractStatus;

/// A contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// How it stands.
    pub status: ContractStatus,
    /// PHC string of ご契約先暗証番号.
    pub pin: String,
    /// Consecutive wrong entries of it.
    pub pin_failures: u32,
    /// PHC string of ご契約先確認暗証番号.
    pub confirm_pin: String,
    /// Consecutive wrong entries of it.
    pub confirm_pin_failures: u32,
    /// Users it may have.
    pub user_max: u32,
    /// Unix time in seconds.
    pub opened_at: i64,
    /// Whether two administrators are needed (D-405), where the contract says so itself.
    pub dual_control: Option<bool>,
}

#[derive(sqlx::FromRow)]
pub(super) struct ContractRow {
    contract_id: String,
    contract_status: String,
    contract_pin: String,
    contract_pin_failures: i64,
    contract_confirm_pin: String,
    contract_confirm_pin_failures: i64,
    user_max: i64,
    opened_at: i64,
    dual_control: Option<i64>,
}

/// Which of a contract's two PINs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContractPin {
    /// ご契約先確認暗証番号.
    Confirm,
    /// ご契約先暗証番号.
    Login,
}

/// All but the ID.
macro_rules! columns {
    () => {
        "contract_status, contract_pin, contract_pin_failures, contract_confirm_pin, contract_confirm_pin_failures, \
         user_max, opened_at, dual_control"
    };
}
pub(super) use columns;

/// Finds a contract.
///
/// # Errors
/// [`StoreError`].
pub async fn find(db: impl AnyExecutor<'_>, contract: &ContractId) -> Result<Option<Contract>, StoreError> {
    let row = sqlx::query_as::<_, ContractRow>(concat!(
        "SELECT contract_id, ",
        columns!(),
        " FROM contracts WHERE contract_id = $1"
    ))
    .bind(contract.as_str())
    .fetch_optional(db)
    .await?;
    row.map(|row| Ok(Contract::try_from(row)?.1)).transpose()
}

/// All contracts, by ID.
///
/// # Errors
/// [`StoreError`].
pub async fn all(db: impl AnyExecutor<'_>) -> Result<Vec<(ContractId, Contract)>, StoreError> {
    sqlx::query_as::<_, ContractRow>(concat!(
        "SELECT contract_id, ",
        columns!(),
        " FROM contracts ORDER BY contract_id"
    ))
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Contract::try_from)
    .collect()
}

impl Contract {
    pub(super) fn try_from(row: ContractRow) -> Result<(ContractId, Self), StoreError> {
        let count = |n: i64| u32::try_from(n).map_err(|_| StoreError::Value("contracts"));
        let id = ContractId::new(&row.contract_id).map_err(|_| StoreError::Value("contract_id"))?;
        let contract = Self {
            status: ContractStatus::from_key(&row.contract_status).ok_or(StoreError::Value("contract_status"))?,
            pin: row.contract_pin,
            pin_failures: count(row.contract_pin_failures)?,
            confirm_pin: row.contract_confirm_pin,
            confirm_pin_failures: count(row.contract_confirm_pin_failures)?,
            user_max: count(row.user_max)?,
            opened_at: row.opened_at,
            dual_control: row.dual_control.map(|on| on != 0),
        };
        Ok((id, contract))
    }
}

/// Adds a contract.
///
/// # Errors
/// [`StoreError`].
pub async fn add(db: &mut AnyConnection, id: &ContractId, contract: &Contract) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO contracts (contract_id, contract_status, contract_pin, contract_confirm_pin, user_max, \
         opened_at, dual_control) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(id.as_str())
    .bind(contract.status.key())
    .bind(&contract.pin)
    .bind(&contract.confirm_pin)
    .bind(i64::from(contract.user_max))
    .bind(contract.opened_at)
    .bind(contract.dual_control.map(i64::from))
    .execute(db)
    .await?;
    Ok(())
}

/// Sets the status.
///
/// # Errors
/// [`StoreError`].
pub async fn set_status(db: &mut AnyConnection, id: &ContractId, status: ContractStatus) -> Result<(), StoreError> {
    sqlx::query("UPDATE contracts SET contract_status = $2 WHERE contract_id = $1")
        .bind(id.as_str())
        .bind(status.key())
        .execute(db)
        .await?;
    Ok(())
}

/// Sets the counter of wrong entries of one PIN.
///
/// # Errors
/// [`StoreError`].
pub async fn set_failures(
    db: &mut AnyConnection,
    id: &ContractId,
    pin: ContractPin,
    failures: u32,
) -> Result<(), StoreError> {
    let statement = match pin {
        ContractPin::Login => "UPDATE contracts SET contract_pin_failures = $2 WHERE contract_id = $1",
        ContractPin::Confirm => "UPDATE contracts SET contract_confirm_pin_failures = $2 WHERE contract_id = $1",
    };
    sqlx::query(statement).bind(id.as_str()).bind(i64::from(failures)).execute(db).await?;
    Ok(())
}

/// Writes back what a form may change: both PINs, the users it may have, dual control.
///
/// # Errors
/// [`StoreError`].
pub async fn update(db: &mut AnyConnection, id: &ContractId, contract: &Contract) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE contracts SET contract_pin = $2, contract_confirm_pin = $3, user_max = $4, dual_control = $5 \
         WHERE contract_id = $1",
    )
    .bind(id.as_str())
    .bind(&contract.pin)
    .bind(&contract.confirm_pin)
    .bind(i64::from(contract.user_max))
    .bind(contract.dual_control.map(i64::from))
    .execute(db)
    .await?;
    Ok(())
}
