//! `jitsuin admin history`: 操作履歴, the newest to look at, or all of it to take away (D-409, D-706)

use std::io::Write;

use serde::Deserialize;
use serde_json::Value;
use token::UserId;

use super::admin::Session;
use crate::authority::DoorError;
use crate::cli::AdminHistory;
use crate::{Error, clock, output};

/// Entries that a page of the authority's holds at most.
const PAGE: u32 = 500;

/// A page, newest first.
#[derive(Deserialize)]
struct Page {
    entries: Vec<Value>,
    next_before: Option<i64>,
}

impl Session<'_> {
    /// As a table or JSON the newest; as CSV and JSON lines all that is wanted, oldest first, as the authority writes it.
    pub(super) async fn history(&self, wanted: &AdminHistory) -> Result<(), Error> {
        let filter = filter(wanted)?;
        if self.context.global.json && (wanted.csv || wanted.jsonl) {
            return Err(Error::Entry { key: "entry-history-form", value: String::new() });
        }
        if wanted.csv {
            return self.take_away("/admin/v1/history.csv", &filter, last_of_csv).await;
        }
        if wanted.jsonl {
            return self.take_away("/admin/v1/history.jsonl", &filter, last_of_lines).await;
        }
        let entries = self.newest(wanted.limit, &filter).await?;
        if self.context.global.json {
            return output::json(&entries);
        }
        let heads = self.context.heads(&["head-time", "head-who", "head-action", "head-about", "head-outcome"]);
        let language = self.context.texts.language();
        let rows = entries.iter().map(|entry| {
            let text = |key: &str| crate::bus::vardict::clean(entry[key].as_str().unwrap_or_default());
            let join =
                |keys: [&str; 2]| keys.map(text).into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" ");
            vec![
                clock::moment(language, entry["at"].as_i64().unwrap_or_default()),
                join(["role_text", "actor"]),
                text("action_text"),
                join(["user_id", "subject"]),
                text("outcome_text"),
            ]
        });
        output::table(&heads, rows.collect(), &self.context.texts.text("empty-history"))
    }

    async fn newest(&self, limit: u32, filter: &str) -> Result<Vec<Value>, Error> {
        let (mut entries, mut before) = (Vec::new(), String::new());
        loop {
            let most = (limit - u32::try_from(entries.len()).unwrap_or(limit)).min(PAGE);
            let route = format!("/admin/v1/history?limit={most}{before}{filter}");
            let page: Page = self.door.get(&route, Some(self.bearer.expose())).await?;
            entries.extend(page.entries);
            match page.next_before {
                Some(next) if entries.len() < limit as usize => before = format!("&before={next}"),
                _ => return Ok(entries),
            }
        }
    }

    /// Page by page until nothing more comes, so that no history is too long.
    async fn take_away(&self, route: &str, filter: &str, last: fn(&[u8]) -> Option<i64>) -> Result<(), Error> {
        let mut after = 0;
        loop {
            let asked = format!("{route}?after={after}{filter}");
            let page = self.door.get_bytes(&asked, Some(self.bearer.expose())).await?;
            std::io::stdout().write_all(&page)?;
            match last(&page) {
                Some(seq) if seq > after => after = seq,
                // Nothing more, or the heads of a table without entries.
                _ if page.is_empty() || after == 0 => return Ok(std::io::stdout().flush()?),
                _ => return Err(DoorError::Form { route: route.to_owned() }.into()),
            }
        }
    }
}

/// The wishes as they stand in an address; each begins with `&`.
fn filter(wanted: &AdminHistory) -> Result<String, Error> {
    let mut filter = String::new();
    let mut add = |name: &str, value: &str| filter.push_str(&format!("&{name}={value}"));
    if let Some(user) = &wanted.user {
        let user = UserId::new(user).map_err(|_| Error::Entry { key: "entry-user-id", value: user.clone() })?;
        add("user", user.as_str());
    }
    if let Some(action) = &wanted.action {
        if !action.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'.' | b'_' | b'-')) {
            return Err(Error::Entry { key: "entry-action", value: action.clone() });
        }
        add("action", action);
    }
    for (name, text, end) in [("since", &wanted.since, false), ("until", &wanted.until, true)] {
        if let Some(text) = text {
            let at = clock::parse(text, end).ok_or_else(|| Error::Entry { key: "entry-date", value: text.clone() })?;
            add(name, &at.to_string());
        }
    }
    if let Some(outcome) = wanted.outcome {
        add("outcome", outcome.name());
    }
    Ok(filter)
}

/// The number of the last entry: `seq` of the last line.
fn last_of_lines(page: &[u8]) -> Option<i64> {
    let line = page.trim_ascii_end().rsplit(|b| *b == b'\n').next()?;
    serde_json::from_slice::<Value>(line).ok()?.get("seq")?.as_i64()
}

/// The same of CSV (RFC 4180): the first field of the last record. A line end between quotes ends none.
fn last_of_csv(page: &[u8]) -> Option<i64> {
    let (mut quoted, mut begin) = (false, 0);
    for (at, byte) in page.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted && at + 1 < page.len() => begin = at + 1,
            _ => {}
        }
    }
    let field = page.get(begin..)?.split(|b| *b == b',').next()?;
    std::str::from_utf8(field).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_entry_of_a_page_is_found() {
        assert_eq!(
            last_of_csv("\u{feff}seq,action\r\n7,\"a\r\n9,b\"\r\n12,\"say \"\"x\"\"\r\n3\"\r\n".as_bytes()),
            Some(12)
        );
        assert_eq!(last_of_csv("\u{feff}seq,action\r\n".as_bytes()), None);
        assert_eq!(last_of_csv(b""), None);
        assert_eq!(last_of_lines(b"{\"seq\":1}\n{\"seq\":44,\"subject\":\"a\\nb\"}\n"), Some(44));
        assert_eq!(last_of_lines(b""), None);
    }

    #[test]
    fn wishes_become_a_query() {
        let mut wanted = AdminHistory {
            action: Some("user.".to_owned()),
            csv: false,
            jsonl: false,
            limit: 1,
            outcome: Some(crate::cli::Outcome::Refused),
            since: Some("2023-10-01".to_owned()),
            until: Some("2023-10-01".to_owned()),
            user: Some("riyousya".to_owned()),
        };
        let query = "&user=riyousya&action=user.&since=1696086000&until=1696172399&outcome=refused";
        assert_eq!(filter(&wanted).unwrap(), query);
        wanted.action = Some("user&limit=9".to_owned());
        assert!(matches!(filter(&wanted), Err(Error::Entry { key: "entry-action", .. })));
    }
}
