//! Fields: the `key=value` and bare `key` parameters behind the fixed part of a line.
//!
//! Keys and values are bytes, unescaped. Order and repetition are kept, because what mail2fa does
//! not know it passes on as it came. Where a key is there twice, the last one counts, as in Dovecot.
//!
//! # Security
//!
//! Values may be passwords (`pass=`), vouching secrets (`forward_fields=`) or SASL data (`resp=`):
//! `Debug` shows the values of known harmless keys only, and [`Fields`] wipes the others.

use std::fmt;

use zeroize::Zeroize;

use super::{
    escape::{escape_into, unescape},
    wiped::Wiped,
};

/// Keys whose values may stand in a log or in the output of `Debug`.
const HARMLESS: [&[u8]; 17] = [
    b"service",
    b"protocol",
    b"lip",
    b"rip",
    b"lport",
    b"rport",
    b"real_lip",
    b"real_rip",
    b"real_lport",
    b"real_rport",
    b"local_name",
    b"session",
    b"secured",
    b"client_id",
    b"user",
    b"code",
    b"reason",
];

/// One parameter.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    /// The name. It cannot hold `=`: on the wire the name ends at the first one.
    pub key: Vec<u8>,
    /// What follows `=`; `None` for a bare key.
    pub value: Option<Vec<u8>>,
}

impl Field {
    /// Reads one field as it stands between two TABs.
    pub(super) fn parse(field: &[u8]) -> Self {
        let mut key = unescape(field);
        let value = key.iter().position(|byte| *byte == b'=').map(|at| {
            let value = key.get(at + 1..).unwrap_or_default().to_vec();
            if let Some(tail) = key.get_mut(at..) {
                tail.zeroize();
            }
            key.truncate(at);
            value
        });
        Self { key, value }
    }

    /// Appends the field in its wire form, without a TAB before it.
    pub(super) fn encode(&self, output: &mut Wiped) {
        escape_into(output, &self.key);
        if let Some(value) = &self.value {
            output.push(b'=');
            escape_into(output, value);
        }
    }

    fn is_harmless(&self) -> bool {
        HARMLESS.contains(&self.key.as_slice())
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.key.escape_ascii())?;
        match &self.value {
            Some(value) if self.is_harmless() => write!(f, "={}", value.escape_ascii()),
            Some(_) => f.write_str("=…"),
            None => Ok(()),
        }
    }
}

/// Parameters in their order.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<Field>);

impl Fields {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// The last field of that name.
    pub fn get(&self, key: &[u8]) -> Option<&Field> {
        self.0.iter().rev().find(|field| field.key == key)
    }

    /// The value of the last field of that name; `None` if there is none or it is bare.
    pub fn value(&self, key: &str) -> Option<&[u8]> {
        self.get(key.as_bytes())?.value.as_deref()
    }

    /// Whether there is a field of that name, bare or with a value.
    pub fn contains(&self, key: &str) -> bool {
        self.get(key.as_bytes()).is_some()
    }

    /// Adds a field at the end. A `=` in the key would end the key on the wire.
    pub fn push(&mut self, key: impl Into<Vec<u8>>, value: Option<Vec<u8>>) {
        self.0.push(Field { key: key.into(), value });
    }

    /// The same, for chains.
    #[must_use]
    pub fn with(mut self, key: &str, value: &[u8]) -> Self {
        self.push(key, Some(value.to_vec()));
        self
    }

    /// The same for a bare key.
    #[must_use]
    pub fn with_flag(mut self, key: &str) -> Self {
        self.push(key, None);
        self
    }

    /// Removes every field of that name; says how many there were.
    pub fn remove(&mut self, key: &str) -> usize {
        let before = self.0.len();
        self.0.retain_mut(|field| {
            let stays = field.key != key.as_bytes();
            if !stays {
                field.value.zeroize();
            }
            stays
        });
        before - self.0.len()
    }

    /// Gives the key one value: in the place of the first field of that name, or at the end.
    pub fn set(&mut self, key: &str, value: Option<Vec<u8>>) {
        let Some(at) = self.0.iter().position(|field| field.key == key.as_bytes()) else {
            self.push(key, value);
            return;
        };
        self.remove(key);
        self.0.insert(at, Field { key: key.as_bytes().to_vec(), value });
    }

    /// The fields in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Field> {
        self.0.iter()
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads fields separated by TABs. An empty text has none.
    pub fn parse(text: &[u8]) -> Self {
        if text.is_empty() {
            return Self::new();
        }
        text.split(|byte| *byte == b'\t').map(Field::parse).collect()
    }

    /// The wire form, fields separated by TABs.
    pub fn encode(&self) -> Vec<u8> {
        let mut output = Wiped::new();
        for (at, field) in self.0.iter().enumerate() {
            if at > 0 {
                output.push(b'\t');
            }
            field.encode(&mut output);
        }
        std::mem::take(&mut *output.take())
    }

    /// Appends the fields, each with a TAB before it.
    pub(super) fn encode_tail(&self, output: &mut Wiped) {
        for field in &self.0 {
            output.push(b'\t');
            field.encode(output);
        }
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

impl Drop for Fields {
    fn drop(&mut self) {
        for field in self.0.iter_mut().filter(|field| !field.is_harmless()) {
            field.value.zeroize();
        }
    }
}

impl FromIterator<Field> for Fields {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a Fields {
    type Item = &'a Field;
    type IntoIter = std::slice::Iter<'a, Field>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl From<Vec<(Vec<u8>, Option<Vec<u8>>)>> for Fields {
    fn from(pairs: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Self {
        pairs.into_iter().map(|(key, value)| Field { key, value }).collect()
    }
}

impl From<Fields> for Vec<(Vec<u8>, Option<Vec<u8>>)> {
    fn from(mut fields: Fields) -> Self {
        std::mem::take(&mut fields.0).into_iter().map(|field| (field.key, field.value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::testing::fields;

    #[test]
    fn order_and_repetition_are_kept_and_the_last_counts() {
        let mut fields = Fields::parse(b"a=1\tflag\ta=2\t\tb=x=y");
        assert_eq!(fields.len(), 5);
        assert_eq!(fields.value("a"), Some(&b"2"[..]));
        assert_eq!(fields.value("b"), Some(&b"x=y"[..]));
        assert!(fields.contains("flag"));
        assert_eq!(fields.value("flag"), None);
        assert_eq!(fields.encode(), b"a=1\tflag\ta=2\t\tb=x=y");
        fields.set("a", Some(b"3".to_vec()));
        assert_eq!(fields.encode(), b"a=3\tflag\t\tb=x=y");
        assert_eq!(fields.remove("a"), 1);
        assert_eq!(fields.remove("a"), 0);
        assert_eq!(fields.encode(), b"flag\t\tb=x=y");
    }

    #[test]
    fn debug_shows_harmless_values_only() {
        let fields =
            Fields::parse(b"user=alice\tpass=hunter2\tforward_fields=vouch=hunter2\tresp=x");
        assert_eq!(format!("{fields:?}"), "[user=alice, pass=…, forward_fields=…, resp=…]");
    }

    #[test]
    fn an_injected_field_stays_one_value() {
        let fields = Fields::new().with("user", b"alice\tadmin=yes\nOK\t2");
        assert_eq!(fields.encode(), b"user=alice\x01tadmin=yes\x01nOK\x01t2");
        assert_eq!(Fields::parse(&fields.encode()), fields);
    }

    proptest! {
        #[test]
        fn parse_inverts_encode(fields in fields()) {
            // One empty bare field and no field look alike when nothing stands before them.
            prop_assume!(!fields.encode().is_empty() || fields.is_empty());
            prop_assert_eq!(Fields::parse(&fields.encode()), fields);
        }

        #[test]
        fn any_text_is_read_and_written_back_to_the_same_fields(text: Vec<u8>) {
            let fields = Fields::parse(&text);
            prop_assume!(!fields.encode().is_empty());
            prop_assert_eq!(Fields::parse(&fields.encode()), fields);
        }

        #[test]
        fn pairs_and_fields_are_the_same(fields in fields()) {
            let pairs: Vec<(Vec<u8>, Option<Vec<u8>>)> = fields.clone().into();
            prop_assert_eq!(Fields::from(pairs), fields);
        }
    }
}
