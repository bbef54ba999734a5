//! The acquisition rules in memory, as small as the door's tests need them.
#![allow(clippy::unwrap_used, dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::sync::Mutex;

use authority::acquisition::{
    Admission, Applicant, IssueOrder, Issuer, Submission, TransactionRecord, TransactionState,
};
use authority::ca::validity_end;
use authority::cmp::Desk;
use token::{KeyAlgorithm, Refusal, Secret, SubjectName};

pub(crate) const CODE: &str = "0123456789ABCDEF";
pub(crate) const PIN: &str = "73119942";
pub(crate) const OTP: &str = "404142";

pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// One open issue for one user, with [`CODE`], [`PIN`] and [`OTP`].
pub(crate) struct MemoryDesk {
    code_alone: bool,
    records: Mutex<BTreeMap<[u8; 16], TransactionRecord>>,
    calls: Mutex<Vec<&'static str>>,
}

impl MemoryDesk {
    pub(crate) fn new(code_alone: bool) -> Self {
        Self { code_alone, records: Mutex::default(), calls: Mutex::default() }
    }

    pub(crate) fn states(&self) -> Vec<TransactionState> {
        self.records.lock().unwrap().values().map(|r| r.state).collect()
    }

    pub(crate) fn calls(&self, name: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|c| **c == name).count()
    }

    fn count(&self, name: &'static str) {
        self.calls.lock().unwrap().push(name);
    }

    fn check(&self, applicant: &Applicant, pin: Option<&Secret>, code_proved: bool) -> Result<(), Refusal> {
        let alone = self.code_alone && code_proved;
        let pin_right = pin.is_some_and(|p| p.expose() == PIN.as_bytes());
        if subject(applicant).to_string() == "00009876543 riyousya 1635" && (alone || pin_right) {
            Ok(())
        } else {
            Err(Refusal::Auth)
        }
    }
}

fn subject(applicant: &Applicant) -> SubjectName {
    SubjectName {
        contract: applicant.contract.clone(),
        user: applicant.user.clone(),
        institution: "1635".parse().unwrap(),
    }
}

impl Desk for MemoryDesk {
    async fn code(&self, applicant: &Applicant) -> Result<Option<Secret>, Refusal> {
        let known = subject(applicant).to_string() == "00009876543 riyousya 1635";
        Ok(known.then(|| Secret::new(CODE.as_bytes().to_vec())))
    }

    async fn wrong_code(&self, _applicant: &Applicant) -> Result<(), Refusal> {
        self.count("wrong_code");
        Ok(())
    }

    async fn admit(
        &self,
        applicant: &Applicant,
        user_pin: Option<&Secret>,
        code_proved: bool,
    ) -> Result<Admission, Refusal> {
        self.count("admit");
        self.check(applicant, user_pin, code_proved)?;
        Ok(Admission {
            subject: subject(applicant),
            algorithms: vec![KeyAlgorithm::P256],
            otp_wanted: true,
            pin_wanted: true,
            deadline: now() + 86_400,
            attestation_wanted: false,
        })
    }

    async fn known(&self, transaction: &[u8; 16]) -> Result<Option<TransactionRecord>, Refusal> {
        Ok(self.records.lock().unwrap().get(transaction).cloned())
    }

    async fn accept(&self, submission: Submission, issue: &Issuer<'_>) -> Result<TransactionRecord, Refusal> {
        self.count("accept");
        self.check(&submission.applicant, submission.user_pin.as_ref(), submission.code_proved)?;
        let alone = self.code_alone && submission.code_proved;
        if !alone && submission.otp.as_ref().is_none_or(|otp| otp.expose() != OTP.as_bytes()) {
            return Err(Refusal::Otp);
        }
        let order = IssueOrder {
            subject: subject(&submission.applicant),
            public_key: submission.public_key.clone(),
            serial: [0x51; 16],
            not_before: now() - 60,
            not_after: validity_end(now()).unwrap(),
        };
        let certificate = issue(&order).map_err(|_| Refusal::Internal)?.certificate;
        let record = TransactionRecord {
            request_sha256: submission.request_sha256,
            certificate,
            state: TransactionState::Issued,
            applicant: submission.applicant,
            public_key: submission.public_key,
        };
        self.records.lock().unwrap().insert(submission.transaction, record.clone());
        Ok(record)
    }

    async fn confirm(&self, transaction: &[u8; 16], certificate_sha256: &[u8; 32]) -> Result<(), Refusal> {
        use sha2::Digest;
        self.count("confirm");
        let mut records = self.records.lock().unwrap();
        let record = records.get_mut(transaction).ok_or(Refusal::BadRequest)?;
        assert_eq!(sha2::Sha256::digest(&record.certificate).as_slice(), certificate_sha256);
        if record.state == TransactionState::Abandoned {
            return Err(Refusal::Install);
        }
        record.state = TransactionState::Confirmed;
        Ok(())
    }

    async fn abandon(&self, transaction: &[u8; 16]) -> Result<(), Refusal> {
        self.count("abandon");
        let mut records = self.records.lock().unwrap();
        let record = records.get_mut(transaction).ok_or(Refusal::NotFound)?;
        if record.state == TransactionState::Confirmed {
            return Err(Refusal::Stale);
        }
        record.state = TransactionState::Abandoned;
        Ok(())
    }
}
