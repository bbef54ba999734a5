//! `certificate reissue`: many users' certificates from a CSV file, by the program itself.

use std::process::Command;

use token::UserId;

use crate::bench::{Bench, CONTRACT, USER, USER_PIN, contract, secret};
use crate::commands::{good, refused, run};

const FORM: &str = "F-77";

/// The program on the bench's authority, with codes going to a file.
struct Desk {
    bench: Bench,
    scratch: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Self {
        let bench = Bench::new().await;
        let second = UserId::new("S0002").unwrap();
        bench.bank().add_user(&contract(), &second, &secret(USER_PIN)).await.unwrap();
        let codes = bench.house.settings.acquisition.code;
        assert!(codes, "each issue has a code unless settings say otherwise");
        Self { bench, scratch: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> String {
        self.scratch.path().join(name).to_str().unwrap().to_owned()
    }

    fn file(&self, bytes: &[u8]) -> String {
        std::fs::write(self.path("in.csv"), bytes).unwrap();
        self.path("in.csv")
    }

    /// With `more` arguments, through a shell that opens descriptor 3.
    fn reissue(&self, bytes: &[u8], more: &[&str]) -> std::process::Output {
        let (csv, directory) = (self.file(bytes), self.bench.house.directory.to_str().unwrap().to_owned());
        let program = env!("CARGO_BIN_EXE_jitsuin-authority");
        let script = "codes=$1; shift; exec \"$@\" 3>>\"$codes\"";
        let codes = self.path("codes");
        Command::new("sh")
            .args(["-c", script, "sh", &codes, program, "--dir", &directory, "certificate", "reissue", "--csv", &csv])
            .args(["--form-reference", FORM, "--codes-fd", "3"])
            .args(more)
            .output()
            .unwrap()
    }

    fn codes(&self) -> Vec<String> {
        std::fs::read_to_string(self.path("codes")).unwrap().lines().map(str::to_owned).collect()
    }
}

fn rows() -> String {
    format!(
        "\u{feff}contract_id,user_id,reason,device\r\n{CONTRACT},{USER},pc_change,\r\n{CONTRACT},S0002,lost,12345\r\n"
    )
}

/// The outcome of each row.
fn outcomes(csv: &str) -> Vec<String> {
    csv.lines().skip(1).map(|line| line.split(',').nth(3).unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_changes_nothing_and_a_form_is_carried_out_once() {
    let desk = Desk::new().await;
    let before = (desk.bench.dump().await, desk.bench.events().await);
    let dry = good(&desk.reissue(rows().as_bytes(), &["--dry-run"]));
    assert_eq!(outcomes(&dry), ["would_issue", "would_issue"], "{dry}");
    assert_eq!((desk.bench.dump().await, desk.bench.events().await), before);

    let result = desk.path("result.csv");
    good(&desk.reissue(rows().as_bytes(), &["--result", &result]));
    let written = std::fs::read_to_string(&result).unwrap();
    assert_eq!(outcomes(&written), ["issued", "issued"], "{written}");
    assert!(written.contains(&format!("1,{CONTRACT},{USER},issued,001,2")), "{written}");
    assert_eq!(desk.bench.events_of("certificate.reissue").await, 2, "one each");
    let codes = desk.codes();
    assert_eq!(codes.len(), 2);
    for code in &codes {
        let code = code.rsplit(',').next().unwrap();
        assert!(code.len() >= 16 && !written.contains(code));
    }
    assert!(refused(&desk.reissue(rows().as_bytes(), &["--result", &result])).contains("Name a new file"));

    let after = (desk.bench.dump().await, desk.bench.events().await);
    let again = good(&desk.reissue(rows().as_bytes(), &[]));
    assert_eq!(outcomes(&again), ["done_before", "done_before"]);
    assert_eq!((desk.bench.dump().await, desk.bench.events().await), after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_refused_keeps_no_other_from_being_done() {
    let desk = Desk::new().await;
    let mixed = format!("contract_id,user_id,reason\n{CONTRACT},nobody,other\n{CONTRACT},{USER},other\n");
    let output = desk.reissue(mixed.as_bytes(), &[]);
    assert!(refused(&output).contains("1 of 2 rows were refused"));
    assert_eq!(outcomes(&String::from_utf8(output.stdout).unwrap()), ["E-NOT-FOUND", "issued"]);
    assert_eq!(desk.bench.events_of("certificate.reissue").await, 2, "the refusal is recorded too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_anything_wrong_is_refused_whole() {
    let desk = Desk::new().await;
    let before = (desk.bench.dump().await, desk.bench.events().await);
    let head = "contract_id,user_id,reason\n";
    let good_row = format!("{CONTRACT},{USER},other\n");
    let many: String = (0..10_001).map(|n| format!("{CONTRACT},u{n},other\n")).collect();
    for (bytes, said) in [
        (good_row.clone().into_bytes(), "first line"),
        (head.into(), "no rows"),
        (format!("{head}{good_row}{good_row}").into_bytes(), "row 2: the user is in the file already"),
        (format!("{head}{good_row}9876543,S0002,other\n").into_bytes(), "row 2: contract_id is not 11 digits"),
        (format!("{head}{good_row}{CONTRACT},=cmd(),other\n").into_bytes(), "row 2: user_id"),
        (format!("{head}{good_row}{CONTRACT},S0002,because\n").into_bytes(), "row 2: reason is none of"),
        (format!("{head}{good_row}{CONTRACT},S0002\n").into_bytes(), "row 2: it has not as many fields"),
        ([head.as_bytes(), b"\x97\x98\x97p\x8e\xd2,a,other\n"].concat(), "not UTF-8"),
        (b"\xff\xfec\0o\0".to_vec(), "not UTF-8"),
        (format!("{head}{many}").into_bytes(), "more than 10000 rows"),
        (vec![b'a'; 4 * 1024 * 1024 + 1], "more than 4 MiB"),
    ] {
        let told = refused(&desk.reissue(&bytes, &[]));
        assert!(told.contains(said), "{said}: {told}");
    }
    let directory = desk.bench.house.directory.clone();
    let csv = desk.file(rows().as_bytes());
    let nowhere = ["certificate", "reissue", "--csv", &csv, "--form-reference", FORM];
    assert!(refused(&run(&directory, &nowhere, None)).contains("--codes-fd"));
    assert_eq!((desk.bench.dump().await, desk.bench.events().await), before);
}
