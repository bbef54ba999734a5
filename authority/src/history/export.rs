//! Export as CSV (RFC 4180) and as JSON lines.
//!
//! CSV begins with a byte order mark: without one Excel reads UTF-8 as the code page of Japanese Windows and shows
//! garbage, and every other reader skips it. No field can become a formula (OWASP, "CSV Injection"): one that begins as a
//! formula does gets an apostrophe before it.

use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use token::Language;

use super::Entry;

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

const COLUMNS: [(&str, &str); 16] = [
    ("seq", "番号"),
    ("time (JST)", "日時（日本時間）"),
    ("time (UTC)", "日時（UTC）"),
    ("action", "操作コード"),
    ("action in words", "操作"),
    ("role", "操作者の区分"),
    ("actor", "操作者"),
    ("from", "操作元"),
    ("user ID", "利用者ID"),
    ("subject", "対象"),
    ("before", "変更前"),
    ("after", "変更後"),
    ("reason", "理由"),
    ("outcome", "結果コード"),
    ("outcome in words", "結果"),
    ("contract ID", "契約者ID"),
];

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For spreadsheets.
    Csv,
    /// For programs: one object a line.
    JsonLines,
}

impl Format {
    /// The file that it is taken away as.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::Csv => "history.csv",
            Self::JsonLines => "history.jsonl",
        }
    }

    /// The form of the file of that name.
    #[must_use]
    pub fn of_file(name: &str) -> Option<Self> {
        [Self::Csv, Self::JsonLines].into_iter().find(|format| format.file() == name)
    }

    /// Its media type (RFC 4180 §3; the one of JSON lines is customary) and its name, as headers of an answer.
    #[must_use]
    pub fn headers(self) -> [(HeaderName, HeaderValue); 2] {
        let (media, name) = match self {
            Self::Csv => ("text/csv; charset=utf-8; header=present", "attachment; filename=\"history.csv\""),
            Self::JsonLines => ("application/jsonl", "attachment; filename=\"history.jsonl\""),
        };
        [(CONTENT_TYPE, HeaderValue::from_static(media)), (CONTENT_DISPOSITION, HeaderValue::from_static(name))]
    }
}

/// What stands before the first entry.
#[must_use]
pub fn header(format: Format, language: Language) -> Vec<u8> {
    match format {
        Format::JsonLines => Vec::new(),
        Format::Csv => {
            let names = COLUMNS.iter().map(|(en, ja)| if language == Language::Ja { *ja } else { *en });
            [BYTE_ORDER_MARK, &record(names)].concat()
        }
    }
}

/// One entry, with the end of its line.
#[must_use]
pub fn export(format: Format, entry: &Entry) -> Vec<u8> {
    match format {
        Format::JsonLines => serde_json::to_vec(entry).map_or_else(|_| Vec::new(), |line| [&line, &b"\n"[..]].concat()),
        Format::Csv => {
            let (event, seq) = (&entry.event, entry.event.seq.to_string());
            let fields: [&str; COLUMNS.len()] = [
                &seq,
                &entry.at_jst,
                &entry.at_utc,
                &event.action,
                &entry.action_text,
                entry.role_text,
                &event.actor,
                &event.origin,
                &event.user_id,
                &event.subject,
                &event.before,
                &event.after,
                &event.reason,
                &event.outcome,
                &entry.outcome_text,
                &event.contract_id,
            ];
            record(fields.into_iter())
        }
    }
}

/// One line of CSV, in which no field is a formula.
pub(crate) fn record<'a>(fields: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).flexible(true).from_writer(Vec::new());
    let harmless = fields.map(|field| {
        let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
        if formula { format!("'{field}") } else { field.to_owned() }
    });
    // Writing to memory does not fail.
    let _ = writer.write_record(harmless);
    writer.into_inner().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::history::Recorded;

    fn entry(subject: &str) -> Entry {
        let event = Recorded {
            seq: 7,
            at: 1_664_593_200,
            actor: "00009876543".to_owned(),
            role: "administrator".to_owned(),
            origin: "192.0.2.1".to_owned(),
            action: "user.change".to_owned(),
            contract_id: "00009876543".to_owned(),
            user_id: "riyousya".to_owned(),
            subject: subject.to_owned(),
            before: String::new(),
            after: String::new(),
            reason: String::new(),
            outcome: "done".to_owned(),
        };
        Entry::new(event, Language::Ja)
    }

    #[test]
    fn both_times_stand_in_it_and_excel_can_read_it() {
        let header = header(Format::Csv, Language::Ja);
        assert!(header.starts_with("\u{feff}番号,日時（日本時間）".as_bytes()) && header.ends_with(b"\r\n"));
        let line = String::from_utf8(export(Format::Csv, &entry(""))).unwrap();
        assert!(
            line.starts_with("7,2022-10-01T12:00:00+09:00,2022-10-01T03:00:00Z,user.change,利用者情報の変更,管理者,"),
            "{line}"
        );
        let line: serde_json::Value = serde_json::from_slice(&export(Format::JsonLines, &entry("x\ny"))).unwrap();
        assert_eq!((&line["seq"], &line["subject"]), (&7.into(), &"x\ny".into()));
    }

    proptest! {
        /// Whatever is in a field, another reader gets it back, and no spreadsheet runs it.
        #[test]
        fn no_field_becomes_a_formula_or_another_field(text in "[=+@\\-\t\r\n,\"'a-c ＝]{0,12}") {
            let csv = export(Format::Csv, &entry(&text));
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_slice());
            let records: Vec<_> = reader.records().collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(records.len(), 1);
            prop_assert_eq!(records[0].len(), COLUMNS.len());
            let field = &records[0][9];
            prop_assert!(field == text || field.strip_prefix('\'') == Some(&text));
            prop_assert!(!field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝']));
            let lines = export(Format::JsonLines, &entry(&text));
            prop_assert_eq!(lines.iter().filter(|b| **b == b'\n').count(), 1);
        }
    }
}
