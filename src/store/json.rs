//! JSON objects with secrets in them: parsed into strings that are wiped, written into one buffer
//! that is wiped. What the fields mean is not known here.
//!
//! # Security
//!
//! No error quotes the text. serde_json copies a string that holds escapes through a buffer of
//! its own, which is not wiped; base64 and password hashes hold none.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    base::{Secret, SecretText},
    ports::store::StoreError,
};

/// The format that this version writes and reads.
pub(super) const FORMAT: u64 = 1;

/// Why a text is not a record. Never shows the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Not a JSON object.
    #[error("it is not a JSON object")]
    NotObject,
    /// A field is missing or of a wrong form.
    #[error("its field {0} is missing or malformed")]
    Field(&'static str),
    /// Written by a newer version of the program in a way this one must not touch.
    #[error("it has format {0}, this version of mail2fa reads format {FORMAT}")]
    Newer(u64),
}

impl From<CodecError> for StoreError {
    fn from(error: CodecError) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// A parsed JSON object whose strings are wiped when it goes.
pub(super) struct Wiped(pub(super) Map<String, Value>);

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

pub(super) fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl Wiped {
    pub(super) fn parse(text: &[u8]) -> Result<Self, CodecError> {
        match serde_json::from_slice(text) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(mut other) => {
                wipe(&mut other);
                Err(CodecError::NotObject)
            }
            Err(_) => Err(CodecError::NotObject),
        }
    }

    pub(super) fn check_format(&mut self) -> Result<(), CodecError> {
        match self.number("version")? {
            FORMAT => Ok(()),
            0 => Err(CodecError::Field("version")),
            newer => Err(CodecError::Newer(newer)),
        }
    }

    pub(super) fn number(&mut self, name: &'static str) -> Result<u64, CodecError> {
        self.0.remove(name).and_then(|value| value.as_u64()).ok_or(CodecError::Field(name))
    }

    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<SecretText>, CodecError> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(SecretText::new(text))),
            Some(mut other) => {
                wipe(&mut other);
                Err(CodecError::Field(name))
            }
        }
    }

    pub(super) fn bytes(&mut self, name: &'static str) -> Result<Secret, CodecError> {
        let text = self.text(name)?.ok_or(CodecError::Field(name))?;
        decode_base64(text.expose()).ok_or(CodecError::Field(name))
    }
}

/// Writes JSON into one buffer that is wiped.
pub(super) struct JsonObject {
    out: Zeroizing<Vec<u8>>,
}

impl JsonObject {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        let mut out = Zeroizing::new(Vec::with_capacity(capacity));
        out.push(b'{');
        Self { out }
    }

    pub(super) fn key(&mut self, name: &str) {
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    pub(super) fn open(&mut self) {
        self.out.push(b'{');
    }

    pub(super) fn close(&mut self) {
        self.out.push(b'}');
    }

    pub(super) fn number(&mut self, name: &str, number: u64) {
        self.key(name);
        self.out.extend_from_slice(number.to_string().as_bytes());
    }

    pub(super) fn base64(&mut self, name: &str, bytes: &[u8]) {
        self.key(name);
        self.out.push(b'"');
        let encoded = Zeroizing::new(STANDARD.encode(bytes));
        self.out.extend_from_slice(encoded.as_bytes());
        self.out.push(b'"');
    }

    /// A value that is JSON already.
    pub(super) fn raw(&mut self, name: &str, json: &str) {
        self.key(name);
        self.out.extend_from_slice(json.as_bytes());
    }

    pub(super) fn value(&mut self, name: &'static str, text: &str) -> Result<(), CodecError> {
        self.key(name);
        serde_json::to_writer(&mut *self.out, text).map_err(|_| CodecError::Field(name))
    }

    /// Fields that were kept, except those whose names are taken.
    pub(super) fn rest(&mut self, fields: &Wiped, taken: &[&str]) -> Result<(), CodecError> {
        for (name, value) in &fields.0 {
            if taken.contains(&name.as_str()) {
                continue;
            }
            if self.out.last() != Some(&b'{') {
                self.out.push(b',');
            }
            serde_json::to_writer(&mut *self.out, name)
                .and_then(|()| {
                    self.out.push(b':');
                    serde_json::to_writer(&mut *self.out, value)
                })
                .map_err(|_| CodecError::Field("unknown_fields"))?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Zeroizing<Vec<u8>> {
        self.out.push(b'}');
        self.out
    }

    pub(super) fn finish_text(self) -> Result<String, CodecError> {
        let mut bytes = self.finish();
        String::from_utf8(std::mem::take(&mut *bytes)).map_err(|error| {
            error.into_bytes().zeroize();
            CodecError::Field("unknown_fields")
        })
    }
}

fn decode_base64(text: &str) -> Option<Secret> {
    let mut bytes = Zeroizing::new(vec![0; text.len().div_ceil(4) * 3]);
    let length = STANDARD.decode_slice(text, &mut bytes).ok()?;
    bytes.get(..length).map(Secret::from_slice)
}
