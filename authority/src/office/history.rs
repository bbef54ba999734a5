//! 操作履歴 of the contract and of one user (D-409), and what of it was told (D-704).

use serde::Serialize;
use token::Language;

use super::Office;
use crate::denial::Denial;
use crate::history::Entry;
use crate::store::history::{self, Wanted};
use crate::store::notices;

/// Most entries of a page.
const MAX_PAGE: u16 = 500;

/// Entries, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryPage {
    /// The entries.
    pub entries: Vec<Entry>,
    /// The next page holds what is before this number; `None` after the last page.
    pub next_before: Option<i64>,
}

/// How notices are given, as the customer may know it, and what became of the newest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoticeView {
    /// Mail is sent at all.
    pub mail: bool,
    /// The contract's own address.
    pub address: String,
    /// `ja` or `en`.
    pub language: String,
    /// Which users are told: `all`, `concerned` or `none`.
    pub users: crate::settings::ToldUsers,
    /// Days before a certificate's end on which it is told.
    pub expiry_days: Vec<u16>,
    /// Hours after a reissue, when it is told that nobody acquired.
    pub acquisition_hours: u32,
    /// Days before a token's end on which it is told.
    pub token_days: u32,
    /// The newest notices.
    pub notices: Vec<ToldView>,
}

/// What was told, or is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToldView {
    /// Key of the kind.
    pub kind: String,
    /// Whom it concerns, or empty.
    pub user_id: String,
    /// To which address.
    pub recipient: String,
    /// `waiting`, `sent` or `dead`.
    pub status: String,
    /// Unix time in seconds.
    pub created_at: i64,
    /// Unix time in seconds.
    pub sent_at: Option<i64>,
}

impl Office {
    /// A page of the contract's history: up to `most` entries before number `before`, newest first.
    ///
    /// # Errors
    /// `Internal`.
    pub async fn history(
        &self,
        wanted: &Wanted,
        before: Option<i64>,
        most: u16,
        language: Language,
    ) -> Result<HistoryPage, Denial> {
        let most = most.clamp(1, MAX_PAGE);
        let db = self.house.store.readers();
        let events = history::newest(db, &self.session.contract, wanted, before, i64::from(most) + 1).await?;
        let more = events.len() > usize::from(most);
        let entries: Vec<_> = events.into_iter().take(most.into()).map(|event| Entry::new(event, language)).collect();
        let next_before = entries.last().map(|entry| entry.event.seq).filter(|_| more);
        Ok(HistoryPage { entries, next_before })
    }

    /// Up to `most` entries after number `after`, oldest first, for an export.
    ///
    /// # Errors
    /// `Internal`.
    pub async fn history_after(
        &self,
        wanted: &Wanted,
        after: i64,
        most: u16,
        language: Language,
    ) -> Result<Vec<Entry>, Denial> {
        let db = self.house.store.readers();
        let events = history::oldest(db, &self.session.contract, wanted, after, most.clamp(1, MAX_PAGE).into()).await?;
        Ok(events.into_iter().map(|event| Entry::new(event, language)).collect())
    }

    /// How notices are given, and the newest (D-704).
    ///
    /// # Errors
    /// `Internal`.
    pub async fn notices(&self) -> Result<NoticeView, Denial> {
        let db = self.house.store.readers();
        let contract = &self.session.contract;
        let settings = &self.house.settings;
        let (address, language) = notices::contract_address(db, contract).await?.unwrap_or_default();
        let rows = notices::list(db, "", Some(contract), 50).await?;
        let mail = rows.into_iter().filter(|row| row.channel == "mail");
        let notices = mail.map(|row| ToldView {
            kind: row.notice_kind,
            user_id: row.user_id,
            recipient: row.recipient,
            status: row.notice_status,
            created_at: row.created_at,
            sent_at: row.sent_at,
        });
        Ok(NoticeView {
            mail: settings.notice.smtp.is_some(),
            address,
            language,
            users: settings.notice.users,
            expiry_days: settings.notice.expiry_days.clone(),
            acquisition_hours: settings.notice.acquisition_hours,
            token_days: settings.token.notice_days,
            notices: notices.collect(),
        })
    }
}
