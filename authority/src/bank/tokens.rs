//! OTP tokens.

use token::{ContractId, Refusal, Secret, UserId};
use zeroize::Zeroizing;

use super::{Bank, refuse};
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::issuing::sealing_failed;
use crate::otp::{self, Accepted, TokenState};
use crate::rules::acquire::UserStatus;
use crate::store::tokens::{TokenRow, TokenStatus};
use crate::store::{tokens, users};

/// Shortest OTP secret that is taken, in bytes: 112 bits (D-906); RFC 4226 §4 asks for 128 and
/// recommends 160, but tokens with less are in use.
const SHORTEST_SECRET: usize = 14;

/// A token that is taken into stock.
#[derive(Debug)]
pub struct NewToken {
    /// トークンのシリアル番号.
    pub serial: String,
    /// What its entries are checked against.
    pub state: TokenState,
    /// Its secret in raw bytes.
    pub secret: Zeroizing<Vec<u8>>,
}

/// Text that is no OTP secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token's secret is not understood. Give at least 112 bits as hexadecimal digits or as base 32")]
pub struct TokenSecretError;

/// Reads an OTP secret: hexadecimal where it can be, else base 32 (RFC 4648 §6, case, spaces and
/// padding ignored).
///
/// # Errors
/// [`TokenSecretError`] for anything else, and for fewer than 112 bits.
pub fn parse_secret(text: &Secret) -> Result<Zeroizing<Vec<u8>>, TokenSecretError> {
    let compact: Zeroizing<Vec<u8>> =
        Zeroizing::new(text.expose().iter().copied().filter(|b| !matches!(b, b' ' | b'-' | b'=')).collect());
    let bytes = match hex::decode(&*compact) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(_) => base32(&compact).ok_or(TokenSecretError)?,
    };
    if bytes.len() < SHORTEST_SECRET { Err(TokenSecretError) } else { Ok(bytes) }
}

fn base32(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() * 5 / 8));
    let (mut word, mut bits) = (0u32, 0u32);
    for letter in text {
        let value = match letter.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        word = (word << 5) | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(word >> bits).ok()?);
            word &= (1 << bits) - 1;
        }
    }
    // What is left over are padding bits, and they are zero.
    (word == 0 && bits < 5).then_some(bytes)
}

impl Bank {
    /// Takes a token into stock.
    ///
    /// # Errors
    /// `Exists` for a serial number that is known.
    pub async fn add_token(&self, token: &NewToken) -> Result<(), Denial> {
        let sealed =
            self.house.vault.seal(&TokenRow::seal_name(&token.serial), &token.secret).map_err(sealing_failed)?;
        let mut change = self.change().await?;
        let event = self.event("token.add").on(&token.serial);
        if tokens::find(change.db(), &token.serial).await?.is_some() {
            return refuse(change, event, Refusal::Exists).await;
        }
        let row = TokenRow {
            serial: token.serial.clone(),
            status: TokenStatus::Stock,
            state: token.state,
            secret: sealed,
            contract: None,
            user: None,
        };
        let now = change.now();
        tokens::add(change.db(), &row, now).await?;
        Ok(change.commit(event.changed("", "stock")).await?)
    }

    /// Gives a token to a contract, whose administrator registers it for a user; or, with `user`,
    /// registers it at once as the form says. A token that the user had is revoked.
    ///
    /// # Errors
    /// `NotFound`; `Exists` for a token that is somebody's already or revoked.
    pub async fn assign_token(&self, serial: &str, contract: &ContractId, user: Option<&UserId>) -> Result<(), Denial> {
        let mut change = self.change().await?;
        let holder = Applicant { contract: contract.clone(), user: user.cloned() };
        let event = self.event("token.assign").about(&holder).on(serial);
        let known = crate::store::contracts::find(change.db(), contract).await?.is_some();
        let Some(token) = tokens::find(change.db(), serial).await?.filter(|_| known) else {
            return refuse(change, event, Refusal::NotFound).await;
        };
        let free = match token.status {
            TokenStatus::Stock => true,
            TokenStatus::Assigned => token.contract.as_deref() == Some(contract.as_str()),
            TokenStatus::Expired | TokenStatus::Locked | TokenStatus::Registered | TokenStatus::Revoked => false,
        };
        if !free {
            return refuse(change, event, Refusal::Exists).await;
        }
        let now = change.now();
        let status = match user {
            None => TokenStatus::Assigned,
            Some(user) => {
                let found = users::find(change.db(), contract, user).await?;
                let Some(mut row) = found.filter(|row| row.status != UserStatus::Deregistered) else {
                    return refuse(change, event, Refusal::NotFound).await;
                };
                if let Some(old) = tokens::of_user(change.db(), contract, user).await? {
                    tokens::assign(change.db(), &old.serial, TokenStatus::Revoked, Some(contract), Some(user), now)
                        .await?;
                    change.record(event.clone().on(&old.serial).changed("registered", "revoked")).await?;
                }
                row.version += 1;
                users::update(change.db(), contract, &row).await?;
                TokenStatus::Registered
            }
        };
        tokens::assign(change.db(), serial, status, Some(contract), user, now).await?;
        Ok(change.commit(event.changed(token.status.key(), status.key())).await?)
    }

    /// Finds a token that ran away again, by two consecutive passwords (D-308). Yields the steps or
    /// counters it was off by.
    ///
    /// # Errors
    /// `NotFound`, `Otp`.
    pub async fn resynchronise_token(&self, serial: &str, first: &Secret, second: &Secret) -> Result<Accepted, Denial> {
        let mut change = self.change().await?;
        let event = self.event("token.resynchronise").on(serial);
        let Some(token) = tokens::find(change.db(), serial).await? else {
            return refuse(change, event, Refusal::NotFound).await;
        };
        let secret = self.house.vault.open(&TokenRow::seal_name(serial), &token.secret).map_err(sealing_failed)?;
        let windows = self.house.settings.otp.windows();
        let found = otp::resynchronise(&token.state, &secret, first.expose(), second.expose(), change.now(), windows);
        let Some(accepted) = found else {
            return refuse(change, event, Refusal::Otp).await;
        };
        tokens::burn(change.db(), serial, accepted).await?;
        change.commit(event.changed(&token.state.drift.to_string(), &accepted.drift.to_string())).await?;
        Ok(accepted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_both_spellings() {
        let parse = |text: &str| parse_secret(&Secret::new(text.as_bytes().to_vec()));
        let expected = b"12345678901234567890".to_vec();
        assert_eq!(*parse("3132333435363738393031323334353637383930").unwrap(), expected);
        assert_eq!(*parse("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap(), expected);
        assert_eq!(*parse("gezd gnbv gy3t qojq gezd gnbv gy3t qojq").unwrap(), expected);
        for bad in ["", "abc", "31323334", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQA"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
