//! Tables and JSON on standard output, remarks on standard error.

use std::io::Write;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

use crate::Error;
use crate::bus::vardict::clean;

/// Writes a line on standard output.
pub(crate) fn line(text: &str) -> Result<(), Error> {
    writeln!(anstream::stdout(), "{text}").map_err(Error::Output)
}

/// Writes a remark on standard error; that it cannot be written is nobody's concern.
pub(crate) fn remark(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Writes JSON, one value and a newline.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Error::Output(error.into()))?;
    line(&text)
}

/// Writes a table, or `empty` when there are no rows.
pub(crate) fn table(head: &[String], rows: Vec<Vec<String>>, empty: &str) -> Result<(), Error> {
    if rows.is_empty() {
        return line(empty);
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic).set_header(head);
    for row in rows {
        // What the authority says writes no control sequence to a terminal.
        table.add_row(row.iter().map(|cell| clean(cell)));
    }
    line(&table.to_string())
}

/// Writes names and values, one pair a line.
pub(crate) fn pairs(rows: &[(String, String)]) -> Result<(), Error> {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    for (name, value) in rows {
        table.add_row([name.clone(), clean(value)]);
    }
    line(&table.trim_fmt())
}
