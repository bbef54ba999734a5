//! What becomes of OTP tokens, whoever has it done: the contract's administrator or the bank's operator.

use token::{ContractId, Secret, UserId};

use crate::denial::Denial;
use crate::house::House;
use crate::issuing::sealing_failed;
use crate::otp::{self, Accepted};
use crate::rules::otp_token::TokenStatus;
use crate::store::tokens::{self, TokenRow};
use crate::store::{Change, Event, StoreError, in_time};
use zeroize::Zeroizing;

/// A token that was found again (D-308).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resynchronised {
    /// How far it was off: steps that its clock is ahead of ours, or counters that it was ahead of the expected one.
    pub off: i64,
    /// Steps that its clock was ahead by what was known (TOTP), or the counter that was expected (HOTP).
    pub before: i64,
    /// The same, as it is now.
    pub after: i64,
}

/// Opens a token's secret.
///
/// # Errors
/// `Internal`.
pub(crate) fn secret(house: &House, token: &TokenRow) -> Result<Zeroizing<Vec<u8>>, Denial> {
    Ok(house.vault.open(&TokenRow::seal_name(&token.serial), &token.secret).map_err(sealing_failed)?)
}

/// Checks a password of a token at `now`.
///
/// # Errors
/// `Internal`; a wrong password is `None`.
pub(crate) fn verify(house: &House, token: &TokenRow, entry: &Secret, now: i64) -> Result<Option<Accepted>, Denial> {
    let secret = secret(house, token)?;
    Ok(otp::verify(&token.state, &secret, entry.expose(), now, house.settings.otp.windows()))
}

/// Finds a token that ran away by two consecutive passwords, both used up by that; `None` where they are not its.
///
/// # Errors
/// `Internal`.
pub(crate) async fn resynchronise(
    house: &House,
    change: &mut Change,
    token: &TokenRow,
    first: &Secret,
    second: &Secret,
) -> Result<Option<Resynchronised>, Denial> {
    let secret = secret(house, token)?;
    let windows = house.settings.otp.windows();
    let found = otp::resynchronise(&token.state, &secret, first.expose(), second.expose(), change.now(), windows);
    let Some(accepted) = found else { return Ok(None) };
    tokens::burn(change.db(), &token.serial, accepted).await?;
    let counter = |next: u64| i64::try_from(next).unwrap_or(i64::MAX);
    Ok(Some(match token.state.kind {
        otp::Kind::Hotp => {
            let (before, after) = (counter(token.state.next), counter(accepted.next));
            // The two passwords themselves are counted on.
            Resynchronised { off: after - before - 2, before, after }
        }
        otp::Kind::Totp { .. } => {
            Resynchronised { off: accepted.drift, before: token.state.drift, after: accepted.drift }
        }
    }))
}

/// Ends the token that a user has, where there is one, with an event of its own made from `event`: 失効, or what time has
/// made of it already.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn revoke_held(
    change: &mut Change,
    contract: &ContractId,
    user: &UserId,
    event: &Event,
) -> Result<(), StoreError> {
    let Some(old) = tokens::of_user(change.db(), contract, user).await? else { return Ok(()) };
    end(change, &old, event).await
}

/// Ends the tokens that were given to a contract and are no user's: its stock, and its own. An event each, made from
/// `event`.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn revoke_unheld(change: &mut Change, contract: &ContractId, event: &Event) -> Result<(), StoreError> {
    for token in tokens::of_contract(change.db(), contract).await? {
        if !matches!(token.status, TokenStatus::Expired | TokenStatus::Revoked) {
            end(change, &token, event).await?;
        }
    }
    Ok(())
}

async fn end(change: &mut Change, token: &TokenRow, event: &Event) -> Result<(), StoreError> {
    let now = change.now();
    let end = if token.status_at(now) == TokenStatus::Expired { TokenStatus::Expired } else { TokenStatus::Revoked };
    tokens::set_status(change.db(), &token.serial, end, now).await?;
    change.record(event.clone().on(&token.serial).changed(token.status.key(), end.key())).await
}

/// Writes down of tokens that their life is over, an event each; yields how many there were. `most` are read at a time.
///
/// # Errors
/// [`StoreError`].
pub async fn let_time_pass(house: &House, most: i64) -> Result<usize, StoreError> {
    let mut done = 0;
    let mut last = (i64::MIN, String::new());
    loop {
        let now = house.clock.now();
        let outlived = in_time(tokens::outlived(house.store.readers(), now, &last, most)).await?;
        for (_, serial) in &outlived {
            done += usize::from(in_time(expire(house, serial)).await?);
        }
        match outlived.into_iter().last() {
            Some(end) => last = end,
            None => return Ok(done),
        }
    }
}

async fn expire(house: &House, serial: &str) -> Result<bool, StoreError> {
    let mut change = house.store.change(&house.clock).await?;
    let now = change.now();
    // Another process may have been there first.
    let token = match tokens::find(change.db(), serial).await {
        Ok(Some(token)) => token,
        Ok(None) => return Ok(false),
        // One that nobody can read must not keep the others from their end.
        Err(StoreError::Value(what)) => {
            tracing::error!(serial, what, "a token's record cannot be read and is passed over");
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    if token.status == TokenStatus::Revoked || token.status == token.status_at(now) {
        return Ok(false);
    }
    tokens::set_status(change.db(), serial, TokenStatus::Expired, now).await?;
    let mut event = Event::new("authority", "clock", "clock", "token.end")
        .on(serial)
        .changed(token.status.key(), TokenStatus::Expired.key())
        .because("expired");
    event.contract_id = token.contract.unwrap_or_default();
    event.user_id = token.user.unwrap_or_default();
    change.commit(event).await?;
    Ok(true)
}
