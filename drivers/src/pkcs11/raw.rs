//! `C_Sign` itself, called without the bindings.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use ::token::Fault;
use cryptoki::error::Rv;
use cryptoki::session::Session;
use cryptoki_sys::{CK_FUNCTION_LIST, CK_RV, CK_ULONG};

use super::fault::{by_code, device};

/// Longest signature, in bytes: RSA of 4096 bits.
const MAX_SIGNATURE: usize = 512;

type SignFunction = unsafe extern "C" fn(CK_ULONG, *mut u8, CK_ULONG, *mut u8, *mut CK_ULONG) -> CK_RV;

/// `C_Sign` itself. The bindings offer it only together with a `C_SignInit` before it, which leaves
/// no place for the login of a key that wants one for each use, and with a call that asks for the
/// length first, which on a card may be one exchange too many.
#[derive(Clone)]
pub(super) struct RawSign {
    function: SignFunction,
    /// Keeps the function where it is.
    _library: Arc<cryptoki_sys::Pkcs11>,
}

impl RawSign {
    /// Finds the function in the module's list.
    pub(super) fn of(module: &Path) -> Result<Self, Fault> {
        #[expect(unsafe_code, reason = "a C library is loaded and asked for its function list")]
        // SAFETY: the module was loaded by this path before, so its constructors have run; the list
        // that C_GetFunctionList points to lives as long as the library (PKCS#11 v3.1 §5.4.4).
        let (library, function) = unsafe {
            let library =
                cryptoki_sys::Pkcs11::new(module).map_err(|_| device("dlopen: the module cannot be loaded"))?;
            let entry =
                library.C_GetFunctionList.as_ref().map_err(|_| device("dlopen: C_GetFunctionList is missing"))?;
            let mut list: *mut CK_FUNCTION_LIST = std::ptr::null_mut();
            let code = entry(&raw mut list);
            if code != cryptoki_sys::CKR_OK || list.is_null() {
                return Err(device("C_GetFunctionList: no list"));
            }
            let function = std::ptr::read_unaligned(&raw const (*list).C_Sign);
            (library, function)
        };
        let function = function.ok_or_else(|| device("the module lacks C_Sign"))?;
        Ok(Self { function, _library: Arc::new(library) })
    }

    /// Ends the signature that was begun on the session.
    pub(super) fn sign(&self, session: &Session, input: &[u8]) -> Result<Vec<u8>, Fault> {
        let length = |n: usize| CK_ULONG::try_from(n).map_err(|_| device("C_Sign: too long"));
        // More than any signature has: a module that writes a little too much is caught by length.
        let mut signature = vec![0u8; 2 * MAX_SIGNATURE];
        let mut written = length(signature.len())?;
        #[expect(unsafe_code, reason = "C_Sign is a C function")]
        // SAFETY: both buffers live through the call with the lengths given; the module reads the
        // input and writes at most `written` bytes of the output (PKCS#11 v3.1 §5.2).
        let code = unsafe {
            (self.function)(
                session.handle(),
                input.as_ptr().cast_mut(),
                length(input.len())?,
                signature.as_mut_ptr(),
                &raw mut written,
            )
        };
        if let Rv::Error(code) = Rv::from(code) {
            return Err(by_code(code, "C_Sign"));
        }
        match usize::try_from(written) {
            Ok(written) if written <= signature.len() => signature.truncate(written),
            _ => return Err(device("C_Sign: more bytes than there was room for")),
        }
        Ok(signature)
    }
}

impl fmt::Debug for RawSign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawSign")
    }
}
