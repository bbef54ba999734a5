//! The certificate step: which record answers a challenge (D-604, in that order: path, time, usage,
//! state, name, signature).

use token::login::signed_bytes;
use token::{AuthToken, CertificateFacts, Challenge, Origin, Refusal, Standing as InTime};

use super::{Login, refuse, standing};
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::house::House;
use crate::rules::login::{Door, at_door, is_of_holder};
use crate::store::holders::{self, Held};
use crate::store::parties::{self, RelyingParty};
use crate::store::{Change, Event, handles};

/// Longest token text, in bytes.
const MAX_TOKEN: usize = 7 * 1024;

/// Where somebody logs in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    /// At a door of the authority.
    Ours(Door),
    /// At a relying party, as a user.
    Party(&'a RelyingParty),
}

impl<'a> Place<'a> {
    fn door(self) -> Door {
        match self {
            Self::Ours(door) => door,
            Self::Party(_) => Door::User,
        }
    }

    fn origin(self, house: &'a House) -> &'a Origin {
        match self {
            Self::Ours(_) => &house.settings.origin,
            Self::Party(party) => &party.origin,
        }
    }
}

/// A token that was read, with what can be computed from it alone.
struct Examined {
    facts: CertificateFacts,
    issued_by_us: bool,
    signature_fits: bool,
}

/// A certificate step that succeeded, in the change that took the challenge.
pub(super) struct Proven {
    pub(super) change: Change,
    pub(super) held: Held,
}

impl Login {
    /// Checks an answer to a challenge at a door of ours. The challenge is used up whatever comes of it.
    pub(super) async fn prove(&self, door: Door, challenge: &str, token: &str) -> Result<Proven, Denial> {
        self.prove_at(Place::Ours(door), challenge, token).await
    }

    /// The same, wherever the login is.
    pub(super) async fn prove_at(&self, place: Place<'_>, challenge: &str, token: &str) -> Result<Proven, Denial> {
        let door = place.door();
        let examined = self.examine(place.origin(&self.house), challenge, token);
        let mut change = self.house.store.change(&self.house.clock).await?;
        let now = change.now();
        let taken = match place {
            Place::Ours(door) => handles::take_challenge(change.db(), challenge, door, now).await?,
            Place::Party(party) => parties::take_challenge(change.db(), challenge, &party.origin, now).await?,
        };
        if !taken {
            return refuse(change, self.event_at(place, None), Refusal::Origin).await;
        }
        let Examined { facts, issued_by_us, signature_fits } = match examined {
            Ok(examined) => examined,
            Err(refusal) => return refuse(change, self.event_at(place, None), refusal).await,
        };
        let found = holders::by_certificate(change.db(), &facts.sha256()).await?;
        let Some(held) = found.filter(|_| issued_by_us && !facts.ca) else {
            return refuse(change, self.event_at(place, None), Refusal::Auth).await;
        };
        let record = &held.row.record;
        let holder = record.holder.clone();
        let mut event = self.event_at(place, Some((&holder, record.administrator))).on(&record.id);
        // A certificate is no secret: whoever shows one whose key has not signed is not its holder, for all that is known.
        if !signature_fits {
            event.reason = "unproven".to_owned();
            if let Place::Ours(_) = place {
                event.role = "applicant";
            }
        }
        match facts.standing(now) {
            InTime::Valid => {}
            InTime::Expired => {
                return refuse(change, event, Denial::dated(Refusal::CertExpired, facts.not_after)).await;
            }
            InTime::NotYetValid => {
                return refuse(change, event, Denial::dated(Refusal::CertNotYet, facts.not_before)).await;
            }
        }
        if !facts.may_sign || !facts.may_authenticate {
            return refuse(change, event, Refusal::Auth).await;
        }
        let standing = match standing(&held, now) {
            Ok(()) => Ok(()),
            // The state of the certificate comes before its name, that of its holder after the
            // signature.
            Err(denial) if is_of_holder(denial.refusal) => Err(denial),
            Err(denial) => return refuse(change, event, denial).await,
        };
        let named = facts.name.as_ref().is_some_and(|name| {
            name.contract == holder.contract
                && name.user == holder.user
                && name.institution == self.house.settings.institution_code
        });
        if !named {
            return refuse(change, event, Refusal::Auth).await;
        }
        if let Err(refusal) = at_door(door, holder.user.is_some()) {
            return refuse(change, event, refusal).await;
        }
        if !signature_fits {
            return refuse(change, event, Refusal::Origin).await;
        }
        match standing {
            Ok(()) => Ok(Proven { change, held }),
            Err(denial) => refuse(change, event, denial).await,
        }
    }

    fn event_at(&self, place: Place<'_>, who: Option<(&Applicant, Option<u16>)>) -> Event {
        match place {
            Place::Ours(door) => self.event(door, who, "login.certificate"),
            Place::Party(party) => self.party_event(party, who.map(|(holder, _)| holder)),
        }
    }

    /// Reads the token. Origin and challenge are ours, never the token's (D-602).
    fn examine(&self, origin: &Origin, challenge: &str, token: &str) -> Result<Examined, Refusal> {
        if token.len() > MAX_TOKEN {
            return Err(Refusal::BadRequest);
        }
        let challenge = Challenge::new(challenge).map_err(|_| Refusal::Origin)?;
        let token: AuthToken = serde_json::from_str(token).map_err(|_| Refusal::BadRequest)?;
        let (certificate, algorithm, signature) = token.parts().ok_or(Refusal::BadRequest)?;
        let facts = CertificateFacts::from_der(&certificate).map_err(|_| Refusal::BadRequest)?;
        let signed = signed_bytes(origin, &challenge, algorithm);
        Ok(Examined {
            issued_by_us: self.house.ca.issuer_of(&certificate).is_some(),
            signature_fits: facts.public_key.verify(algorithm, &signed, &signature).is_ok(),
            facts,
        })
    }
}
