//! Every place in the tables where something is sealed.

use sqlx::{AnyConnection, AnyExecutor, AssertSqlSafe};

use super::StoreError;
use super::tokens::TokenRow;
use crate::{issuing, notice, office};

/// A column with sealed values.
pub struct Sealed {
    /// Its table.
    pub table: &'static str,
    /// What the table's rows are found by.
    pub key: &'static str,
    /// The column.
    pub column: &'static str,
    /// For which row a value is sealed.
    pub row: fn(&str) -> String,
}

/// All of them.
pub const SEALED: [Sealed; 4] = [
    Sealed { table: "approvals", key: "approval_id", column: "operation", row: office::approval_seal_name },
    Sealed { table: "certificates", key: "record_id", column: "enrolment_code", row: issuing::seal_name },
    Sealed { table: "notices", key: "notice_id", column: "stop_code", row: notice::seal_name },
    Sealed { table: "tokens", key: "token_serial", column: "otp_secret", row: TokenRow::seal_name },
];

/// Up to `most` values after the row `after`: the row's name and the value.
///
/// # Errors
/// [`StoreError`].
pub async fn page(
    db: impl AnyExecutor<'_>,
    place: &Sealed,
    after: &str,
    most: i64,
) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let Sealed { table, key, column, .. } = place;
    let statement = format!(
        "SELECT {key}, {column} FROM {table} WHERE {column} IS NOT NULL AND {key} > $1 ORDER BY {key} LIMIT $2"
    );
    Ok(sqlx::query_as(AssertSqlSafe(statement)).bind(after).bind(most).fetch_all(db).await?)
}

/// Puts another value into a row.
///
/// # Errors
/// [`StoreError`].
pub async fn replace(db: &mut AnyConnection, place: &Sealed, name: &str, value: &[u8]) -> Result<(), StoreError> {
    let Sealed { table, key, column, .. } = place;
    let statement = format!("UPDATE {table} SET {column} = $2 WHERE {key} = $1");
    sqlx::query(AssertSqlSafe(statement)).bind(name).bind(value.to_vec()).execute(db).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_place_is_forgotten() {
        fn count(folder: &std::path::Path) -> usize {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let own = |path: std::path::PathBuf| {
                if path.is_dir() {
                    return count(&path);
                }
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                text.lines().filter(|line| line.contains("fn ") && line.contains("seal_name(")).count()
            };
            entries.map(own).sum()
        }
        let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        // This file's own line of the pattern is one.
        assert_eq!(count(&source) - 1, SEALED.len(), "whatever is sealed has a seal_name, and a row in SEALED");
    }
}
