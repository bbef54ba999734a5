//! Object identifiers.

use der::asn1::ObjectIdentifier;

macro_rules! oids {
    ($($(#[$doc:meta])* $name:ident = $oid:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: ObjectIdentifier = ObjectIdentifier::new_unwrap($oid);)*
    };
}

oids! {
    /// `id-it-implicitConfirm` (RFC 9810 §5.1.1.1).
    IT_IMPLICIT_CONFIRM = "1.3.6.1.5.5.7.4.13";
    /// `id-it-confirmWaitTime` (RFC 9810 §5.1.1.2).
    IT_CONFIRM_WAIT_TIME = "1.3.6.1.5.5.7.4.14";
    /// `id-it-caCerts` (RFC 9483 §4.3.1).
    IT_CA_CERTS = "1.3.6.1.5.5.7.4.17";
    /// `id-it-certReqTemplate` (RFC 9483 §4.3.3).
    IT_CERT_REQ_TEMPLATE = "1.3.6.1.5.5.7.4.19";
    /// `id-regCtrl-regToken` (RFC 4211 §6.1): the one-time password.
    CTRL_REG_TOKEN = "1.3.6.1.5.5.7.5.1.1";
    /// `id-regCtrl-authenticator` (RFC 4211 §6.2): the user PIN.
    CTRL_AUTHENTICATOR = "1.3.6.1.5.5.7.5.1.2";
    /// `id-regCtrl-algId` (RFC 9810 §5.3.19.16).
    CTRL_ALG_ID = "1.3.6.1.5.5.7.5.1.11";
    /// `id-regCtrl-rsaKeyLen` (RFC 9810 §5.3.19.16).
    CTRL_RSA_KEY_LEN = "1.3.6.1.5.5.7.5.1.12";
    /// `id-ce-cRLReasons` (RFC 5280 §5.3.1).
    EXT_REASON_CODE = "2.5.29.21";
    /// `id-aa-attestation` (draft-ietf-lamps-csr-attestation; registered as `id-aa-evidence`): where the key was
    /// made.
    AA_ATTESTATION = "1.2.840.113549.1.9.16.2.59";
    /// The statement is an attestation certificate of Yubico's PIV application: the name that certificate has in
    /// requests made with Yubico's tools (`PKCS#10` extension).
    YUBICO_ATTESTATION = "1.3.6.1.4.1.41482.3.1";
    /// Yubico's attestation: the device's serial number. In a template: the device that the certificate is for.
    YUBICO_SERIAL = "1.3.6.1.4.1.41482.3.7";
    /// Yubico's attestation: PIN policy and touch policy. In a template: those that the new key is to have.
    YUBICO_POLICY = "1.3.6.1.4.1.41482.3.8";
    /// `id-PasswordBasedMac` (RFC 9810 §5.1.3.1).
    PASSWORD_BASED_MAC = "1.2.840.113533.7.66.13";
    /// `id-PBMAC1` (RFC 8018 appendix A.5, RFC 9481 §6.1.2).
    PBMAC1 = "1.2.840.113549.1.5.14";
    /// `id-PBKDF2` (RFC 8018 appendix A.2).
    PBKDF2 = "1.2.840.113549.1.5.12";
    /// `hmac-SHA1` as CMP names it (RFC 4210 appendix D.2).
    HMAC_SHA1_PKIX = "1.3.6.1.5.5.8.1.2";
    /// `id-hmacWithSHA1` (RFC 8018 appendix B.1.1).
    HMAC_SHA1 = "1.2.840.113549.2.7";
    /// `id-hmacWithSHA256`.
    HMAC_SHA256 = "1.2.840.113549.2.9";
    /// `id-hmacWithSHA384`.
    HMAC_SHA384 = "1.2.840.113549.2.10";
    /// `id-hmacWithSHA512`.
    HMAC_SHA512 = "1.2.840.113549.2.11";
    /// `id-sha1`.
    SHA1 = "1.3.14.3.2.26";
    /// `id-sha256`.
    SHA256 = "2.16.840.1.101.3.4.2.1";
    /// `id-sha384`.
    SHA384 = "2.16.840.1.101.3.4.2.2";
    /// `id-sha512`.
    SHA512 = "2.16.840.1.101.3.4.2.3";
    /// `ecdsa-with-SHA256`.
    ECDSA_SHA256 = "1.2.840.10045.4.3.2";
    /// `ecdsa-with-SHA384`.
    ECDSA_SHA384 = "1.2.840.10045.4.3.3";
    /// `id-Ed25519`, key and signature (RFC 8410 §3).
    ED25519 = "1.3.101.112";
    /// `sha256WithRSAEncryption`.
    RSA_SHA256 = "1.2.840.113549.1.1.11";
    /// `id-ecPublicKey`.
    EC_PUBLIC_KEY = "1.2.840.10045.2.1";
    /// `secp256r1`.
    P256 = "1.2.840.10045.3.1.7";
    /// `secp384r1`.
    P384 = "1.3.132.0.34";
}
