//! Bodies that may hold secrets, wiped when they are done with.
//!
//! # Security
//!
//! Passwords, codes and tokens pass through here as text and as a tree of JSON; both are wiped when dropped, and never grow
//! once something is in them, since a buffer that grew leaves a copy behind. Two copies are out of reach: the buffer into
//! which hyper reads a connection, and the one in which serde_json puts a string that has escapes in it.

use std::io;

use axum::body::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use zeroize::{Zeroize as _, Zeroizing};

/// The fields of an object.
#[derive(Default)]
pub(super) struct Fields(pub Map<String, Value>);

impl Fields {
    /// Reads an object; `None` if it is none.
    pub fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok().map(Self)
    }

    /// The fields of what is told as an object; `None` if it is told as something else.
    pub fn of(told: &impl Serialize) -> Option<Self> {
        match serde_json::to_value(told) {
            Ok(Value::Object(fields)) => Some(Self(fields)),
            Ok(mut other) => {
                wipe(&mut other);
                None
            }
            Err(_) => None,
        }
    }

    /// What these fields say; `None` if they are others. The text of a serde error may quote them.
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        T::deserialize(&self.0).ok()
    }

    /// All of them below one name.
    pub fn below(mut self, name: &str) -> Self {
        let fields = std::mem::take(&mut self.0);
        Self([(name.to_owned(), Value::Object(fields))].into_iter().collect())
    }

    /// Takes the fields of another one in.
    pub fn absorb(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// As text.
    pub fn text(&self) -> Option<Bytes> {
        text(&self.0)
    }
}

impl Drop for Fields {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

/// Overwrites every string in it.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// As text, in a buffer that is as large as needed from the start.
pub(super) fn text(told: &impl Serialize) -> Option<Bytes> {
    let mut counted = Counted(0);
    serde_json::to_writer(&mut counted, told).ok()?;
    let mut text = Zeroizing::new(Vec::with_capacity(counted.0));
    serde_json::to_writer(&mut *text, told).ok()?;
    Some(Bytes::from_owner(text))
}

struct Counted(usize);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_string_is_overwritten_wherever_it_stands() {
        let text = r#"{"a":"secret","b":["secret",{"c":"secret"}],"d":7,"e":null,"f":true}"#;
        let mut fields = Fields::parse(text.as_bytes()).unwrap();
        assert_eq!(fields.text().unwrap(), text);
        fields.0.values_mut().for_each(wipe);
        assert_eq!(fields.text().unwrap(), text.replace("secret", ""));
    }

    #[test]
    fn text_needs_no_second_buffer() {
        let long = vec!["x"; 1_000];
        let made = text(&long).unwrap();
        assert_eq!(made, serde_json::to_vec(&long).unwrap());
        assert!(Fields::of(&long).is_none());
        assert!(Fields::parse(b"[]").is_none());
    }
}
