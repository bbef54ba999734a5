//! The bank operator's commands on OTP tokens.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, bail};
use token::{ContractId, Secret, otp_secret};
use zeroize::Zeroizing;

use super::arguments::{HashArgument, KindArgument, OfContract, OfToken, TokenStatusArgument, TokenWork};
use super::secrets::Secrets;
use super::{denied, say};
use crate::bank::{Bank, NewToken, NotImported};
use crate::jst;
use crate::otp::{Hash, Kind, TokenState};
use crate::pskc::{self, Key, Need};
use crate::rules::otp_token::TokenStatus;

/// Bytes of a new secret: 160 bits, as RFC 4226 §4 recommends.
const NEW_SECRET: usize = 20;

pub(super) async fn work(bank: &Bank, work: TokenWork, secrets: &mut Secrets) -> anyhow::Result<()> {
    match work {
        TokenWork::Add { serial, kind, hash, digits, period, counter, new_secret_fd } => {
            let (kind, next) = match kind {
                KindArgument::Hotp => (Kind::Hotp, u64::from(counter)),
                KindArgument::Totp => (Kind::Totp { period }, 0),
            };
            let state = TokenState { kind, hash: hash.into(), digits, next, drift: 0 };
            add(bank, serial, state, new_secret_fd, secrets).await
        }
        TokenWork::Assign { serial, contract: OfContract { contract_id }, user_id } => {
            bank.assign_token(&serial, &contract_id, user_id.as_ref()).await.map_err(denied)?;
            match user_id {
                Some(user_id) => say(&format!("token {serial} registered for {contract_id}/{user_id}")),
                None => say(&format!("token {serial} given to contract {contract_id}")),
            }
        }
        TokenWork::Resync { serial } => {
            let first = secrets.take("otp", "one-time password", false)?;
            let second = secrets.take("next_otp", "the next one-time password", false)?;
            let found = bank.resynchronise_token(&serial, &first, &second).await.map_err(denied)?;
            say(&format!("token {serial} found again, drift {} (was {})", found.after, found.before))
        }
        TokenWork::AssignOwn { serial, contract: OfContract { contract_id } } => {
            bank.register_own_token(&serial, &contract_id).await.map_err(denied)?;
            say(&format!("token {serial} registered as contract {contract_id}'s own"))
        }
        TokenWork::Exchange { serial, new_serial, form_reference } => {
            bank.exchange_token(&serial, &new_serial, &form_reference).await.map_err(denied)?;
            say(&format!("token {new_serial} registered in the place of {serial}, which is revoked"))
        }
        TokenWork::Import { file, check, signature_verified } => {
            import(bank, &file, check, signature_verified, secrets).await
        }
        TokenWork::List { contract_id, status } => list(bank, contract_id.as_ref(), status.map(Into::into)).await,
        TokenWork::Lock { token: OfToken { serial, form_reference } } => {
            bank.lock_token(&serial, true, &form_reference).await.map_err(denied)?;
            say(&format!("token {serial} locked"))
        }
        TokenWork::Unlock { token: OfToken { serial, form_reference } } => {
            bank.lock_token(&serial, false, &form_reference).await.map_err(denied)?;
            say(&format!("token {serial} unlocked"))
        }
        TokenWork::Revoke { token: OfToken { serial, form_reference } } => {
            bank.revoke_token(&serial, &form_reference).await.map_err(denied)?;
            say(&format!("token {serial} revoked"))
        }
    }
}

async fn add(
    bank: &Bank,
    serial: String,
    state: TokenState,
    new_secret_fd: Option<u16>,
    secrets: &mut Secrets,
) -> anyhow::Result<()> {
    if serial.is_empty() || serial.len() > 64 || !serial.bytes().all(|b| b.is_ascii_graphic()) {
        bail!("the serial number is not 1 to 64 ASCII characters without spaces. Check it");
    }
    let (secret, mut outlet) = match new_secret_fd {
        // Opened before anything is registered.
        Some(number) => (Secret::new(rand::random::<[u8; NEW_SECRET]>().to_vec()), Some(open_outlet(number)?)),
        None => (otp_secret::parse(&secrets.take("secret", "secret of the token", false)?)?, None),
    };
    let line = otp_secret::to_base32(secret.expose());
    let line = Zeroizing::new([line.expose(), b"\n"].concat());
    bank.add_token(&NewToken { serial: serial.clone(), state, secret }).await.map_err(denied)?;
    if let Some(outlet) = &mut outlet {
        outlet
            .write_all(&line)
            .context("the token is in stock, but its secret was not taken. Take another serial number and try again")?;
    }
    say(&format!("token {serial} in stock"))
}

async fn import(
    bank: &Bank,
    file: &Path,
    check: bool,
    signature_verified: bool,
    secrets: &mut Secrets,
) -> anyhow::Result<()> {
    let unread = || format!("{} cannot be read", file.display());
    // One allocation, so that no copy is left behind by a growing buffer.
    let length = std::fs::metadata(file).with_context(unread)?.len();
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(length)?.min(pskc::MAX_FILE) + 1));
    File::open(file)
        .with_context(unread)?
        .take(pskc::MAX_FILE as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(unread)?;
    let container = pskc::Container::read(&bytes, signature_verified)?;
    let key = match container.need()? {
        Need::Nothing => None,
        Need::Password => Some(Key::Password(secrets.take("pskc_password", "password of the file", false)?)),
        Need::SharedKey => {
            let entered = secrets.take("pskc_key", "pre-shared key of the file, in hexadecimal", false)?;
            let key = hex::decode(entered.expose()).context("the key is not hexadecimal. Ask the sender for it")?;
            Some(Key::Shared(Secret::new(key)))
        }
    };
    let (mut taken, mut bad) = (Vec::new(), 0);
    for pskc::Entry { name, token } in container.open(key.as_ref())? {
        match token.and_then(|token| token.counting_at(bank.now())) {
            Ok(token) => taken.push(token),
            Err(error) => {
                bad += 1;
                say(&format!("token {name} is not taken: {error}"))?;
            }
        }
    }
    for token in &taken {
        let state = &token.state;
        let moving = match state.kind {
            Kind::Hotp => format!("hotp {} {} digits counter {}", state.hash.key(), state.digits, state.next),
            Kind::Totp { period } => format!("totp {} {} digits {period} s", state.hash.key(), state.digits),
        };
        let end = token.ends_at.map_or_else(String::new, |end| format!(" until {}", jst::date(end)));
        say(&format!("token {} {moving}{end}", token.serial))?;
    }
    if bad > 0 {
        bail!(
            "nothing was taken, because of {bad} of {} tokens. Ask the sender for a file without them",
            bad + taken.len()
        );
    }
    if check {
        return say(&format!("{} tokens are good; nothing was taken", taken.len()));
    }
    match bank.import_tokens(&taken).await {
        Ok(new) if new < taken.len() => say(&format!("{} tokens in stock, {new} of them new", taken.len())),
        Ok(new) => say(&format!("{new} tokens in stock")),
        Err(NotImported { denial, serial: Some(serial), .. }) => {
            Err(denied(denial).context(format!("nothing was taken, because of token {serial}")))
        }
        Err(NotImported { denial, taken: 0, .. }) => Err(denied(denial)),
        Err(NotImported { denial, taken: some, .. }) => {
            let left = "Import the file again: it takes those that are missing";
            Err(denied(denial).context(format!("{some} of {} tokens were taken. {left}", taken.len())))
        }
    }
}

async fn list(bank: &Bank, contract: Option<&ContractId>, status: Option<TokenStatus>) -> anyhow::Result<()> {
    for (row, status) in bank.tokens(contract, status).await.map_err(denied)? {
        let holder = row.holder().map_or_else(|| "-".to_owned(), |holder| holder.to_string());
        say(&format!("token {} {} {holder} until {}", row.serial, status.key(), jst::date(row.ends_at)))?;
    }
    Ok(())
}

/// Opened through the name that the kernel gives to it: taking a number over as a descriptor of ours would
/// need a promise that nobody else uses it.
pub(super) fn open_outlet(number: u16) -> anyhow::Result<File> {
    let name = format!("/proc/self/fd/{number}");
    // Behind what is there: the kernel opens it anew, from its beginning.
    File::options().append(true).open(name).with_context(|| {
        format!("descriptor {number} is not open for writing. Open it in the shell, for example {number}>FILE")
    })
}

impl From<HashArgument> for Hash {
    fn from(hash: HashArgument) -> Self {
        match hash {
            HashArgument::Sha1 => Self::Sha1,
            HashArgument::Sha256 => Self::Sha256,
            HashArgument::Sha512 => Self::Sha512,
        }
    }
}

impl From<TokenStatusArgument> for TokenStatus {
    fn from(status: TokenStatusArgument) -> Self {
        match status {
            TokenStatusArgument::Assigned => Self::Assigned,
            TokenStatusArgument::Expired => Self::Expired,
            TokenStatusArgument::Locked => Self::Locked,
            TokenStatusArgument::Registered => Self::Registered,
            TokenStatusArgument::Revoked => Self::Revoked,
            TokenStatusArgument::Stock => Self::Stock,
        }
    }
}
