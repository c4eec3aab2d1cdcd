//! Parts of a mailbox record as JSON: app passwords, recovery codes, sessions, the level of its own.
//!
//! They hold keyed hashes, not secrets, so they go through serde. A part that this version cannot
//! read makes the whole record unreadable: an app password whose limits are not understood must
//! not be used without them, and a level that is not understood must not be taken for none.
//!
//! # Security
//!
//! What is read here was sealed by us: it is whole, and it is ours. Its form is judged all the same;
//! no error quotes it.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};

use super::json::CodecError;
use crate::{
    base::{NetAddress, Service, UnixMillis},
    decision::{
        app_password::{AppPassword, AppPasswordId},
        digest::Digest,
        enforcement::{Level, OwnLevel},
        panel::Standing,
        place::{Network, Use},
        session::Session,
        webmail::{Grant, MintedOn},
    },
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UseJson {
    at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    service: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AppPasswordJson {
    id: String,
    digest: String,
    name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    services: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    networks: Vec<String>,
    created: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_use: Option<UseJson>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionJson {
    id: u64,
    digest: String,
    opened: UseJson,
    last_use: UseJson,
    ends: u64,
    idle_seconds: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    webmail: Option<GrantJson>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantJson {
    name: String,
    standing: String,
    code: bool,
}

impl From<&Grant> for GrantJson {
    fn from(grant: &Grant) -> Self {
        Self {
            name: grant.webmail.clone(),
            standing: digest_text(grant.standing.digest()),
            code: grant.minted_on == MintedOn::PasswordAndCode,
        }
    }
}

impl GrantJson {
    fn read(self) -> Result<Grant, CodecError> {
        Ok(Grant {
            webmail: self.name,
            standing: Standing::from_digest(read_digest(&self.standing)?),
            minted_on: if self.code { MintedOn::PasswordAndCode } else { MintedOn::Password },
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LevelJson {
    level: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<u64>,
    set: u64,
}

impl From<&Use> for UseJson {
    fn from(noted: &Use) -> Self {
        Self {
            at: noted.at.millis(),
            from: noted.from.ip().map(|ip| ip.to_string()),
            service: noted.service.as_str().into(),
        }
    }
}

impl UseJson {
    fn read(self) -> Result<Use, CodecError> {
        let from = match self.from {
            None => NetAddress::UNKNOWN,
            Some(text) => {
                let from = NetAddress::parse(&text);
                from.ip().ok_or(CodecError::Field("use.from"))?;
                from
            }
        };
        let service = Service::parse(&self.service);
        Ok(Use { at: UnixMillis::from_millis(self.at), from, service })
    }
}

fn digest_text(digest: &Digest) -> String {
    STANDARD_NO_PAD.encode(digest.bytes())
}

fn read_digest(text: &str) -> Result<Digest, CodecError> {
    let bytes = STANDARD_NO_PAD.decode(text).map_err(|_| CodecError::Field("digest"))?;
    bytes.try_into().map(Digest::from_bytes).map_err(|_| CodecError::Field("digest"))
}

fn write<T: Serialize>(list: &[T], name: &'static str) -> Result<String, CodecError> {
    serde_json::to_string(list).map_err(|_| CodecError::Field(name))
}

fn read<T: for<'a> Deserialize<'a>>(
    value: serde_json::Value,
    name: &'static str,
) -> Result<Vec<T>, CodecError> {
    serde_json::from_value(value).map_err(|_| CodecError::Field(name))
}

pub(super) fn encode_app_passwords(list: &[AppPassword]) -> Result<String, CodecError> {
    let json: Vec<_> = list
        .iter()
        .map(|app| AppPasswordJson {
            id: app.id.as_str().into(),
            digest: digest_text(&app.digest),
            name: app.name.clone(),
            services: app.services.iter().map(|s| s.as_str().into()).collect(),
            networks: app.networks.iter().map(ToString::to_string).collect(),
            created: app.created.millis(),
            expires: app.expires.map(UnixMillis::millis),
            last_use: app.last_use.as_ref().map(UseJson::from),
        })
        .collect();
    write(&json, "app_passwords")
}

pub(super) fn decode_app_passwords(
    value: serde_json::Value,
) -> Result<Vec<AppPassword>, CodecError> {
    read::<AppPasswordJson>(value, "app_passwords")?
        .into_iter()
        .map(|json| {
            let networks = json.networks.iter().map(|text| Network::parse(text));
            Ok(AppPassword {
                id: AppPasswordId::parse(&json.id).ok_or(CodecError::Field("app_passwords.id"))?,
                digest: read_digest(&json.digest)?,
                name: json.name,
                services: json.services.iter().map(|s| Service::parse(s)).collect(),
                networks: networks
                    .collect::<Option<_>>()
                    .ok_or(CodecError::Field("app_passwords.networks"))?,
                created: UnixMillis::from_millis(json.created),
                expires: json.expires.map(UnixMillis::from_millis),
                last_use: json.last_use.map(UseJson::read).transpose()?,
            })
        })
        .collect()
}

pub(super) fn encode_sessions(list: &[Session]) -> Result<String, CodecError> {
    let json: Vec<_> = list
        .iter()
        .map(|session| SessionJson {
            id: session.id,
            digest: digest_text(&session.digest),
            opened: UseJson::from(&session.opened),
            last_use: UseJson::from(&session.last_use),
            ends: session.ends.millis(),
            idle_seconds: session.idle_seconds,
            webmail: session.webmail.as_ref().map(GrantJson::from),
        })
        .collect();
    write(&json, "sessions")
}

pub(super) fn decode_sessions(value: serde_json::Value) -> Result<Vec<Session>, CodecError> {
    read::<SessionJson>(value, "sessions")?
        .into_iter()
        .map(|json| {
            Ok(Session {
                id: json.id,
                digest: read_digest(&json.digest)?,
                opened: json.opened.read()?,
                last_use: json.last_use.read()?,
                ends: UnixMillis::from_millis(json.ends),
                idle_seconds: json.idle_seconds,
                webmail: json.webmail.map(GrantJson::read).transpose()?,
            })
        })
        .collect()
}

pub(super) fn encode_enforcement(own: OwnLevel) -> Result<String, CodecError> {
    let json = LevelJson {
        level: own.level.as_str().into(),
        from: own.level.from().map(UnixMillis::millis),
        set: own.set.millis(),
    };
    serde_json::to_string(&json).map_err(|_| CodecError::Field("enforcement"))
}

pub(super) fn decode_enforcement(value: serde_json::Value) -> Result<OwnLevel, CodecError> {
    let wrong = CodecError::Field("enforcement");
    let json: LevelJson = serde_json::from_value(value).map_err(|_| wrong)?;
    let level = match (json.level.as_str(), json.from) {
        ("off", None) => Level::Off,
        ("optional", None) => Level::Optional,
        ("required", None) => Level::Required,
        ("required_from", Some(from)) => Level::RequiredFrom(UnixMillis::from_millis(from)),
        _ => return Err(wrong),
    };
    Ok(OwnLevel { level, set: UnixMillis::from_millis(json.set) })
}

pub(super) fn encode_recovery(list: &[Digest]) -> Result<String, CodecError> {
    write(&list.iter().map(digest_text).collect::<Vec<_>>(), "recovery")
}

pub(super) fn decode_recovery(value: serde_json::Value) -> Result<Vec<Digest>, CodecError> {
    read::<String>(value, "recovery")?.iter().map(|text| read_digest(text)).collect()
}
