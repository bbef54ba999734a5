//! Commands and answers (ISO/IEC 7816-4 §5).

use std::fmt;

use zeroize::Zeroizing;

/// A command before it is cut into pieces. Its data may be a PIN: they are wiped and never printed.
pub(crate) struct Command {
    pub(crate) ins: u8,
    pub(crate) p1: u8,
    pub(crate) p2: u8,
    pub(crate) data: Zeroizing<Vec<u8>>,
    /// Whether data are wanted back.
    pub(crate) answers: bool,
    /// The instruction that fetches the rest of a long answer.
    pub(crate) rest: u8,
}

/// GET RESPONSE (ISO/IEC 7816-4 §7.6.1).
const GET_RESPONSE: u8 = 0xC0;

impl Command {
    pub(crate) fn new(ins: u8, p1: u8, p2: u8) -> Self {
        Self { ins, p1, p2, data: Zeroizing::new(Vec::new()), answers: true, rest: GET_RESPONSE }
    }

    pub(crate) fn with(self, data: Zeroizing<Vec<u8>>) -> Self {
        Self { data, ..self }
    }

    /// Nothing but a status word is wanted back.
    pub(crate) fn silent(self) -> Self {
        Self { answers: false, ..self }
    }

    /// The rest of a long answer is fetched by this instruction.
    pub(crate) fn continued_by(self, rest: u8) -> Self {
        Self { rest, ..self }
    }

    /// Whether it is long, or its answer may be: certificates, RSA keys and RSA blocks.
    pub(crate) fn is_long(&self) -> bool {
        self.data.len() > 255 || matches!(self.ins, 0x47 | 0xCB | 0xF7 | 0xF9)
    }

    /// As one extended APDU (§5.2).
    pub(crate) fn extended(&self) -> Option<Zeroizing<Vec<u8>>> {
        let mut apdu = Zeroizing::new(Vec::with_capacity(self.data.len() + 9));
        apdu.extend([0, self.ins, self.p1, self.p2]);
        match (u16::try_from(self.data.len()).ok()?.to_be_bytes(), self.answers) {
            ([0, 0], true) => apdu.extend([0, 0, 0]),
            ([0, 0], false) => {}
            ([high, low], answers) => {
                apdu.extend([0, high, low]);
                apdu.extend(self.data.iter());
                if answers {
                    apdu.extend([0, 0]);
                }
            }
        }
        Some(apdu)
    }

    /// As short APDUs, chained where one is not enough (§5.3.3). T=0 carries no Le behind data.
    pub(crate) fn short(&self, t0: bool) -> Vec<Zeroizing<Vec<u8>>> {
        let mut pieces: Vec<&[u8]> = self.data.chunks(255).collect();
        let last = pieces.pop().unwrap_or_default();
        let piece = |class: u8, data: &[u8], answers: bool| {
            let mut apdu = Zeroizing::new(Vec::with_capacity(data.len() + 6));
            apdu.extend([class, self.ins, self.p1, self.p2]);
            if !data.is_empty() {
                apdu.extend(u8::try_from(data.len()));
                apdu.extend(data);
            }
            if answers && (data.is_empty() || !t0) {
                apdu.push(0);
            }
            apdu
        };
        let mut apdus: Vec<_> = pieces.into_iter().map(|data| piece(0x10, data, false)).collect();
        apdus.push(piece(0, last, self.answers));
        apdus
    }
}

/// Header and length only.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X} {:02X} {:02X} Lc={}", self.ins, self.p1, self.p2, self.data.len())
    }
}

/// An answer, put together from its pieces.
pub(crate) struct Answer {
    pub(crate) data: Zeroizing<Vec<u8>>,
    /// The status word (§5.6).
    pub(crate) status: u16,
}

impl Answer {
    pub(crate) const OK: u16 = 0x9000;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(bytes: usize) -> Command {
        Command::new(0xDB, 0x3F, 0xFF).with(Zeroizing::new(vec![7; bytes]))
    }

    #[test]
    fn short_extended_and_chained() {
        assert_eq!(*command(0).extended().unwrap(), [0, 0xDB, 0x3F, 0xFF, 0, 0, 0]);
        assert_eq!(*command(1).extended().unwrap(), [0, 0xDB, 0x3F, 0xFF, 0, 0, 1, 7, 0, 0]);
        assert!(command(70_000).extended().is_none());
        assert_eq!(*command(1).short(false), [Zeroizing::new(vec![0, 0xDB, 0x3F, 0xFF, 1, 7, 0])]);
        assert_eq!(*command(1).short(true), [Zeroizing::new(vec![0, 0xDB, 0x3F, 0xFF, 1, 7])]);
        assert_eq!(*command(0).short(true), [Zeroizing::new(vec![0, 0xDB, 0x3F, 0xFF, 0])]);
        assert_eq!(*command(0).silent().short(false), [Zeroizing::new(vec![0, 0xDB, 0x3F, 0xFF])]);
        let chain = command(300).short(false);
        assert_eq!(chain.iter().map(|a| (a[0], a.len())).collect::<Vec<_>>(), [(0x10, 260), (0, 51)]);
    }

    #[test]
    fn a_pin_is_not_printed() {
        let verify = Command::new(0x20, 0, 0x80).with(Zeroizing::new(b"314159\xff\xff".to_vec()));
        let text = format!("{verify:?}");
        assert_eq!(text, "20 00 80 Lc=8");
    }
}
