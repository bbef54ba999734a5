//! PKCS#11 URIs (RFC 7512): naming a module, a token or a key from outside.
//!
//! A URI never carries a secret here: `pin-value` and `pin-source` are refused, the first because
//! it *is* the PIN, the second because following it reads a file or runs a program.

use std::fmt;
use std::str::FromStr;

/// Longest URI that is read, in bytes.
const MAX_URI: usize = 2048;

/// What is known of the wanted object; a part that is not given fits everything (§2.5).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uri {
    /// `token`: the token's label.
    pub token: Option<String>,
    /// `manufacturer`: who made the token.
    pub manufacturer: Option<String>,
    /// `model` of the token.
    pub model: Option<String>,
    /// `serial` of the token.
    pub serial: Option<String>,
    /// `object`: `CKA_LABEL`.
    pub object: Option<String>,
    /// `type`: what kind of object.
    pub kind: Option<Kind>,
    /// `id`: `CKA_ID`, bytes.
    pub id: Option<Vec<u8>>,
    /// `slot-id`: `CK_SLOT_ID`.
    pub slot_id: Option<u64>,
    /// `slot-description`.
    pub slot_description: Option<String>,
    /// `slot-manufacturer`.
    pub slot_manufacturer: Option<String>,
    /// `library-description`.
    pub library_description: Option<String>,
    /// `library-manufacturer`.
    pub library_manufacturer: Option<String>,
    /// `library-version`, major and minor.
    pub library_version: Option<(u8, u8)>,
    /// `module-path` (query): the module's shared object.
    pub module_path: Option<String>,
    /// `module-name` (query): the module's name without `lib` and `.so`.
    pub module_name: Option<String>,
}

/// `type` of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `cert`
    Certificate,
    /// `data`
    Data,
    /// `private`
    PrivateKey,
    /// `public`
    PublicKey,
    /// `secret-key`
    SecretKey,
}

/// Why a text is not a usable PKCS#11 URI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUri {
    /// An attribute twice, which §2.3 forbids.
    #[error("{0} stands twice in the PKCS#11 URI. Write it once.")]
    Double(&'static str),
    /// A percent sign without two hexadecimal digits, a character that must be escaped, or bytes
    /// that are not UTF-8 where text must stand.
    #[error("The PKCS#11 URI is not well-formed. Escape special characters as %XX.")]
    Escape,
    /// No `=`, or an attribute that RFC 7512 does not know.
    #[error("The PKCS#11 URI has an attribute that is not known. Use those of RFC 7512.")]
    Attribute,
    /// Longer than 2048 bytes.
    #[error("The PKCS#11 URI is too long. Leave out what is not needed.")]
    Length,
    /// Not `pkcs11:`.
    #[error("This is not a PKCS#11 URI. It begins with pkcs11:.")]
    Scheme,
    /// `pin-value` or `pin-source`.
    #[error("A PKCS#11 URI must not carry or fetch a PIN. Leave the PIN out; it is asked for.")]
    Secret,
    /// A value that is not of its attribute's form.
    #[error("The value of {0} in the PKCS#11 URI is not of its form. Correct it.")]
    Value(&'static str),
}

impl FromStr for Uri {
    type Err = BadUri;

    fn from_str(text: &str) -> Result<Self, BadUri> {
        if text.len() > MAX_URI {
            return Err(BadUri::Length);
        }
        let (scheme, rest) = text.split_once(':').ok_or(BadUri::Scheme)?;
        if !scheme.eq_ignore_ascii_case("pkcs11") {
            return Err(BadUri::Scheme);
        }
        let (path, query) = rest.split_once('?').map_or((rest, ""), |(path, query)| (path, query));
        let mut uri = Self::default();
        for (name, value) in attributes(path, ';')? {
            uri.take_path(name, value)?;
        }
        for (name, value) in attributes(query, '&')? {
            uri.take_query(name, value)?;
        }
        Ok(uri)
    }
}

impl Uri {
    fn take_path(&mut self, name: &str, value: &str) -> Result<(), BadUri> {
        match name {
            "token" => once("token", &mut self.token, text(value)?),
            "manufacturer" => once("manufacturer", &mut self.manufacturer, text(value)?),
            "model" => once("model", &mut self.model, text(value)?),
            "serial" => once("serial", &mut self.serial, text(value)?),
            "object" => once("object", &mut self.object, text(value)?),
            "type" => once("type", &mut self.kind, Kind::from_name(value).ok_or(BadUri::Value("type"))?),
            "id" => once("id", &mut self.id, bytes(value, PATH_PLAIN)?),
            "slot-id" => once("slot-id", &mut self.slot_id, number(value).ok_or(BadUri::Value("slot-id"))?),
            "slot-description" => once("slot-description", &mut self.slot_description, text(value)?),
            "slot-manufacturer" => once("slot-manufacturer", &mut self.slot_manufacturer, text(value)?),
            "library-description" => once("library-description", &mut self.library_description, text(value)?),
            "library-manufacturer" => once("library-manufacturer", &mut self.library_manufacturer, text(value)?),
            "library-version" => {
                let version = version(value).ok_or(BadUri::Value("library-version"))?;
                once("library-version", &mut self.library_version, version)
            }
            "pin-value" | "pin-source" => Err(BadUri::Secret),
            _ => Err(BadUri::Attribute),
        }
    }

    fn take_query(&mut self, name: &str, value: &str) -> Result<(), BadUri> {
        let value = || String::from_utf8(bytes(value, QUERY_PLAIN)?).map_err(|_| BadUri::Escape);
        match name {
            "module-path" => once("module-path", &mut self.module_path, value()?),
            "module-name" => once("module-name", &mut self.module_name, value()?),
            "pin-value" | "pin-source" => Err(BadUri::Secret),
            _ => Err(BadUri::Attribute),
        }
    }

    /// Whether the URI's token part fits a token. Empty serials and labels are compared as they are.
    #[must_use]
    pub fn fits_token(&self, label: &str, manufacturer: &str, model: &str, serial: &str) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        fits(&self.token, label)
            && fits(&self.manufacturer, manufacturer)
            && fits(&self.model, model)
            && fits(&self.serial, serial)
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pkcs11:")?;
        let mut between = "";
        let text = |value: &Option<String>| value.as_ref().map(|v| escape(v.as_bytes(), PATH_PLAIN));
        let path = [
            ("token", text(&self.token)),
            ("manufacturer", text(&self.manufacturer)),
            ("model", text(&self.model)),
            ("serial", text(&self.serial)),
            ("object", text(&self.object)),
            ("type", self.kind.map(|kind| kind.name().to_owned())),
            // Every byte escaped, as §2.3 recommends for id.
            ("id", self.id.as_ref().map(|id| escape(id, ""))),
            ("slot-id", self.slot_id.map(|id| id.to_string())),
            ("slot-description", text(&self.slot_description)),
            ("slot-manufacturer", text(&self.slot_manufacturer)),
            ("library-description", text(&self.library_description)),
            ("library-manufacturer", text(&self.library_manufacturer)),
            ("library-version", self.library_version.map(|(major, minor)| format!("{major}.{minor}"))),
        ];
        for (name, value) in path {
            if let Some(value) = value {
                write!(f, "{between}{name}={value}")?;
                between = ";";
            }
        }
        between = "?";
        for (name, value) in [("module-path", &self.module_path), ("module-name", &self.module_name)] {
            if let Some(value) = value {
                write!(f, "{between}{name}={}", escape(value.as_bytes(), QUERY_PLAIN))?;
                between = "&";
            }
        }
        Ok(())
    }
}

impl Kind {
    const ALL: [Self; 5] = [Self::Certificate, Self::Data, Self::PrivateKey, Self::PublicKey, Self::SecretKey];

    fn name(self) -> &'static str {
        match self {
            Self::Certificate => "cert",
            Self::Data => "data",
            Self::PrivateKey => "private",
            Self::PublicKey => "public",
            Self::SecretKey => "secret-key",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What may stand unescaped in the path beside letters and digits (§2.3, `pk11-pchar`).
const PATH_PLAIN: &str = "-._~:[]@!$'()*+,=&";

/// The same in the query (`pk11-qchar`): `/` and `?` are plain there, `&` divides.
const QUERY_PLAIN: &str = "-._~:[]@!$'()*+,=/?|";

fn attributes(part: &str, divider: char) -> Result<Vec<(&str, &str)>, BadUri> {
    if part.is_empty() {
        return Ok(Vec::new());
    }
    part.split(divider).map(|attribute| attribute.split_once('=').ok_or(BadUri::Attribute)).collect()
}

fn once<T>(name: &'static str, place: &mut Option<T>, value: T) -> Result<(), BadUri> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(BadUri::Double(name)),
    }
}

fn text(value: &str) -> Result<String, BadUri> {
    String::from_utf8(bytes(value, PATH_PLAIN)?).map_err(|_| BadUri::Escape)
}

fn bytes(value: &str, plain: &str) -> Result<Vec<u8>, BadUri> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16)).ok_or(BadUri::Escape);
            let (high, low) = (digit(rest.next())?, digit(rest.next())?);
            out.push(u8::try_from(high * 16 + low).map_err(|_| BadUri::Escape)?);
        } else if byte.is_ascii_alphanumeric() || plain.as_bytes().contains(&byte) {
            out.push(byte);
        } else {
            return Err(BadUri::Escape);
        }
    }
    Ok(out)
}

fn escape(value: &[u8], plain: &str) -> String {
    use fmt::Write;
    let mut out = String::with_capacity(value.len());
    for &byte in value {
        let kept = !plain.is_empty() && (byte.is_ascii_alphanumeric() || plain.as_bytes().contains(&byte));
        if kept {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Digits only: `u64::from_str` would take a sign.
fn number(value: &str) -> Option<u64> {
    value.bytes().all(|b| b.is_ascii_digit()).then(|| value.parse().ok()).flatten()
}

fn version(value: &str) -> Option<(u8, u8)> {
    let (major, minor) = value.split_once('.').unwrap_or((value, "0"));
    let part = |digits: &str| number(digits).and_then(|n| u8::try_from(n).ok());
    Some((part(major)?, part(minor)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_standards_examples_are_read() {
        // RFC 7512 §3, those without a PIN.
        for text in [
            "pkcs11:",
            "pkcs11:object=my-pubkey;type=public",
            "pkcs11:object=my-key;type=private",
            "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;\
             object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial=",
            "pkcs11:slot-description=Sun%20Metaslot",
            "pkcs11:library-manufacturer=Snake%20Oil,%20Inc.;library-description=Soft%20Token%20Library;\
             library-version=1.23",
            "pkcs11:object=my-sign-key;type=private?module-name=mypkcs11",
            "pkcs11:object=my-sign-key;type=private?module-path=/mnt/libmypkcs11.so.1",
            "pkcs11:slot-id=327",
        ] {
            let uri: Uri = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(uri.to_string().parse::<Uri>().unwrap(), uri, "{text}");
        }
        let uri: Uri = "pkcs11:token=a%3bb;id=%01%ff".parse().unwrap();
        assert_eq!((uri.token.as_deref(), uri.id.as_deref()), (Some("a;b"), Some([1, 255].as_slice())));
        assert!(uri.fits_token("a;b", "", "", "1") && !uri.fits_token("a", "", "", "1"));
    }

    #[test]
    fn secrets_and_nonsense_are_refused() {
        for (text, why) in [
            ("pkcs11:token=x?pin-value=1234", BadUri::Secret),
            ("pkcs11:token=x?pin-source=file:/etc/pin", BadUri::Secret),
            ("pkcs11:pin-value=1234", BadUri::Secret),
            ("pkcs12:token=x", BadUri::Scheme),
            ("token=x", BadUri::Scheme),
            ("pkcs11:token", BadUri::Attribute),
            ("pkcs11:colour=red", BadUri::Attribute),
            ("pkcs11:token=a;token=b", BadUri::Double("token")),
            ("pkcs11:token=a b", BadUri::Escape),
            ("pkcs11:token=%4", BadUri::Escape),
            ("pkcs11:token=%ff", BadUri::Escape),
            ("pkcs11:slot-id=+1", BadUri::Value("slot-id")),
            ("pkcs11:library-version=1.999", BadUri::Value("library-version")),
            ("pkcs11:type=key", BadUri::Value("type")),
        ] {
            assert_eq!(text.parse::<Uri>(), Err(why), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_parser_is_total(text in ".{0,200}") {
            let _ = text.parse::<Uri>();
        }

        #[test]
        fn what_is_read_is_written_the_same(text in "pkcs11:(token|id|object|serial|slot-id|type)=[a-z0-9%;=.]{0,20}") {
            if let Ok(uri) = text.parse::<Uri>() {
                prop_assert_eq!(uri.to_string().parse::<Uri>(), Ok(uri));
            }
        }

        #[test]
        fn any_value_round_trips(
            token in proptest::option::of(".{0,20}"), object in proptest::option::of(".{0,20}"),
            path in proptest::option::of(".{0,20}"), id in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20)),
            slot_id in proptest::option::of(any::<u64>()), version in proptest::option::of(any::<(u8, u8)>()),
        ) {
            let uri = Uri { token, object, id, slot_id, library_version: version, module_path: path, ..Uri::default() };
            prop_assert_eq!(uri.to_string().parse::<Uri>(), Ok(uri));
        }
    }
}
