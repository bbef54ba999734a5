//! The card management key 9B (SP 800-73-5 part 1 §2.4.2, part 2 §3.2.4): who has it may write.
//!
//! Jitsuin keeps none of its own. It uses the one that the card protects with the PIN, where Yubico's
//! tools have set that up, or the one that every YubiKey leaves the factory with.

use ::token::Fault;
use aes::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::fault::Step;
use super::object::{ADMIN_DATA, PRINTED};
use super::session::Session;
use crate::card::apdu::Command;
use crate::card::fault::malformed;
use crate::card::tlv;

/// The key reference.
const ADMIN: u8 = 0x9B;

/// The factory's key, for all ciphers with 24 bytes.
const FACTORY: [u8; 24] = [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8];

/// Where the management key is to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeper {
    /// Nobody has changed it.
    Factory,
    /// The card gives it out against the PIN.
    Card,
    /// Whoever set it.
    Elsewhere,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    TripleDes,
}

impl Cipher {
    /// By its identifier (SP 800-78-5 table 5).
    fn from_id(id: u8) -> Option<Self> {
        match id {
            0x00 | 0x03 => Some(Self::TripleDes),
            0x08 => Some(Self::Aes128),
            0x0A => Some(Self::Aes192),
            0x0C => Some(Self::Aes256),
            _ => None,
        }
    }

    fn block(self, key: &[u8], block: &[u8], encrypts: bool) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::Aes128 => one_block::<aes::Aes128>(key, block, encrypts),
            Self::Aes192 => one_block::<aes::Aes192>(key, block, encrypts),
            Self::Aes256 => one_block::<aes::Aes256>(key, block, encrypts),
            Self::TripleDes => one_block::<des::TdesEde3>(key, block, encrypts),
        }
    }
}

impl Session {
    /// Who has the management key, asked without proving anything.
    pub(super) fn keeper(&mut self) -> Result<Keeper, Fault> {
        let Some(said) = self.metadata(ADMIN)? else { return Ok(Keeper::Elsewhere) };
        if tlv::find(&said, 0x05) == Some(&[1]) {
            return Ok(Keeper::Factory);
        }
        // Yubico's tools: 80 { 81 flags }, of which 02 says that the key is protected by the PIN.
        let flags = self.object(ADMIN_DATA)?.and_then(|data| {
            let data = tlv::find(&data, 0x80)?;
            tlv::find(data, 0x81).and_then(|f| f.first().copied())
        });
        Ok(if flags.is_some_and(|f| f & 0x02 != 0) { Keeper::Card } else { Keeper::Elsewhere })
    }

    /// Proves the management key, once a session. The card proves that it has it, too.
    ///
    /// # Errors
    /// [`Fault::WriteProtected`] when it is not to be had, or is another.
    pub(super) fn become_admin(&mut self) -> Result<(), Fault> {
        if self.admin {
            return Ok(());
        }
        let said = self.metadata(ADMIN)?.ok_or(Fault::WriteProtected)?;
        let id = tlv::find(&said, 0x01).and_then(|id| id.first().copied()).ok_or_else(torn)?;
        let cipher = Cipher::from_id(id).ok_or_else(torn)?;
        let key = match self.keeper()? {
            Keeper::Factory => Zeroizing::new(FACTORY.to_vec()),
            Keeper::Card => self.protected_key()?.ok_or(Fault::WriteProtected)?,
            Keeper::Elsewhere => return Err(Fault::WriteProtected),
        };
        let asks = Zeroizing::new(vec![0x7C, 0x02, 0x80, 0x00]);
        let answer = self.done_with(Step::AuthenticateAdmin, Command::new(0x87, id, ADMIN).with(asks))?;
        let witness = tlv::only(&answer.data, 0x7C).and_then(|t| tlv::find(t, 0x80)).ok_or_else(torn)?;
        let proof = cipher.block(&key, witness, false).ok_or(Fault::WriteProtected)?;
        let mut challenge = rand::random::<[u8; 16]>().to_vec();
        challenge.truncate(proof.len());
        let expected = cipher.block(&key, &challenge, true).ok_or_else(torn)?;
        let parts = [tlv::make(0x80, &proof).as_slice(), &tlv::make(0x81, &challenge)].concat();
        let answers = tlv::make(0x7C, &parts);
        let answer = self.done_with(Step::AuthenticateAdmin, Command::new(0x87, id, ADMIN).with(answers))?;
        let response = tlv::only(&answer.data, 0x7C).and_then(|t| tlv::find(t, 0x82)).ok_or_else(torn)?;
        if !bool::from(response.ct_eq(&expected)) {
            return Err(torn());
        }
        self.admin = true;
        Ok(())
    }

    /// Yubico's tools: 88 { 89 key } in the printed information.
    fn protected_key(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
        let printed = self.object(PRINTED)?;
        let key = printed.as_deref().and_then(|p| tlv::find(p, 0x88)).and_then(|p| tlv::find(p, 0x89));
        Ok(key.map(|key| Zeroizing::new(key.to_vec())))
    }
}

fn torn() -> Fault {
    malformed(Step::AuthenticateAdmin)
}

fn one_block<C: KeyInit + BlockCipherEncrypt + BlockCipherDecrypt>(
    key: &[u8],
    block: &[u8],
    encrypts: bool,
) -> Option<Zeroizing<Vec<u8>>> {
    let cipher = C::new_from_slice(key).ok()?;
    let mut block = Block::<C>::try_from(block).ok()?;
    if encrypts {
        cipher.encrypt_block(&mut block)
    } else {
        cipher.decrypt_block(&mut block)
    }
    Some(Zeroizing::new(block.to_vec()))
}
