//! What the runner says to an authority, and what it hears.

use futures_util::future::BoxFuture;
use pinned::{Client, Roots};
use token::{PublicKey, Secret};
use zeroize::Zeroizing;

use super::api::AuthorityProfile;
use enrol::cmp;
use enrol::cmp::Applicant;
use enrol::cmp::client::{Answer, BadMessage, BadReply, Confirmation, Envelope, Expected, Response, Template};
use enrol::{PROTOCOLS, Protocol};

/// A signed request as it is sent, and sent again. It carries secrets.
pub(super) struct SignedRequest {
    pub(super) message: Zeroizing<Vec<u8>>,
    pub(super) nonce: [u8; 16],
    /// The key it is for.
    pub(super) public_key: PublicKey,
}

/// A message that a key has signed. It carries no secret, and may be sent again.
pub(super) struct Signed {
    pub(super) message: Vec<u8>,
    pub(super) nonce: [u8; 16],
}

/// Who talks about what: the same for all messages of one enrolment.
#[derive(Debug, Clone)]
pub(super) struct Talk {
    pub(super) transaction: [u8; 16],
    pub(super) applicant: Applicant,
    /// `senderNonce` of the last reply.
    pub(super) reply_nonce: Option<Vec<u8>>,
}

impl Talk {
    /// The header of the next message.
    pub(super) fn envelope(&self, now: i64) -> Envelope<'_> {
        Envelope {
            transaction: self.transaction,
            nonce: *uuid::Uuid::new_v4().as_bytes(),
            reply_nonce: self.reply_nonce.as_deref(),
            time: now,
            applicant: &self.applicant,
        }
    }
}

/// There is no usable answer. Nothing is known about what the authority did.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// It answered, but not in CMP.
    #[error("The authority answered with HTTP status {0}. Check that the address is an authority's.")]
    Http(u16),
    /// Its profile is not configured any more.
    #[error("The authority of this enrolment is not configured. Put its [[authority]] back into jitsuind.toml.")]
    Gone,
    /// The message could not be made.
    #[error("The message to the authority could not be made ({0}). Report this fault.")]
    Message(#[from] BadMessage),
    /// No connection, or none to the pinned authority.
    #[error(transparent)]
    Network(#[from] pinned::Error),
    /// What came is no answer.
    #[error("The authority's answer cannot be used ({0}). Try again later; if it stays so, tell the bank.")]
    Reply(#[from] BadReply),
}

/// The authority's answer to page 1.
pub(super) type Page1 = Result<Result<Template, cmp::client::Refused>, Trouble>;

/// The certificates that the authority has for its CAs, DER, or its refusal.
pub(super) type CaCertificates = Result<Result<Vec<Vec<u8>>, cmp::client::Refused>, Trouble>;

/// An authority, as far as an enrolment needs it. The tests' is in memory.
pub(super) trait Authority: Send + Sync {
    /// Page 1: its terms, or its refusal.
    fn terms<'a>(&'a self, talk: &'a Talk, pin: Option<&'a Secret>, code: Option<&'a Secret>) -> BoxFuture<'a, Page1>;

    /// Page 1 of a renewal, which the old key has signed.
    fn renewal_terms<'a>(&'a self, talk: &'a Talk, question: &'a Signed) -> BoxFuture<'a, Page1>;

    /// A request about the holder's own certificate (`rr`), which its key has signed.
    fn revoke<'a>(&'a self, talk: &'a Talk, request: &'a Signed) -> BoxFuture<'a, Result<Confirmation, Trouble>>;

    /// Page 2. Sending the same again is allowed at any time.
    fn submit<'a>(
        &'a self,
        talk: &'a Talk,
        request: &'a SignedRequest,
        code: Option<&'a Secret>,
    ) -> BoxFuture<'a, Result<Response, Trouble>>;

    /// What became of the transaction?
    fn query<'a>(&'a self, talk: &'a Talk) -> BoxFuture<'a, Result<Response, Trouble>>;

    /// Sends a signed confirmation.
    fn confirm<'a>(
        &'a self,
        talk: &'a Talk,
        confirmation: &'a enrol::machine::Confirmation,
    ) -> BoxFuture<'a, Result<Confirmation, Trouble>>;

    /// Gives the transaction up.
    fn reject<'a>(
        &'a self,
        talk: &'a Talk,
        certificate: Option<&'a [u8]>,
    ) -> BoxFuture<'a, Result<Confirmation, Trouble>>;

    /// The certificates of its CAs, the former ones and the roots among them. It is not told for whom it is asked.
    fn ca_certificates(&self) -> BoxFuture<'_, CaCertificates>;

    /// Whether a certificate leads over some of `chain` to a root that is pinned here, at the time `now`.
    fn trusts(&self, certificate: &[u8], chain: &[Vec<u8>], now: i64) -> bool;
}

/// CMP over HTTPS.
pub(super) struct Remote {
    client: Client,
    protocol: Protocol,
    roots: Roots,
}

impl Remote {
    /// The authority of a profile.
    pub(super) fn new(profile: &AuthorityProfile) -> Result<Self, pinned::Error> {
        let [protocol] = PROTOCOLS;
        let fingerprints: Vec<String> = profile.roots.iter().map(hex::encode).collect();
        let roots = Roots::parse(&fingerprints).map_err(|_| pinned::Error::Address(profile.url.clone()))?;
        Ok(Self { client: Client::new(&profile.url, roots.clone())?, protocol, roots })
    }

    async fn exchange(&self, message: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, Trouble> {
        let Protocol { path, media_type, .. } = self.protocol;
        let response = self.client.post(path, media_type, message, None).await?;
        if response.content_type == media_type { Ok(response.body) } else { Err(Trouble::Http(response.status)) }
    }
}

impl Authority for Remote {
    fn terms<'a>(&'a self, talk: &'a Talk, pin: Option<&'a Secret>, code: Option<&'a Secret>) -> BoxFuture<'a, Page1> {
        Box::pin(async move {
            let envelope = talk.envelope(now());
            let message = cmp::client::template_request(&envelope, pin, code)?;
            let reply = self.exchange(message).await?;
            let expected = Expected { transaction: &talk.transaction, nonce: &envelope.nonce, mac: code };
            page_1(&reply, &expected)
        })
    }

    fn renewal_terms<'a>(&'a self, talk: &'a Talk, question: &'a Signed) -> BoxFuture<'a, Page1> {
        Box::pin(async move {
            let reply = self.exchange(Zeroizing::new(question.message.clone())).await?;
            page_1(&reply, &Expected { transaction: &talk.transaction, nonce: &question.nonce, mac: None })
        })
    }

    fn revoke<'a>(&'a self, talk: &'a Talk, request: &'a Signed) -> BoxFuture<'a, Result<Confirmation, Trouble>> {
        Box::pin(async move {
            let reply = self.exchange(Zeroizing::new(request.message.clone())).await?;
            let expected = Expected { transaction: &talk.transaction, nonce: &request.nonce, mac: None };
            Ok(cmp::client::read_revocation(&reply, &expected)?)
        })
    }

    fn submit<'a>(
        &'a self,
        talk: &'a Talk,
        request: &'a SignedRequest,
        code: Option<&'a Secret>,
    ) -> BoxFuture<'a, Result<Response, Trouble>> {
        Box::pin(async move {
            let reply = self.exchange(request.message.clone()).await?;
            let expected = Expected { transaction: &talk.transaction, nonce: &request.nonce, mac: code };
            Ok(cmp::client::read_response(&reply, &expected)?)
        })
    }

    fn query<'a>(&'a self, talk: &'a Talk) -> BoxFuture<'a, Result<Response, Trouble>> {
        Box::pin(async move {
            let envelope = talk.envelope(now());
            let message = cmp::client::status_query(&envelope)?;
            let reply = self.exchange(Zeroizing::new(message)).await?;
            let expected = Expected { transaction: &talk.transaction, nonce: &envelope.nonce, mac: None };
            Ok(cmp::client::read_response(&reply, &expected)?)
        })
    }

    fn confirm<'a>(
        &'a self,
        talk: &'a Talk,
        confirmation: &'a enrol::machine::Confirmation,
    ) -> BoxFuture<'a, Result<Confirmation, Trouble>> {
        Box::pin(async move {
            let nonce = confirmation.nonce.as_slice().try_into().map_err(|_| BadMessage::Input("the nonce"))?;
            let reply = self.exchange(Zeroizing::new(confirmation.message.clone())).await?;
            let expected = Expected { transaction: &talk.transaction, nonce, mac: None };
            Ok(cmp::client::read_confirmation(&reply, &expected)?)
        })
    }

    fn reject<'a>(
        &'a self,
        talk: &'a Talk,
        certificate: Option<&'a [u8]>,
    ) -> BoxFuture<'a, Result<Confirmation, Trouble>> {
        Box::pin(async move {
            let envelope = talk.envelope(now());
            let message = cmp::client::reject(&envelope, certificate)?;
            let reply = self.exchange(Zeroizing::new(message)).await?;
            let expected = Expected { transaction: &talk.transaction, nonce: &envelope.nonce, mac: None };
            Ok(cmp::client::read_confirmation(&reply, &expected)?)
        })
    }

    fn ca_certificates(&self) -> BoxFuture<'_, CaCertificates> {
        Box::pin(async move {
            let (transaction, nonce) = (*uuid::Uuid::new_v4().as_bytes(), *uuid::Uuid::new_v4().as_bytes());
            let message = cmp::client::ca_certificates_request(transaction, nonce, now())?;
            let reply = self.exchange(Zeroizing::new(message)).await?;
            let expected = Expected { transaction: &transaction, nonce: &nonce, mac: None };
            match cmp::client::read_ca_certificates(&reply, &expected) {
                Ok(certificates) => Ok(Ok(certificates)),
                Err(Answer::Refused(refused)) => Ok(Err(refused)),
                Err(Answer::Unusable(bad)) => Err(bad.into()),
            }
        })
    }

    fn trusts(&self, certificate: &[u8], chain: &[Vec<u8>], now: i64) -> bool {
        pinned::chain::verify(certificate, chain, &self.roots, pinned::chain::Purpose::Client, now).is_ok()
    }
}

fn page_1(reply: &[u8], expected: &Expected<'_>) -> Page1 {
    match cmp::client::read_template(reply, expected) {
        Ok(template) => Ok(Ok(template)),
        Err(Answer::Refused(refused)) => Ok(Err(refused)),
        Err(Answer::Unusable(bad)) => Err(bad.into()),
    }
}

/// An authority whose profile is not configured any more.
pub(super) struct Gone;

impl Authority for Gone {
    fn terms<'a>(&'a self, _: &'a Talk, _: Option<&'a Secret>, _: Option<&'a Secret>) -> BoxFuture<'a, Page1> {
        Box::pin(async { Err(Trouble::Gone) })
    }

    fn renewal_terms<'a>(&'a self, _: &'a Talk, _: &'a Signed) -> BoxFuture<'a, Page1> {
        Box::pin(async { Err(Trouble::Gone) })
    }

    fn revoke<'a>(&'a self, _: &'a Talk, _: &'a Signed) -> BoxFuture<'a, Result<Confirmation, Trouble>> {
        Box::pin(async { Err(Trouble::Gone) })
    }

    fn submit<'a>(
        &'a self,
        _: &'a Talk,
        _: &'a SignedRequest,
        _: Option<&'a Secret>,
    ) -> BoxFuture<'a, Result<Response, Trouble>> {
        Box::pin(async { Err(Trouble::Gone) })
    }

    fn query<'a>(&'a self, _: &'a Talk) -> BoxFuture<'a, Result<Response, Trouble>> {
        Box::pin(async { Err(Trouble::Gone) })
    }

    fn confirm<'a>(
        &'a self,
        _: &'a Talk,
        _: &'a enrol::machine::Confirmation,
    ) -> BoxFuture<'a, Result<Confirmation, Trouble>> {
        Box::pin(async { Err(Trouble::Gone) })
    }

    fn reject<'a>(&'a self, _: &'a Talk, _: Option<&'a [u8]>) -> BoxFuture<'a, Result<Confirmation, Trouble>> {
        Box::pin(async { Err(Trouble::Gone) })
    }

    fn ca_certificates(&self) -> BoxFuture<'_, CaCertificates> {
        Box::pin(async { Err(Trouble::Gone) })
    }

    fn trusts(&self, _: &[u8], _: &[Vec<u8>], _: i64) -> bool {
        false
    }
}

/// This machine's clock; Unix time in seconds.
pub(super) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
