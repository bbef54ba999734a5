//! Which hardware may hold a certificate's key (D-501 to D-503).

use crate::attestation::{Attested, Flaw};
use crate::settings::DeviceSettings;

/// Why the hardware is not accepted. To the applicant all of it is `Device`; the text is for the record of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Its firmware is too old.
    #[error("firmware too old on device {0}")]
    Firmware(u32),
    /// Its proof is none.
    #[error("{0}")]
    Flaw(#[from] Flaw),
    /// It proved nothing, and a proof is wanted.
    #[error("no proof of where the key was made")]
    Missing,
    /// It does not ask for the PIN often enough.
    #[error("PIN policy too weak on device {0}")]
    Pin(u32),
    /// It is not the one that was named.
    #[error("made in device {0}, which is not the one named")]
    Serial(u32),
    /// It does not want to be touched often enough.
    #[error("touch policy too weak on device {0}")]
    Touch(u32),
}

/// What a key needs before it is certified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// The administrator's word: the key whose fingerprint the user reads out is confirmed (D-503).
    Confirmation,
    /// Nothing more: its device proved this.
    Proven(Attested),
    /// Nothing: no proof is wanted.
    Unproven,
}

/// Whether the first page says that a proof is wanted: without one, nothing could come of the request.
#[must_use]
pub fn wants_proof(named: Option<&str>, is_user: bool, settings: &DeviceSettings) -> bool {
    named.is_some() || settings.required && !(settings.confirm_key && is_user)
}

/// Whether a key may be certified, by what its device proved. `named`: the serial number that the reissue is for; then
/// no other device is accepted, and none that proves nothing. `is_user`: there is an administrator over the holder.
///
/// # Errors
/// [`Unfit`].
pub fn judge(
    proof: Result<Option<Attested>, Flaw>,
    named: Option<&str>,
    is_user: bool,
    settings: &DeviceSettings,
) -> Result<Fit, Unfit> {
    let Some(attested) = proof? else {
        return match (wants_proof(named, is_user, settings), settings.confirm_key && is_user) {
            (true, _) => Err(Unfit::Missing),
            (false, true) => Ok(Fit::Confirmation),
            (false, false) => Ok(Fit::Unproven),
        };
    };
    let serial = attested.serial;
    // As it is printed on the device, perhaps with zeros before it.
    if named.is_some_and(|named| named.trim_start_matches('0') != serial.to_string()) {
        return Err(Unfit::Serial(serial));
    }
    if attested.firmware < settings.minimum_firmware {
        return Err(Unfit::Firmware(serial));
    }
    if !attested.pin.is_at_least(settings.pin_policy) {
        return Err(Unfit::Pin(serial));
    }
    if !attested.touch.is_at_least(settings.touch_policy) {
        return Err(Unfit::Touch(serial));
    }
    Ok(Fit::Proven(attested))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attestation::{Firmware, PinPolicy, TouchPolicy};

    fn good() -> Attested {
        Attested {
            serial: 12_345_678,
            firmware: Firmware::new(5, 7, 1),
            pin: PinPolicy::Once,
            touch: TouchPolicy::Never,
            form_factor: Some(1),
        }
    }

    #[test]
    fn the_named_device_and_no_other() {
        let settings = DeviceSettings::default();
        let good = good();
        for named in [None, Some("12345678"), Some("0012345678")] {
            assert_eq!(
                judge(Ok(Some(good.clone())), named, true, &settings),
                Ok(Fit::Proven(good.clone())),
                "{named:?}"
            );
        }
        for named in ["1234567", "123456789", "abc", "", "0"] {
            assert_eq!(
                judge(Ok(Some(good.clone())), Some(named), true, &settings),
                Err(Unfit::Serial(good.serial)),
                "{named}"
            );
        }
        assert_eq!(judge(Ok(None), Some("12345678"), true, &settings), Err(Unfit::Missing));
        assert_eq!(judge(Err(Flaw::Key), None, true, &settings), Err(Unfit::Flaw(Flaw::Key)));
    }

    #[test]
    fn a_proof_is_wanted_where_the_settings_say_so() {
        let mut settings = DeviceSettings::default();
        assert_eq!(judge(Ok(None), None, true, &settings), Ok(Fit::Unproven));
        settings.required = true;
        assert_eq!(judge(Ok(None), None, true, &settings), Err(Unfit::Missing));
        assert_eq!(judge(Ok(Some(good())), None, true, &settings), Ok(Fit::Proven(good())));
    }

    #[test]
    fn an_administrator_confirms_what_proves_nothing() {
        let mut settings = DeviceSettings { confirm_key: true, ..DeviceSettings::default() };
        for required in [false, true] {
            settings.required = required;
            assert_eq!(judge(Ok(None), None, true, &settings), Ok(Fit::Confirmation));
            assert_eq!(judge(Ok(Some(good())), None, true, &settings), Ok(Fit::Proven(good())), "its word is enough");
            assert_eq!(judge(Ok(None), Some("12345678"), true, &settings), Err(Unfit::Missing), "named, it must prove");
            assert_eq!(judge(Err(Flaw::Key), None, true, &settings), Err(Unfit::Flaw(Flaw::Key)), "a lie is a lie");
        }
        // Nobody is there to confirm the administrator's own.
        assert_eq!(judge(Ok(None), None, false, &settings), Err(Unfit::Missing));
        settings.required = false;
        assert_eq!(judge(Ok(None), None, false, &settings), Ok(Fit::Unproven));
    }

    #[test]
    fn what_is_too_weak_is_refused() {
        let settings = DeviceSettings::default();
        let serial = good().serial;
        let old = Attested { firmware: Firmware::new(4, 3, 4), ..good() };
        let open = Attested { pin: PinPolicy::Never, ..good() };
        assert_eq!(judge(Ok(Some(old)), None, true, &settings), Err(Unfit::Firmware(serial)));
        assert_eq!(judge(Ok(Some(open)), None, true, &settings), Err(Unfit::Pin(serial)));
        let strict = DeviceSettings { touch_policy: TouchPolicy::Cached, ..settings };
        assert_eq!(judge(Ok(Some(good())), None, true, &strict), Err(Unfit::Touch(serial)));
    }
}
