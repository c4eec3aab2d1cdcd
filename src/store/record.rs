//! Mailbox records and entries as JSON, before they are sealed.
//!
//! ```json
//! {"version":1,"created":1700000000000,"password_hash":"{ARGON2ID}…",
//!  "totp":{"secret":"base64","last_step":56666666,"enabled":1700000000000}}
//! ```
//!
//! JSON, so that servers of two versions can share a store: a field this version does not know is
//! kept and written back, at the top and inside `totp`. `version` changes only when an older
//! program must not touch the record; such a record is an error here.
//!
//! # Security
//!
//! A record that cannot be read is an error, never a record without a second factor. In
//! particular `totp` may be absent but not of a wrong form. The texts are secret: they are wiped,
//! and no error quotes them.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{
    json::{CodecError, FORMAT, JsonObject, Wiped, wipe},
    parts,
};
use crate::{
    base::{SecretText, UnixMillis},
    decision::record::{MailboxRecord, TotpFactor},
    ports::store::Entry,
};

/// Writes a record down.
pub fn encode(record: &MailboxRecord) -> Result<Zeroizing<Vec<u8>>, CodecError> {
    let mut unknown = match &record.unknown_fields {
        Some(text) => Wiped::parse(text.expose().as_bytes())
            .map_err(|_| CodecError::Field("unknown_fields"))?,
        None => Wiped(Map::new()),
    };
    let unknown_totp = match unknown.0.remove("totp") {
        Some(Value::Object(fields)) => Wiped(fields),
        Some(mut other) => {
            wipe(&mut other);
            return Err(CodecError::Field("unknown_fields"));
        }
        None => Wiped(Map::new()),
    };
    let lists = lists(record)?;
    let room = capacity(record) + lists.iter().map(|(_, text)| text.len() + 32).sum::<usize>();
    let mut json = JsonObject::with_capacity(room);
    json.number("version", FORMAT);
    json.number("created", record.created.millis());
    if let Some(hash) = &record.password_hash {
        json.value("password_hash", hash.expose())?;
    }
    if let Some(totp) = &record.totp {
        json.key("totp");
        json.open();
        json.base64("secret", totp.secret.expose());
        json.number("last_step", totp.last_step);
        json.number("enabled", totp.enabled.millis());
        json.rest(&unknown_totp, &["secret", "last_step", "enabled"])?;
        json.close();
    }
    for (name, text) in &lists {
        json.raw(name, text);
    }
    if record.last_session > 0 {
        json.number("last_session", record.last_session);
    }
    if let Some(since) = record.locked {
        json.number("locked", since.millis());
    }
    if let Some(own) = record.enforcement {
        json.raw("enforcement", &parts::encode_enforcement(own)?);
    }
    json.rest(&unknown, &KNOWN)?;
    Ok(json.finish())
}

/// Reads a record.
pub fn decode(text: &[u8]) -> Result<MailboxRecord, CodecError> {
    let mut fields = Wiped::parse(text)?;
    fields.check_format()?;
    let created = UnixMillis::from_millis(fields.number("created")?);
    let password_hash = fields.text("password_hash")?;
    let totp = match fields.0.remove("totp") {
        None => None,
        Some(Value::Object(inner)) => Some(decode_totp(&mut fields, Wiped(inner))?),
        Some(mut other) => {
            wipe(&mut other);
            return Err(CodecError::Field("totp"));
        }
    };
    let app_passwords = list(&mut fields, "app_passwords", parts::decode_app_passwords)?;
    let recovery = list(&mut fields, "recovery", parts::decode_recovery)?;
    let sessions = list(&mut fields, "sessions", parts::decode_sessions)?;
    let locked = moment(&mut fields, "locked")?;
    // Absent where an older version wrote the record; the live ones are looked at as well.
    let last_session =
        if fields.0.contains_key("last_session") { fields.number("last_session")? } else { 0 };
    let enforcement = match fields.0.remove("enforcement") {
        None => None,
        Some(value) => Some(parts::decode_enforcement(value)?),
    };
    let unknown_fields = if fields.0.is_empty() {
        None
    } else {
        let mut json = JsonObject::with_capacity(text.len());
        json.rest(&fields, &[])?;
        Some(SecretText::new(json.finish_text()?))
    };
    Ok(MailboxRecord {
        password_hash,
        totp,
        app_passwords,
        recovery,
        sessions,
        last_session,
        locked,
        enforcement,
        created,
        unknown_fields,
    })
}

/// Fields of the record itself.
const KNOWN: [&str; 10] = [
    "version",
    "created",
    "password_hash",
    "totp",
    "app_passwords",
    "recovery",
    "sessions",
    "last_session",
    "locked",
    "enforcement",
];

/// The lists of a record that have something in them, as JSON.
fn lists(record: &MailboxRecord) -> Result<Vec<(&'static str, String)>, CodecError> {
    let mut lists = Vec::new();
    if !record.app_passwords.is_empty() {
        lists.push(("app_passwords", parts::encode_app_passwords(&record.app_passwords)?));
    }
    if !record.recovery.is_empty() {
        lists.push(("recovery", parts::encode_recovery(&record.recovery)?));
    }
    if !record.sessions.is_empty() {
        lists.push(("sessions", parts::encode_sessions(&record.sessions)?));
    }
    Ok(lists)
}

/// A moment that may be absent.
fn moment(fields: &mut Wiped, name: &'static str) -> Result<Option<UnixMillis>, CodecError> {
    if !fields.0.contains_key(name) {
        return Ok(None);
    }
    fields.number(name).map(UnixMillis::from_millis).map(Some)
}

fn list<T>(
    fields: &mut Wiped,
    name: &str,
    decode: impl Fn(Value) -> Result<Vec<T>, CodecError>,
) -> Result<Vec<T>, CodecError> {
    fields.0.remove(name).map_or_else(|| Ok(Vec::new()), decode)
}

/// Reads the factor and leaves what it does not know in `outer` under `totp`.
fn decode_totp(outer: &mut Wiped, mut fields: Wiped) -> Result<TotpFactor, CodecError> {
    let secret = fields.bytes("secret").map_err(|_| CodecError::Field("totp.secret"))?;
    if secret.is_empty() {
        return Err(CodecError::Field("totp.secret"));
    }
    let last_step = fields.number("last_step").map_err(|_| CodecError::Field("totp.last_step"))?;
    let enabled = fields.number("enabled").map_err(|_| CodecError::Field("totp.enabled"))?;
    if !fields.0.is_empty() {
        outer.0.insert("totp".into(), Value::Object(std::mem::take(&mut fields.0)));
    }
    Ok(TotpFactor { secret, last_step, enabled: UnixMillis::from_millis(enabled) })
}

/// Writes an entry down.
pub fn encode_entry(entry: &Entry) -> Zeroizing<Vec<u8>> {
    let mut json = JsonObject::with_capacity(64 + entry.value.len().div_ceil(3) * 4);
    json.number("version", FORMAT);
    json.number("expires", entry.expires.millis());
    json.base64("value", entry.value.expose());
    json.finish()
}

/// Reads an entry.
pub fn decode_entry(text: &[u8]) -> Result<Entry, CodecError> {
    let mut fields = Wiped::parse(text)?;
    fields.check_format()?;
    let expires = UnixMillis::from_millis(fields.number("expires")?);
    Ok(Entry { value: fields.bytes("value")?, expires })
}

/// An upper bound of what a record takes, so that the buffer does not grow and leave copies.
fn capacity(record: &MailboxRecord) -> usize {
    let text = |text: &Option<SecretText>| text.as_ref().map_or(0, |text| text.expose().len() * 6);
    let secret = record.totp.as_ref().map_or(0, |totp| totp.secret.len() * 2);
    512 + text(&record.password_hash) + text(&record.unknown_fields) + secret
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        base::{
            NetAddress, Secret, Service,
            limits::{
                APP_PASSWORD_NAME_BYTES, APP_PASSWORD_NETWORKS, APP_PASSWORDS, HASH_BYTES,
                RECORD_BYTES, SESSION_SECONDS, SESSIONS, TOTP_SECRET_BYTES, WEBMAIL_NAME_BYTES,
                WEBMAIL_TOKENS,
            },
        },
        decision::{
            app_password::{AppPassword, AppPasswordId},
            digest::Digest,
            enforcement::{Level, OwnLevel},
            panel::Standing,
            place::{Network, Use},
            recovery::SET,
            session::Session,
            webmail::{Grant, MintedOn},
        },
    };

    fn record() -> impl Strategy<Value = MailboxRecord> {
        let totp = (prop::collection::vec(any::<u8>(), 1..40), any::<u64>(), any::<u64>());
        (
            prop::option::of("\\PC{0,40}"),
            prop::option::of(totp),
            any::<u64>(),
            prop::option::of(any::<bool>()),
            prop::option::of((0..4_u8, any::<u64>())),
        )
            .prop_map(|(hash, totp, created, unknown, own)| MailboxRecord {
                password_hash: hash.map(SecretText::new),
                unknown_fields: unknown.map(|in_totp| {
                    SecretText::new(if in_totp && totp.is_some() {
                        r#"{"totp":{"digits":8},"zone":"x\"y"}"#.into()
                    } else {
                        r#"{"aliases":[{"a":1}],"empty":null}"#.into()
                    })
                }),
                totp: totp.map(|(secret, last_step, enabled)| TotpFactor {
                    secret: Secret::from_vec(secret),
                    last_step,
                    enabled: UnixMillis::from_millis(enabled),
                }),
                enforcement: own.map(|(kind, at)| {
                    let at = UnixMillis::from_millis(at);
                    let levels =
                        [Level::Off, Level::Optional, Level::Required, Level::RequiredFrom(at)];
                    OwnLevel { level: levels[usize::from(kind)], set: at }
                }),
                ..MailboxRecord::new(UnixMillis::from_millis(created))
            })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(record in record()) {
            let text = encode(&record).unwrap();
            prop_assert_eq!(decode(&text).unwrap(), record);
        }

        #[test]
        fn any_text_is_a_record_or_an_error(text in "\\PC{0,80}") {
            let _ = decode(text.as_bytes());
            let _ = decode_entry(text.as_bytes());
        }

        #[test]
        fn entries_read_back(value in prop::collection::vec(any::<u8>(), 0..80), at in any::<u64>()) {
            let entry = Entry {
                value: Secret::from_vec(value), expires: UnixMillis::from_millis(at),
            };
            prop_assert_eq!(decode_entry(&encode_entry(&entry)).unwrap(), entry);
        }
    }

    /// As long as an address, a moment and a service can be.
    fn longest_use() -> Use {
        Use {
            at: UnixMillis::from_millis(u64::MAX),
            from: NetAddress::parse("2001:db8:1111:2222:3333:4444:5555:6666"),
            service: Service::parse(&"\"".repeat(40)),
        }
    }

    #[test]
    fn the_largest_record_reads_back_and_fits_the_store() {
        let network = || Network::parse("2001:db8:1111:2222:3333:4444:5555:6666/128").unwrap();
        let app = |n: u8| AppPassword {
            id: AppPasswordId::parse("aaaa").unwrap(),
            digest: Digest::from_bytes([n; 32]),
            name: "x".repeat(APP_PASSWORD_NAME_BYTES),
            services: vec![Service::Imap, Service::Pop3, Service::Sieve, Service::Smtp],
            networks: (0..APP_PASSWORD_NETWORKS).map(|_| network()).collect(),
            created: UnixMillis::from_millis(u64::MAX),
            expires: Some(UnixMillis::from_millis(u64::MAX)),
            last_use: Some(longest_use()),
        };
        let session = |n: u8| Session {
            id: u64::MAX,
            digest: Digest::from_bytes([n; 32]),
            opened: longest_use(),
            last_use: longest_use(),
            ends: UnixMillis::from_millis(u64::MAX),
            idle_seconds: SESSION_SECONDS,
            webmail: (usize::from(n) < WEBMAIL_TOKENS).then(|| Grant {
                webmail: "w".repeat(WEBMAIL_NAME_BYTES),
                standing: Standing::from_digest(Digest::from_bytes([n; 32])),
                minted_on: MintedOn::Password,
            }),
        };
        let counted = |most: usize| 0..u8::try_from(most).unwrap();
        let record = MailboxRecord {
            password_hash: Some(SecretText::new("h".repeat(HASH_BYTES))),
            totp: Some(TotpFactor {
                secret: Secret::from_vec(vec![1; TOTP_SECRET_BYTES]),
                last_step: u64::MAX,
                enabled: UnixMillis::from_millis(u64::MAX),
            }),
            app_passwords: counted(APP_PASSWORDS).map(app).collect(),
            recovery: counted(SET).map(|n| Digest::from_bytes([n; 32])).collect(),
            sessions: counted(SESSIONS).map(session).collect(),
            last_session: u64::MAX,
            locked: Some(UnixMillis::from_millis(u64::MAX)),
            enforcement: Some(OwnLevel {
                level: Level::RequiredFrom(UnixMillis::from_millis(u64::MAX)),
                set: UnixMillis::from_millis(u64::MAX),
            }),
            ..MailboxRecord::new(UnixMillis::from_millis(u64::MAX))
        };
        let text = encode(&record).unwrap();
        // What sealing adds, and fields of a version to come.
        assert!(text.len() + 512 <= RECORD_BYTES, "{} bytes", text.len());
        assert_eq!(decode(&text), Ok(record));
    }

    #[test]
    fn the_written_form_is_the_documented_one() {
        let record = MailboxRecord {
            password_hash: Some(SecretText::new("{PLAIN}x".into())),
            totp: Some(TotpFactor {
                secret: Secret::from_slice(b"12345678901234567890"),
                last_step: 7,
                enabled: UnixMillis::from_millis(6),
            }),
            enforcement: Some(OwnLevel {
                level: Level::RequiredFrom(UnixMillis::from_millis(9)),
                set: UnixMillis::from_millis(8),
            }),
            unknown_fields: Some(SecretText::new(r#"{"later":[1]}"#.into())),
            ..MailboxRecord::new(UnixMillis::from_millis(5))
        };
        let text = encode(&record).unwrap();
        assert_eq!(
            std::str::from_utf8(&text).unwrap(),
            r#"{"version":1,"created":5,"password_hash":"{PLAIN}x","totp":{"secret":"MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=","last_step":7,"enabled":6},"enforcement":{"level":"required_from","from":9,"set":8},"later":[1]}"#
        );
    }

    #[test]
    fn a_malformed_record_is_never_one_without_a_factor() {
        let table: [(&str, CodecError); 17] = [
            ("", CodecError::NotObject),
            ("[]", CodecError::NotObject),
            ("{}", CodecError::Field("version")),
            (r#"{"version":0,"created":1}"#, CodecError::Field("version")),
            (r#"{"version":2,"created":1}"#, CodecError::Newer(2)),
            (r#"{"version":1}"#, CodecError::Field("created")),
            (r#"{"version":1,"created":1,"totp":null}"#, CodecError::Field("totp")),
            (r#"{"version":1,"created":1,"totp":[]}"#, CodecError::Field("totp")),
            (r#"{"version":1,"created":1,"totp":{}}"#, CodecError::Field("totp.secret")),
            (
                r#"{"version":1,"created":1,"totp":{"secret":"","last_step":1,"enabled":1}}"#,
                CodecError::Field("totp.secret"),
            ),
            (
                r#"{"version":1,"created":1,"totp":{"secret":"AAAA","last_step":-1,"enabled":1}}"#,
                CodecError::Field("totp.last_step"),
            ),
            (r#"{"version":1,"created":1,"enforcement":null}"#, CodecError::Field("enforcement")),
            (
                r#"{"version":1,"created":1,"enforcement":"required"}"#,
                CodecError::Field("enforcement"),
            ),
            (
                r#"{"version":1,"created":1,"enforcement":{"level":"harsh","set":1}}"#,
                CodecError::Field("enforcement"),
            ),
            (
                r#"{"version":1,"created":1,"enforcement":{"level":"required_from","set":1}}"#,
                CodecError::Field("enforcement"),
            ),
            (
                r#"{"version":1,"created":1,"enforcement":{"level":"off","from":1,"set":1}}"#,
                CodecError::Field("enforcement"),
            ),
            (r#"{"version":1,"created":1,"password_hash":5}"#, CodecError::Field("password_hash")),
        ];
        for (text, error) in table {
            assert_eq!(decode(text.as_bytes()), Err(error), "{text}");
        }
    }

    #[test]
    fn a_dropped_factor_takes_its_unknown_fields_along() {
        let text = br#"{"version":1,"created":1,"totp":{"secret":"AAAA","last_step":1,"enabled":1,"digits":8}}"#;
        let mut record = decode(text).unwrap();
        assert_eq!(&*encode(&record).unwrap(), text.as_slice());
        record.totp = None;
        assert_eq!(&*encode(&record).unwrap(), br#"{"version":1,"created":1}"#.as_slice());
    }
}
