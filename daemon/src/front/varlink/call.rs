//! Calls and answers (varlink.org, "Protocol").

use std::os::fd::OwnedFd;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::frame::shallow;
use crate::service::Error;

/// A method call.
#[derive(Debug, Deserialize)]
pub(super) struct Call {
    pub(super) method: String,
    #[serde(default)]
    pub(super) parameters: Option<Value>,
    /// The caller wants no answer.
    #[serde(default)]
    pub(super) oneway: bool,
    /// The caller takes several answers.
    #[serde(default)]
    pub(super) more: bool,
}

/// Why a call is answered with an error.
#[derive(Debug)]
pub(super) enum Failure {
    /// No such interface is served.
    InterfaceNotFound(String),
    /// A parameter is missing, unknown or of another form.
    InvalidParameter(String),
    /// No such method.
    MethodNotFound(String),
    /// The service refused.
    Service(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Service(error)
    }
}

/// What a method yields: parameters, and perhaps a descriptor that goes along with them.
#[derive(Debug)]
pub(super) struct Yield {
    pub(super) parameters: Value,
    pub(super) descriptor: Option<OwnedFd>,
}

impl From<Value> for Yield {
    fn from(parameters: Value) -> Self {
        Self { parameters, descriptor: None }
    }
}

/// One answer, ready for the wire.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    #[serde(skip)]
    pub(super) descriptor: Option<OwnedFd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    parameters: Value,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    continues: bool,
}

impl Call {
    /// Parses a message; `None` for what is no call at all.
    pub(super) fn parse(message: &[u8]) -> Option<Self> {
        if !shallow(message) {
            return None;
        }
        serde_json::from_slice(message).ok()
    }

    /// The parameters as this method takes them.
    pub(super) fn take<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        let parameters = self.parameters.take().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        serde_json::from_value(parameters).map_err(|error| {
            // serde names the field between back-ticks.
            let text = error.to_string();
            Failure::InvalidParameter(text.split('`').nth(1).unwrap_or("parameters").to_owned())
        })
    }
}

impl Answer {
    /// The last answer to a call.
    pub(super) fn last(yielded: Yield) -> Self {
        let Yield { parameters, descriptor } = yielded;
        Self { descriptor, error: None, parameters, continues: false }
    }

    /// An answer that others follow.
    pub(super) fn more(parameters: Value) -> Self {
        Self { descriptor: None, error: None, parameters, continues: true }
    }

    /// An error.
    pub(super) fn failure(failure: &Failure) -> Self {
        let standard = |name: &str, key: &str, value: &str| {
            (format!("org.varlink.service.{name}"), serde_json::json!({ key: value }))
        };
        let (error, parameters) = match failure {
            Failure::InterfaceNotFound(name) => standard("InterfaceNotFound", "interface", name),
            Failure::InvalidParameter(name) => standard("InvalidParameter", "parameter", name),
            Failure::MethodNotFound(name) => standard("MethodNotFound", "method", name),
            Failure::Service(error) => (super::wire_name(error), super::parameters(error)),
        };
        Self { descriptor: None, error: Some(error), parameters, continues: false }
    }

    /// The message, without its NUL.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        // Values made of strings, numbers and maps with string keys always have a JSON form.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
