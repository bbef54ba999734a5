//! `approvals`: what one administrator asked for and another decides about.

use sqlx::{AnyConnection, AnyExecutor};
use token::ContractId;

use super::StoreError;

/// How a request for approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalStatus {
    /// Carried out by a second administrator's word.
    Approved,
    /// Nobody decided in time.
    Expired,
    /// It waits.
    Pending,
    /// Turned down by another administrator, or withdrawn by the one who asked.
    Rejected,
    /// The user changed meanwhile.
    Stale,
}

impl ApprovalStatus {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Approved, Self::Expired, Self::Pending, Self::Rejected, Self::Stale];

    /// The key in the database and in the interface.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Expired => "expired",
            Self::Pending => "pending",
            Self::Rejected => "rejected",
            Self::Stale => "stale",
        }
    }
}

/// A request for approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Its name.
    pub id: String,
    /// Whom it concerns: a user ID, also of one that is to be registered.
    pub user: String,
    /// The event's action.
    pub action: String,
    /// The operation, sealed.
    pub operation: Vec<u8>,
    /// What was shown of the user.
    pub version: String,
    /// How it stands, as far as it was written down.
    pub status: ApprovalStatus,
    /// The administrator who asked.
    pub requested_by: u16,
    /// Unix time in seconds.
    pub requested_at: i64,
    /// The last second in which it can be approved; Unix time in seconds.
    pub expires_at: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    approval_id: String,
    user_id: String,
    action: String,
    operation: Vec<u8>,
    shown_version: String,
    approval_status: String,
    requested_by: i64,
    requested_at: i64,
    expires_at: i64,
}

impl TryFrom<Row> for Approval {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let status = ApprovalStatus::ALL.into_iter().find(|status| status.key() == row.approval_status);
        Ok(Self {
            id: row.approval_id,
            user: row.user_id,
            action: row.action,
            operation: row.operation,
            version: row.shown_version,
            status: status.ok_or(StoreError::Value("approval_status"))?,
            requested_by: u16::try_from(row.requested_by).map_err(|_| StoreError::Value("requested_by"))?,
            requested_at: row.requested_at,
            expires_at: row.expires_at,
        })
    }
}

macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT approval_id, user_id, action, operation, shown_version, approval_status, requested_by, \
             requested_at, expires_at FROM approvals ",
            $which
        )
    };
}

/// Those of a contract that wait, oldest first.
///
/// # Errors
/// [`StoreError`].
pub async fn pending(db: impl AnyExecutor<'_>, contract: &ContractId) -> Result<Vec<Approval>, StoreError> {
    sqlx::query_as::<_, Row>(select!(
        "WHERE contract_id = $1 AND approval_status = 'pending' ORDER BY requested_at, approval_id"
    ))
    .bind(contract.as_str())
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Approval::try_from)
    .collect()
}

/// One of a contract's that waits.
///
/// # Errors
/// [`StoreError`].
pub async fn find(db: impl AnyExecutor<'_>, contract: &ContractId, id: &str) -> Result<Option<Approval>, StoreError> {
    sqlx::query_as::<_, Row>(select!("WHERE contract_id = $1 AND approval_id = $2 AND approval_status = 'pending'"))
        .bind(contract.as_str())
        .bind(id)
        .fetch_optional(db)
        .await?
        .map(Approval::try_from)
        .transpose()
}

/// Adds a request.
///
/// # Errors
/// [`StoreError`].
pub async fn add(db: &mut AnyConnection, contract: &ContractId, approval: &Approval) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO approvals (approval_id, contract_id, user_id, action, operation, shown_version, \
         approval_status, requested_by, requested_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(&approval.id)
    .bind(contract.as_str())
    .bind(&approval.user)
    .bind(&approval.action)
    .bind(&approval.operation)
    .bind(&approval.version)
    .bind(approval.status.key())
    .bind(i64::from(approval.requested_by))
    .bind(approval.requested_at)
    .bind(approval.expires_at)
    .execute(db)
    .await?;
    Ok(())
}

/// Ends a request that waits; by whom, where it was somebody. What it held is not needed any more and goes.
///
/// # Errors
/// [`StoreError`].
pub async fn decide(
    db: &mut AnyConnection,
    id: &str,
    status: ApprovalStatus,
    by: Option<u16>,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE approvals SET approval_status = $2, decided_by = $3, decided_at = $4, operation = $5 \
         WHERE approval_id = $1",
    )
    .bind(id)
    .bind(status.key())
    .bind(by.map(i64::from))
    .bind(now)
    .bind(Vec::<u8>::new())
    .execute(db)
    .await?;
    Ok(())
}

pub(super) const NEXT_DUE: &str =
    "SELECT expires_at FROM approvals WHERE approval_status = 'pending' ORDER BY expires_at LIMIT 1";

/// The last second in which the next one can be decided; Unix time in seconds.
///
/// # Errors
/// [`StoreError`].
pub async fn next_due(db: impl AnyExecutor<'_>) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar(NEXT_DUE).fetch_optional(db).await?)
}

pub(super) const OUTLIVED: &str = "SELECT contract_id, approval_id FROM approvals \
    WHERE approval_status = 'pending' AND expires_at < $1 ORDER BY expires_at LIMIT $2";

/// Up to `most` of any contract that nobody decided in time: contract and name.
///
/// # Errors
/// [`StoreError`].
pub async fn outlived(db: impl AnyExecutor<'_>, now: i64, most: i64) -> Result<Vec<(String, String)>, StoreError> {
    Ok(sqlx::query_as(OUTLIVED).bind(now).bind(most).fetch_all(db).await?)
}
