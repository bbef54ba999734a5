//! The whole database as text.

use authority::house::House;
use sqlx::{Column, Row, TypeInfo, ValueRef};

/// What a refused request may change: counters and locks they lead to, and what is handed out.
const MAY_CHANGE: [&str; 15] = [
    "user_pin_failures",
    "user_pin_locked",
    "otp_failures",
    "otp_next",
    "otp_drift",
    "otp_locked",
    "failures_in_a_row",
    "wrong_entries",
    "suspend_failures",
    "suspend_closed_until",
    "contract_pin_failures",
    "contract_confirm_pin_failures",
    "version",
    "used_at",
    "challenge",
];

const TABLES: [(&str, &str); 11] = [
    ("contracts", "SELECT * FROM contracts ORDER BY contract_id"),
    ("administrators", "SELECT * FROM administrators ORDER BY contract_id, administrator_no"),
    ("approvals", "SELECT * FROM approvals ORDER BY approval_id"),
    ("users", "SELECT * FROM users ORDER BY contract_id, user_id"),
    ("certificates", "SELECT * FROM certificates ORDER BY record_id"),
    ("acquisitions", "SELECT * FROM acquisitions ORDER BY transaction_id"),
    ("tokens", "SELECT * FROM tokens ORDER BY token_serial"),
    ("logins", "SELECT * FROM logins ORDER BY login_sha256"),
    ("sessions", "SELECT * FROM sessions ORDER BY session_sha256"),
    ("uses", "SELECT * FROM uses ORDER BY contract_id, user_id, used_at"),
    ("code_tickets", "SELECT * FROM code_tickets ORDER BY ticket_sha256"),
];

pub(crate) async fn dump(house: &House) -> String {
    let mut text = String::new();
    for (table, statement) in TABLES {
        for row in sqlx::query(statement).fetch_all(house.store.readers()).await.unwrap() {
            text.push_str(table);
            for column in row.columns() {
                if MAY_CHANGE.contains(&column.name()) {
                    continue;
                }
                let raw = row.try_get_raw(column.ordinal()).unwrap();
                let value = if raw.is_null() {
                    "null".to_owned()
                } else {
                    match raw.type_info().name() {
                        "BIGINT" | "INTEGER" => row.get::<i64, _>(column.ordinal()).to_string(),
                        "TEXT" => row.get::<String, _>(column.ordinal()),
                        "BLOB" | "BYTEA" => hex::encode(row.get::<Vec<u8>, _>(column.ordinal())),
                        other => panic!("{table}.{} is {other}", column.name()),
                    }
                };
                text.push_str(&format!(" {}={value}", column.name()));
            }
            text.push('\n');
        }
    }
    text
}
