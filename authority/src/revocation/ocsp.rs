//! OCSP (RFC 6960), signed by a responder to which the issuing CA delegates it (§4.2.2.2), so that the CA's key is asked
//! once in days and not once an answer.

mod answer;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod responder;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::body::Bytes;
use der::{Decode, Encode};
use token::ocsp::{self, OcspRequest, OcspResponse, Request, ResponseStatus};

use self::responder::Responders;
use super::{Desk, RevocationError};
use crate::house::House;
use crate::store::revocations;

/// Longest request that is read, in bytes.
pub const MAX_REQUEST: usize = 16 * 1024;
/// Most certificates in one request.
const MAX_CERTIFICATES: usize = 4;
/// Most answers that are remembered; then all are made anew.
const MAX_REMEMBERED: usize = 20_000;

/// An answer as it is served.
#[derive(Debug, Clone)]
pub struct Answer {
    /// DER of an `OCSPResponse`.
    pub der: Bytes,
    /// From when and until when it may be given to others who ask the same; Unix times in seconds. `None` for what is
    /// for one asker only.
    pub shared: Option<(i64, i64)>,
}

/// Responders, and answers that may be given again.
#[derive(Debug, Default)]
pub(super) struct Memory {
    responders: Responders,
    answers: Mutex<Remembered>,
}

#[derive(Debug, Default)]
struct Remembered {
    revision: i64,
    /// By [`Asked::key`].
    answers: HashMap<Vec<u8>, Answer>,
}

impl Memory {
    fn recall(&self, revision: i64, key: &[u8], now: i64) -> Option<Answer> {
        let remembered = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = remembered.answers.get(key).filter(|_| remembered.revision == revision)?;
        // half of its time is left to whoever gets it
        let (from, until) = answer.shared?;
        (from <= now && now < from + (until - from) / 2).then(|| answer.clone())
    }

    fn remember(&self, revision: i64, key: Vec<u8>, answer: &Answer) {
        let mut remembered = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.revision != revision || remembered.answers.len() >= MAX_REMEMBERED {
            remembered.answers.clear();
            remembered.revision = revision;
        }
        remembered.answers.insert(key, answer.clone());
    }
}

impl Desk {
    /// Answers a request in DER. There is always an answer: a fault is one of its own kind (§2.3).
    pub async fn ocsp(&self, house: &House, request: &[u8]) -> Answer {
        let (answer, status) = match self.asked(house, request).await {
            Ok(answer) => (answer, ResponseStatus::Successful),
            Err(status) => (refused(status), status),
        };
        house.metrics.work().ocsp(status);
        answer
    }

    async fn asked(&self, house: &House, request: &[u8]) -> Result<Answer, ResponseStatus> {
        let asked = read(request).ok_or(ResponseStatus::MalformedRequest)?;
        self.answer(house, asked).await.map_err(|error| match error {
            // whoever asks often must not fill the log
            RevocationError::Busy | RevocationError::Waiting => ResponseStatus::TryLater,
            RevocationError::Ended => ResponseStatus::Unauthorized,
            error => {
                tracing::error!(error = &error as &dyn std::error::Error, "an OCSP answer could not be made");
                match error {
                    RevocationError::Ca(_) => ResponseStatus::TryLater,
                    _ => ResponseStatus::InternalError,
                }
            }
        })
    }

    async fn answer(&self, house: &House, asked: Asked) -> Result<Answer, RevocationError> {
        let _turn = self.turn().await?;
        // read before the certificates: what changes after it is not remembered as of it
        let revision = revocations::revision(house.store.readers()).await?;
        let now = house.clock.now();
        let key = asked.key()?;
        if let Some(known) = key.as_deref().and_then(|key| self.ocsp.recall(revision, key, now)) {
            return Ok(known);
        }
        let (answer, lasting) = answer::make(&self.ocsp.responders, house, &asked, now).await?;
        if let Some(key) = key.filter(|_| lasting) {
            self.ocsp.remember(revision, key, &answer);
        }
        Ok(answer)
    }
}

/// A request that can be answered.
struct Asked {
    requests: Vec<Request>,
    nonce: Option<der::asn1::OctetString>,
    /// There are extensions, the nonce or others.
    extended: bool,
}

impl Asked {
    /// Under what the answer is remembered: the `CertID` (the answer has it as it was asked), where that is all that was
    /// asked. What is remembered is about a certificate of ours, so hashes and serial number are what they must be, and
    /// parameters other than the two usual ones are not taken: nobody can ask the same in many ways, or at any length.
    fn key(&self) -> der::Result<Option<Vec<u8>>> {
        let [request] = self.requests.as_slice() else { return Ok(None) };
        let parameters = request.cert_id.hash_algorithm.parameters.as_ref();
        if self.extended || parameters.is_some_and(|parameters| !parameters.is_null()) {
            return Ok(None);
        }
        request.cert_id.to_der().map(Some)
    }
}

/// Reads a request. A signature on it is nothing that an answer would depend on.
fn read(request: &[u8]) -> Option<Asked> {
    if request.len() > MAX_REQUEST {
        return None;
    }
    let request = OcspRequest::from_der(request).ok()?.tbs_request;
    let nonce = ocsp::nonce(request.extensions.as_ref()).ok()?;
    let extensions = request.request_list.iter().flat_map(|request| request.extensions.iter().flatten());
    // what must be understood is not (§4.4.7 has the client say what it cannot do without)
    let demands = request
        .extensions
        .iter()
        .flatten()
        .chain(extensions)
        .any(|extension| extension.critical && extension.extn_id != ocsp::NONCE);
    let extended = request.extensions.is_some() || request.request_list.iter().any(|one| one.extensions.is_some());
    let count = request.request_list.len();
    (request.version == 0 && !demands && (1..=MAX_CERTIFICATES).contains(&count)).then_some(Asked {
        requests: request.request_list,
        nonce,
        extended,
    })
}

/// An answer that says why there is none.
#[must_use]
pub fn refused(status: ResponseStatus) -> Answer {
    let response = OcspResponse { response_status: status, response_bytes: None };
    Answer { der: response.to_der().unwrap_or_default().into(), shared: None }
}
