//! What the tests of this room share: strategies for fields and lines.

use proptest::{collection::vec, option, prelude::*};

use super::{Field, Fields, Parameters};

/// Any bytes, with those that have a meaning on the wire more often.
pub(super) fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![any::<u8>(), prop::sample::select(b"\0\x01\t\r\n=*#a".to_vec())], 0..24)
}

/// Any key: bytes without `=`.
pub(super) fn key() -> impl Strategy<Value = Vec<u8>> {
    bytes().prop_map(|key| key.into_iter().filter(|byte| *byte != b'=').collect())
}

pub(super) fn fields() -> impl Strategy<Value = Fields> {
    vec((key(), option::of(bytes())), 0..8)
        .prop_map(|pairs| pairs.into_iter().map(|(key, value)| Field { key, value }).collect())
}

/// Any parameters that name a service.
pub(super) fn parameters() -> impl Strategy<Value = Parameters> {
    (fields(), prop::sample::select(vec!["service", "protocol"]), bytes()).prop_map(
        |(fields, key, service)| {
            let mut parameters = Parameters::from(fields);
            parameters.push(key, Some(service));
            parameters
        },
    )
}
