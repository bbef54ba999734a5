//! A QR code (ISO/IEC 18004) as one path of an SVG.

use std::fmt::Write;

use qrcode::{Color, QrCode};

/// Light modules around (§9.1).
const QUIET: usize = 4;

/// A QR code, ready to be drawn.
#[derive(Debug)]
pub(super) struct Qr {
    /// Modules on a side, the quiet zone with them.
    pub(super) side: usize,
    /// The dark modules, as a path.
    pub(super) path: String,
}

impl Qr {
    /// Of this text, where it fits.
    pub(super) fn of(text: &str) -> Option<Self> {
        let code = QrCode::new(text).ok()?;
        let mut path = String::new();
        for (at, color) in code.to_colors().into_iter().enumerate() {
            if color == Color::Dark {
                let (x, y) = (at % code.width() + QUIET, at / code.width() + QUIET);
                write!(path, "M{x} {y}h1v1h-1z").ok()?;
            }
        }
        Some(Self { side: code.width() + 2 * QUIET, path })
    }
}
