//! org.varlink.service: what this socket says of itself.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Call, Failure};

/// The interface that is served.
pub const INTERFACE: &str = "org.jitsuin.Jitsuin1";

/// Its description, word for word as it stands in `dbus/`.
pub const DESCRIPTION: &str = include_str!("../../../../dbus/org.jitsuin.Jitsuin1.varlink");

const SERVICE: &str = "org.varlink.service";

/// The standard interface (varlink.org, "Service").
const SERVICE_DESCRIPTION: &str = "\
# What every Varlink service answers.
interface org.varlink.service

method GetInfo() -> (vendor: string, product: string, version: string, url: string, interfaces: []string)

method GetInterfaceDescription(interface: string) -> (description: string)

error InterfaceNotFound (interface: string)
error MethodNotFound (method: string)
error MethodNotImplemented (method: string)
error InvalidParameter (parameter: string)
error PermissionDenied ()
error ExpectedMore ()
";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    interface: String,
}

/// Answers a call of this interface.
pub(super) fn answer(method: &str, call: &mut Call) -> Result<Value, Failure> {
    match method {
        "GetInfo" => Ok(json!({
            "vendor": "Jitsuin",
            "product": "jitsuind",
            "version": env!("CARGO_PKG_VERSION"),
            "url": "",
            "interfaces": [SERVICE, INTERFACE],
        })),
        "GetInterfaceDescription" => {
            let Described { interface } = call.take()?;
            match interface.as_str() {
                SERVICE => Ok(json!({ "description": SERVICE_DESCRIPTION })),
                INTERFACE => Ok(json!({ "description": DESCRIPTION })),
                _ => Err(Failure::InterfaceNotFound(interface)),
            }
        }
        _ => Err(Failure::MethodNotFound(format!("{SERVICE}.{method}"))),
    }
}
