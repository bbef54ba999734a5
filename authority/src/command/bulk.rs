//! `certificate reissue`: many users' certificates at once, from a CSV file.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;
use token::{ContractId, Refusal, UserId};
use zeroize::Zeroizing;

use super::arguments::FormReference;
use super::otp_token::open_outlet;
use super::{denied, say};
use crate::acquisition::Applicant;
use crate::bank::{Bank, Reissue};
use crate::history;
use crate::jst;
use crate::rules::choice::Reason;

/// Most rows of a file.
const MAX_ROWS: usize = 10_000;
/// Most bytes of a file.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Longest device serial, in characters.
const MAX_SERIAL: usize = 64;
/// Faults of a file that are told at once.
const MAX_TOLD: usize = 20;
const COLUMNS: [&str; 4] = ["contract_id", "user_id", "reason", "device"];

/// What `certificate reissue` is told.
#[derive(Debug, Args)]
pub struct BulkArguments {
    /// The file: UTF-8, at most 10000 rows and 4 MiB, with the header contract_id,user_id,reason or
    /// contract_id,user_id,reason,device.
    #[arg(long, value_name = "FILE")]
    csv: PathBuf,
    /// The request form. For each user it is carried out once, however often this is run.
    #[arg(long)]
    form_reference: FormReference,
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Write the outcome of each row into this new file; otherwise it is printed.
    #[arg(long, value_name = "FILE")]
    result: Option<PathBuf>,
    /// Write the acquisition codes to this open descriptor and nowhere else.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(3..1024))]
    codes_fd: Option<u16>,
}

/// A row that can be carried out.
#[derive(Debug)]
struct Row {
    holder: Applicant,
    reason: Reason,
    device: Option<String>,
}

pub(super) async fn work(bank: &Bank, arguments: BulkArguments) -> anyhow::Result<()> {
    let BulkArguments { csv, form_reference: form, dry_run, result, codes_fd } = arguments;
    let rows = parse(&read(&csv)?).with_context(|| format!("nothing was done, because of {}", csv.display()))?;
    let mut codes = codes_fd.filter(|_| !dry_run).map(open_outlet).transpose()?;
    if bank.gives_codes() && codes.is_none() && !dry_run {
        bail!("each issue has an acquisition code. Say with --codes-fd where the codes go, for example 3>FILE");
    }
    let mut out: Box<dyn Write> = match &result {
        Some(path) => Box::new(
            File::options()
                .write(true)
                .create_new(true)
                .open(path)
                .with_context(|| format!("{} cannot be made. Name a new file", path.display()))?,
        ),
        None => Box::new(std::io::stdout()),
    };
    if let Some(codes) = &codes {
        let place = result.clone().unwrap_or_else(|| PathBuf::from("/proc/self/fd/1"));
        let (codes, other) = (codes.metadata()?, std::fs::metadata(place)?);
        if (codes.dev(), codes.ino()) == (other.dev(), other.ino()) {
            bail!("the codes would go where the result goes. Give them a place of their own");
        }
    }
    let unwritten = "the result was not taken. Run this again with the same form: what is done is not done twice";
    let names = ["row", "contract_id", "user_id", "outcome", "cert_issue_no", "acquire_deadline"];
    out.write_all(&history::record(names.into_iter())).context(unwritten)?;
    let mut refused = 0;
    for (number, row) in (1..).zip(&rows) {
        let Row { holder, reason, device } = row;
        let what = Reissue { holder, reason: *reason, device: device.as_deref(), form_reference: &form };
        let done = if dry_run { bank.would_reissue_user(what).await } else { bank.reissue_user(what).await };
        let (outcome, issue, deadline) = match done {
            Ok(done) => {
                if let (Some(codes), Some(code)) = (&mut codes, &done.code) {
                    let head = format!("{},{:03},", named(holder, ","), done.issue_no);
                    let line = Zeroizing::new([head.as_bytes(), code.expose(), b"\n"].concat());
                    codes.write_all(&line).context(
                        "a code was not taken. Run this again with the same form: codes that count are given again",
                    )?;
                }
                let outcome = match (done.before, dry_run) {
                    (true, _) => "done_before",
                    (false, true) => "would_issue",
                    (false, false) => "issued",
                };
                (outcome, format!("{:03}", done.issue_no), jst::rfc3339(done.acquire_deadline, 9))
            }
            Err(denial) if matches!(denial.refusal, Refusal::Internal | Refusal::Unavailable) => {
                return Err(denied(denial).context(format!(
                    "stopped at row {number}. Run this again with the same form: what is done is not done twice"
                )));
            }
            Err(denial) => {
                refused += 1;
                (denial.refusal.code(), String::new(), String::new())
            }
        };
        let user = holder.user.as_ref().map_or("", UserId::as_str);
        let fields = [&number.to_string(), holder.contract.as_str(), user, outcome, &issue, &deadline];
        out.write_all(&history::record(fields.into_iter())).and_then(|()| out.flush()).context(unwritten)?;
    }
    if refused > 0 {
        let would = if dry_run { "would be" } else { "were" };
        bail!("{refused} of {} rows {would} refused. The result says why", rows.len());
    }
    if result.is_some() {
        say(&format!("{} rows, none refused{}", rows.len(), if dry_run { "; nothing was changed" } else { "" }))?;
    }
    Ok(())
}

fn named(holder: &Applicant, between: &str) -> String {
    format!("{}{between}{}", holder.contract, holder.user.as_ref().map_or("", UserId::as_str))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let unread = || format!("{} cannot be read", path.display());
    let mut bytes = Vec::new();
    File::open(path).with_context(unread)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).with_context(unread)?;
    Ok(bytes)
}

/// The rows of a file, all of them good; or what is wrong, by row.
fn parse(bytes: &[u8]) -> anyhow::Result<Vec<Row>> {
    ensure!(bytes.len() <= MAX_BYTES, "it has more than 4 MiB. Divide it");
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).context("it is not UTF-8. Save it as \"CSV UTF-8\"")?;
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let header = reader.headers().context("its header cannot be read")?;
    let (Some(short), whole) = (COLUMNS.get(..3), COLUMNS.as_slice()) else { bail!("there are no columns") };
    ensure!(
        header == short || header == whole,
        "its first line is not contract_id,user_id,reason or contract_id,user_id,reason,device. Put that there"
    );
    let (mut rows, mut faults, mut known) = (Vec::new(), Vec::new(), HashSet::new());
    for (number, record) in (1..).zip(reader.records()) {
        ensure!(number <= MAX_ROWS, "it has more than {MAX_ROWS} rows. Divide it");
        let row = match record {
            Ok(record) => row(&record),
            Err(_) => Err("it has not as many fields as the header".to_owned()),
        };
        match row {
            Ok(row) if known.insert(named(&row.holder, "/")) => rows.push(row),
            Ok(_) => faults.push(format!("row {number}: the user is in the file already")),
            Err(fault) => faults.push(format!("row {number}: {fault}")),
        }
        if faults.len() >= MAX_TOLD {
            break;
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    ensure!(!rows.is_empty(), "it has no rows");
    Ok(rows)
}

fn row(record: &csv::StringRecord) -> Result<Row, String> {
    let field = |n: usize| record.get(n).unwrap_or_default();
    let contract = ContractId::new(field(0))
        .map_err(|_| "contract_id is not 11 digits. A spreadsheet may have dropped zeros in front".to_owned())?;
    let user = UserId::new(field(1)).map_err(|_| "user_id is not 1 to 30 letters and digits".to_owned())?;
    let reason = Reason::from_key(field(2))
        .ok_or_else(|| format!("reason is none of {}", Reason::ALL.map(Reason::key).join(", ")))?;
    let device = field(3);
    if device.len() > MAX_SERIAL || !device.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(format!("device is not at most {MAX_SERIAL} ASCII characters without spaces"));
    }
    let device = (!device.is_empty()).then(|| device.to_owned());
    Ok(Row { holder: Applicant { contract, user: Some(user) }, reason, device })
}
