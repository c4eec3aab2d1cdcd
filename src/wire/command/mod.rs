//! What a client says: VERSION, CPID, AUTH, CONT, CANCEL.
//!
//! Reading and writing one line each; whether a command may come now is the business of
//! [`Server`](super::Server). Sources: Dovecot's `src/auth/auth-client-connection.c` and
//! `src/auth/auth-request-handler.c`.
//!
//! # Security
//!
//! `resp=` is the last parameter: everything behind its `=` up to the end of the line is the
//! response, a TAB included, which then is not base64. So nothing that a mail client smuggled into
//! its response can become a parameter.

use std::fmt;

use super::{
    error::Fatal,
    escape::{escape_into, unescape},
    field::Field,
    grammar,
    ids::{ProtocolVersion, RequestId},
    parameters::Parameters,
    wiped::Wiped,
};
use crate::base::{Secret, limits::AUTH_PARAMETERS};

/// A line from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `VERSION major minor`.
    Version(ProtocolVersion),
    /// `CPID pid`: the client's process, not 0.
    ClientPid(u32),
    /// `AUTH id mechanism parameters…`.
    Auth(Auth),
    /// `CONT id base64`, the answer to a challenge, still encoded.
    Cont {
        /// Which request.
        id: RequestId,
        /// The rest of the line.
        response: Secret,
    },
    /// `CANCEL id`.
    Cancel(RequestId),
}

/// An AUTH line.
#[derive(Clone, PartialEq, Eq)]
pub struct Auth {
    /// Which request; not 0.
    pub id: RequestId,
    /// The mechanism's name as it came.
    pub mechanism: Vec<u8>,
    /// Everything between the mechanism and `resp`.
    pub parameters: Parameters,
    /// What stands behind `resp=`, still encoded; `None` when there is no `resp`.
    pub response: Option<Secret>,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("id", &self.id)
            .field("mechanism", &self.mechanism.escape_ascii().to_string())
            .field("parameters", &self.parameters)
            .field("response", &self.response)
            .finish()
    }
}

impl Command {
    /// Reads one line, without its end.
    pub fn parse(line: &[u8]) -> Result<Self, Fatal> {
        let (name, arguments) = grammar::split_command(line)?;
        match name {
            b"AUTH" => Auth::parse(arguments).map(Self::Auth),
            b"CONT" => {
                let (id, response) = grammar::split_id(arguments)?;
                let response = Secret::from_vec(unescape(response.ok_or(Fatal::Incomplete)?));
                Ok(Self::Cont { id: RequestId::new(id), response })
            }
            b"CANCEL" => {
                let id = grammar::number(arguments).ok_or(Fatal::RequestId)?;
                Ok(Self::Cancel(RequestId::new(id)))
            }
            b"VERSION" => grammar::version(arguments).map(Self::Version),
            b"CPID" => match grammar::number(arguments) {
                None | Some(0) => Err(Fatal::ProcessId),
                Some(pid) => Ok(Self::ClientPid(pid)),
            },
            _ => Err(Fatal::UnknownCommand),
        }
    }

    /// Appends the line with its end.
    pub fn encode(&self, output: &mut Wiped) {
        match self {
            Self::Version(version) => encode_version(output, *version),
            Self::ClientPid(pid) => {
                output.extend(b"CPID\t");
                output.push_number(*pid);
                output.push(b'\n');
            }
            Self::Auth(auth) => auth.encode(output),
            Self::Cont { id, response } => {
                output.extend(b"CONT\t");
                output.push_number(id.number());
                output.push(b'\t');
                escape_into(output, response.expose());
                output.push(b'\n');
            }
            Self::Cancel(id) => {
                output.extend(b"CANCEL\t");
                output.push_number(id.number());
                output.push(b'\n');
            }
        }
    }
}

pub(super) fn encode_version(output: &mut Wiped, version: ProtocolVersion) {
    output.extend(b"VERSION\t");
    output.push_number(version.major);
    output.push(b'\t');
    output.push_number(version.minor);
    output.push(b'\n');
}

impl Auth {
    fn parse(arguments: Option<&[u8]>) -> Result<Self, Fatal> {
        let (id, rest) = grammar::split_id(arguments)?;
        if id == 0 {
            return Err(Fatal::RequestId);
        }
        let (mechanism, mut rest) = grammar::split_word(rest.ok_or(Fatal::Incomplete)?);
        let mut parameters = Parameters::new();
        let mut response = None;
        while let Some(text) = rest {
            if let Some(data) = grammar::behind_response_key(text) {
                response = Some(Secret::from_vec(unescape(data)));
                break;
            }
            let (word, behind) = grammar::split_word(text);
            let field = Field::parse(word);
            if field.key == b"resp" {
                response = Some(disguised_response(&field, text, behind));
                break;
            }
            if parameters.len() == AUTH_PARAMETERS {
                return Err(Fatal::TooManyParameters);
            }
            parameters.push_parsed(field);
            rest = behind;
        }
        if parameters.service_name().is_none() {
            return Err(Fatal::ServiceMissing);
        }
        Ok(Self { id: RequestId::new(id), mechanism: unescape(mechanism), parameters, response })
    }

    /// Appends the line with its end. `resp` comes last, whatever the parameters are.
    pub(super) fn encode(&self, output: &mut Wiped) {
        output.extend(b"AUTH\t");
        output.push_number(self.id.number());
        output.push(b'\t');
        escape_into(output, &self.mechanism);
        self.parameters.fields().encode_tail(output);
        if let Some(response) = &self.response {
            output.extend(b"\tresp=");
            escape_into(output, response.expose());
        }
        output.push(b'\n');
    }
}

/// `resp` without `=`, which Dovecot reads as `resp=`, and `resp` written with escapes, which nobody
/// does. Alone at the end it is an empty response; anything else is kept whole, so that it is not base64.
fn disguised_response(field: &Field, text: &[u8], behind: Option<&[u8]>) -> Secret {
    match (&field.value, behind) {
        (None, None) => Secret::from_slice(b""),
        (None | Some(_), _) => Secret::from_slice(text),
    }
}

#[cfg(test)]
mod tests;
