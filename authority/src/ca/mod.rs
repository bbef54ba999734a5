//! The certification authority: root, issuing CA, and the certificates they sign.
