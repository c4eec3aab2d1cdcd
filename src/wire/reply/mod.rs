//! What a server says: the handshake lines, OK, FAIL, CONT, CANCELLED.
//!
//! Reading and writing one line each; what a line means for a request is the business of
//! [`Client`](super::Client). Sources: Dovecot's `src/lib-auth/auth-client-connection.c` (2.3),
//! `src/lib-auth-client/` (2.4) and `src/auth/auth-request-handler.c`.
//!
//! # Security
//!
//! All values are escaped when written. Postfix and Exim do not unescape, so a name with one of the
//! five escaped bytes reaches them in another form; such names are rejected before they get here.

use super::{
    command::encode_version,
    error::Fatal,
    escape::{escape_into, unescape},
    field::Fields,
    grammar,
    greeting::MechanismOffer,
    ids::{ProtocolVersion, RequestId},
    wiped::Wiped,
};
use crate::base::Secret;

/// A line from a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// `VERSION major minor`.
    Version(ProtocolVersion),
    /// `MECH name parameters…`.
    Mechanism(MechanismOffer),
    /// `SPID pid`: the server's process.
    ServerPid(Vec<u8>),
    /// `CUID number`: the server's name for this connection.
    ConnectionId(Vec<u8>),
    /// `COOKIE hex`: what a mail process must show to ask for a result.
    Cookie(Secret),
    /// `DONE`: the handshake is complete.
    Done,
    /// `OK id fields…`.
    Ok {
        /// Which request.
        id: RequestId,
        /// Everything behind the id.
        fields: Fields,
    },
    /// `FAIL id fields…`.
    Fail {
        /// Which request.
        id: RequestId,
        /// Everything behind the id.
        fields: Fields,
    },
    /// `CONT id base64`: a challenge, still encoded. What 2.4 may add behind it for channel
    /// binding is left out; no mechanism used here has it.
    Cont {
        /// Which request.
        id: RequestId,
        /// The challenge.
        challenge: Secret,
    },
    /// `CANCELLED id` (since 1.4).
    Cancelled(RequestId),
    /// Another command. Before DONE it may be skipped, as Postfix and Exim do.
    Unknown,
}

impl Reply {
    /// Reads one line, without its end.
    pub fn parse(line: &[u8]) -> Result<Self, Fatal> {
        let (name, arguments) = grammar::split_command(line)?;
        match name {
            b"OK" => {
                let (id, rest) = grammar::split_id(arguments)?;
                Ok(Self::Ok { id: RequestId::new(id), fields: grammar::reply_fields(rest)? })
            }
            b"FAIL" => {
                let (id, rest) = grammar::split_id(arguments)?;
                Ok(Self::Fail { id: RequestId::new(id), fields: grammar::reply_fields(rest)? })
            }
            b"CONT" => {
                let (id, rest) = grammar::split_id(arguments)?;
                let (challenge, _) = grammar::split_word(rest.ok_or(Fatal::Incomplete)?);
                let challenge = Secret::from_vec(unescape(challenge));
                Ok(Self::Cont { id: RequestId::new(id), challenge })
            }
            b"CANCELLED" => {
                let (id, _) = grammar::split_id(arguments)?;
                Ok(Self::Cancelled(RequestId::new(id)))
            }
            b"VERSION" => grammar::version(arguments).map(Self::Version),
            b"MECH" => MechanismOffer::parse(arguments).map(Self::Mechanism),
            b"SPID" => value(arguments).map(Self::ServerPid),
            b"CUID" => value(arguments).map(Self::ConnectionId),
            b"COOKIE" => value(arguments).map(Secret::from_vec).map(Self::Cookie),
            b"DONE" => Ok(Self::Done),
            _ => Ok(Self::Unknown),
        }
    }

    /// Appends the line with its end; nothing for [`Reply::Unknown`].
    pub fn encode(&self, output: &mut Wiped) {
        match self {
            Self::Version(version) => encode_version(output, *version),
            Self::Mechanism(offer) => offer.encode(output),
            Self::ServerPid(pid) => encode_value(output, b"SPID\t", pid),
            Self::ConnectionId(id) => encode_value(output, b"CUID\t", id),
            Self::Cookie(cookie) => encode_value(output, b"COOKIE\t", cookie.expose()),
            Self::Done => output.extend(b"DONE\n"),
            Self::Ok { id, fields } => encode_answer(output, b"OK\t", *id, fields),
            Self::Fail { id, fields } => encode_answer(output, b"FAIL\t", *id, fields),
            Self::Cont { id, challenge } => {
                output.extend(b"CONT\t");
                output.push_number(id.number());
                output.push(b'\t');
                escape_into(output, challenge.expose());
                output.push(b'\n');
            }
            Self::Cancelled(id) => {
                output.extend(b"CANCELLED\t");
                output.push_number(id.number());
                output.push(b'\n');
            }
            Self::Unknown => {}
        }
    }
}

/// `OK` or `FAIL` (with its TAB), id, fields.
pub(super) fn encode_answer(output: &mut Wiped, verb: &[u8], id: RequestId, fields: &Fields) {
    output.extend(verb);
    output.push_number(id.number());
    fields.encode_tail(output);
    output.push(b'\n');
}

fn encode_value(output: &mut Wiped, verb: &[u8], value: &[u8]) {
    output.extend(verb);
    escape_into(output, value);
    output.push(b'\n');
}

/// One value that must be there; what follows it is ignored.
fn value(arguments: Option<&[u8]>) -> Result<Vec<u8>, Fatal> {
    let (value, _) = grammar::split_word(arguments.ok_or(Fatal::HandshakeMalformed)?);
    let value = unescape(value);
    if value.is_empty() { Err(Fatal::HandshakeMalformed) } else { Ok(value) }
}

/// Why a request failed, from the fields of FAIL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailCode {
    /// `temp_fail`: no verdict. Nothing about the password follows from it.
    TempFail,
    /// `authz_fail`: the password is right, but not for that other user.
    AuthzFail,
    /// `user_disabled`.
    UserDisabled,
    /// `pass_expired`.
    PassExpired,
    /// `invalid_base64`.
    InvalidBase64,
    /// A code not known here, as it came.
    Other(Vec<u8>),
}

impl FailCode {
    /// Reads `code=` (2.3, 2.4), or the bare words of 2.2 that some servers still send.
    pub fn of(fields: &Fields) -> Option<Self> {
        if let Some(code) = fields.value("code") {
            return Some(match code {
                b"temp_fail" => Self::TempFail,
                b"authz_fail" => Self::AuthzFail,
                b"user_disabled" => Self::UserDisabled,
                b"pass_expired" => Self::PassExpired,
                b"invalid_base64" => Self::InvalidBase64,
                other => Self::Other(other.to_vec()),
            });
        }
        [
            ("temp", Self::TempFail),
            ("authz", Self::AuthzFail),
            ("user_disabled", Self::UserDisabled),
            ("pass_expired", Self::PassExpired),
        ]
        .into_iter()
        .find_map(|(word, code)| fields.contains(word).then_some(code))
    }

    /// The value of `code=`.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::TempFail => b"temp_fail",
            Self::AuthzFail => b"authz_fail",
            Self::UserDisabled => b"user_disabled",
            Self::PassExpired => b"pass_expired",
            Self::InvalidBase64 => b"invalid_base64",
            Self::Other(code) => code,
        }
    }

    /// The one field `code=…`, for a FAIL.
    pub fn into_fields(self) -> Fields {
        Fields::new().with("code", self.as_bytes())
    }
}

#[cfg(test)]
mod tests;
