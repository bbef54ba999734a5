//! Logins at others' servers, which have the authority check them: the relying party gets a challenge here, its user's
//! software signs it for the party's origin, and the party brings what was signed.

use sha2::{Digest, Sha256};
use token::{Challenge, Refusal, SubjectName};

use super::challenge::NewChallenge;
use super::proof::Place;
use super::worth::Worth;
use super::{Login, refuse};
use crate::acquisition::Applicant;
use crate::code;
use crate::denial::Denial;
use crate::rules::login::Door;
use crate::store::Event;
use crate::store::parties::{self, RelyingParty};

/// What a relying party is told of somebody who logged in.
#[derive(Debug)]
pub struct PartyLogin {
    /// Contract, user, institution.
    pub subject: SubjectName,
    /// SHA-256 of the certificate.
    pub certificate_sha256: [u8; 32],
    /// 電子証明書シリアル番号, lower-case hexadecimal.
    pub serial: String,
    /// 電子証明書発行番号.
    pub issue_no: u16,
    /// End of validity; Unix time in seconds.
    pub valid_until: i64,
    /// What the login is good for.
    pub worth: Worth,
}

impl Login {
    /// The relying party with that bearer token.
    ///
    /// # Errors
    /// `Party`, which stands in the record of events.
    pub async fn party(&self, bearer: &str) -> Result<RelyingParty, Denial> {
        let sha256 = code::handle_sha256(bearer.as_bytes());
        if let Some(party) = parties::by_bearer(self.house.store.readers(), &sha256).await? {
            return Ok(party);
        }
        let change = self.house.store.change(&self.house.clock).await?;
        let event = Event::new("relying_party", "", &self.place, "party.bearer");
        refuse(change, event, Refusal::Party).await
    }

    /// A challenge for one login at that party.
    ///
    /// # Errors
    /// `Internal` only.
    pub async fn party_challenge(&self, party: &RelyingParty) -> Result<NewChallenge, Denial> {
        let bytes = code::random::<32>().map_err(|_| Refusal::Internal)?;
        let challenge = Challenge::from_bytes(&bytes).map_err(|_| Refusal::Internal)?;
        let mut change = self.house.store.change(&self.house.clock).await?;
        let now = change.now();
        let expires_at = now + i64::from(self.house.settings.login.challenge_seconds);
        parties::add_challenge(&mut change, challenge.as_str(), &party.origin, expires_at).await?;
        change.commit_unrecorded().await?;
        Ok(NewChallenge { challenge, expires_at })
    }

    /// Checks a user's token for a party. The challenge is used up whatever comes of it.
    ///
    /// # Errors
    /// `Origin` for a challenge that was not given to this party, was used or is too old, and for a signature over
    /// another origin; the certificate's own reasons; the locks.
    pub async fn verify_for_party(
        &self,
        party: &RelyingParty,
        challenge: &str,
        token: &str,
    ) -> Result<PartyLogin, Denial> {
        let proven = self.prove_at(Place::Party(party), challenge, token).await?;
        let (held, now) = (proven.held, proven.change.now());
        let user = held.user.ok_or(Refusal::CertNoUser)?;
        let row = held.row;
        let worth = Worth::of(&self.house, &row, &user, now);
        let holder = row.record.holder.clone();
        let event = self.party_event(party, Some(&holder)).on(&row.record.id);
        proven.change.commit(event).await?;
        let certificate = row.certificate.as_deref().ok_or(Refusal::Internal)?;
        Ok(PartyLogin {
            subject: SubjectName {
                contract: holder.contract,
                user: holder.user,
                institution: self.house.settings.institution_code.clone(),
            },
            certificate_sha256: Sha256::digest(certificate).into(),
            serial: row.serial.unwrap_or_default(),
            issue_no: row.record.issue_no,
            valid_until: row.record.valid_until.ok_or(Refusal::Internal)?,
            worth,
        })
    }

    pub(super) fn party_event(&self, party: &RelyingParty, holder: Option<&Applicant>) -> Event {
        let mut event = self.event(Door::User, holder.map(|holder| (holder, None)), "party.verify");
        event.role = "relying_party";
        event.actor = party.origin.to_string();
        event
    }
}
