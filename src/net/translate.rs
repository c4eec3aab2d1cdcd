//! From a login on the wire to a request for the decision, and from its outcome to a reply.
//!
//! The only place where the two vocabularies meet.
//!
//! # Security
//!
//! All refusals become the same reply. Fields that an upstream sends along with OK go down
//! unchanged, except the ones that belong to vouching.

use std::sync::Arc;

use crate::{
    base::Secret,
    decision::{
        flow::{Credential, RelayedRequest, Request},
        outcome::Outcome,
    },
    ports::password::{FormLogin, PasswordAnswer, PasswordQuestion},
    service::authenticate::Circumstances,
    wire::{Attempt, Fields, Parameters, PlainCredentials, RelayStart},
};

/// The name of our entry in `forward_fields`.
pub const VOUCH: &str = "vouch";

/// Fields of an upstream's OK that say how we vouched.
const VOUCH_FIELDS: [&str; 2] = ["forward_vouch", "original_user"];

/// What goes down for a decided login.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Reply {
    /// OK with these fields.
    Ok(Fields),
    /// FAIL; held back until the common moment of refusals.
    Refused(Fields),
    /// FAIL with `temp_fail`, at once.
    TempFail(Fields),
}

/// The decision's view of an attempt.
pub fn request(attempt: &Attempt) -> Request {
    Request {
        authzid: attempt.credentials.authzid.clone(),
        authcid: attempt.credentials.authcid.clone(),
        credential: Credential::Joined(attempt.credentials.password.clone()),
        service: attempt.parameters.service(),
        remote: attempt.parameters.remote_ip(),
        via: attempt.parameters.real_remote_ip(),
    }
}

/// The decision's view of an exchange that the upstream decides.
pub fn relayed_request(start: &RelayStart) -> RelayedRequest {
    RelayedRequest {
        mechanism: start.mechanism,
        service: start.parameters.service(),
        remote: start.parameters.remote_ip(),
        via: start.parameters.real_remote_ip(),
    }
}

/// Everything a login process or client said, without what only we may say.
pub fn own_parameters(parameters: &Parameters) -> Parameters {
    let mut parameters = parameters.clone();
    parameters.remove_forwarded(VOUCH);
    parameters
}

/// What else is known of a login.
pub fn circumstances(
    listener: &Arc<str>,
    mechanism: &str,
    parameters: &Parameters,
) -> Circumstances {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned().into_boxed_str();
    Circumstances {
        listener: Arc::clone(listener),
        service: parameters.service(),
        remote: parameters.remote_ip(),
        mechanism: mechanism.chars().take(32).collect(),
        session: parameters.session().map(text),
        client: parameters.client_id().map(text),
    }
}

/// The reply for an outcome. `accepted` is what the source of the password gave us to pass on.
pub fn reply(outcome: &Outcome, typed: &[u8], accepted: Option<Fields>) -> Reply {
    match outcome {
        Outcome::Accepted(accepted_as) => {
            let mut fields = accepted.unwrap_or_default();
            for key in VOUCH_FIELDS {
                fields.remove(key);
            }
            if fields.get(b"user").is_none() {
                let name = accepted_as.identity().opened().as_str().as_bytes();
                fields.push("user", Some(name.to_vec()));
            }
            Reply::Ok(fields)
        }
        Outcome::Refused(_) => refused(typed),
        Outcome::Unavailable(_) => temp_fail(typed),
    }
}

/// What an upstream's OK says: which mailbox, and as which master user. Dovecot names the latter in
/// `auth_user`, whether or not its separator is known here.
pub fn right_of(fields: &Fields) -> PasswordAnswer {
    let name = |key| fields.value(key).map(<[u8]>::to_vec);
    PasswordAnswer::Right { user: name("user"), auth_user: name("auth_user") }
}

/// What an upstream's FAIL says of the password: its codes other than `temp_fail` are refusals of
/// the mailbox (disabled, expired) and look like a wrong password from outside.
pub fn refusal_of(fields: &Fields) -> PasswordAnswer {
    let temporary = fields.contains("temp") || fields.value("code") == Some(b"temp_fail");
    if temporary {
        PasswordAnswer::Unavailable("Dovecot's auth answered temp_fail: see its log".into())
    } else {
        PasswordAnswer::Wrong
    }
}

/// The parameters under which an upstream is asked for a password that was typed into a form.
pub fn form_parameters(login: &FormLogin<'_>) -> Parameters {
    let mut parameters = Parameters::default();
    parameters.push("service", Some(login.service.as_str().as_bytes().to_vec()));
    parameters.push("secured", None);
    if let Some(ip) = login.from.ip() {
        parameters.push("rip", Some(ip.to_string().into_bytes()));
    }
    parameters
}

/// The parameters under which an upstream is asked for a password. What we count ourselves Dovecot
/// need not: its anvil penalty makes a wrong password slow and a wrong code not, which would tell
/// them apart.
pub fn asked_with(parameters: &Parameters, counted: bool) -> Parameters {
    let mut parameters = parameters.clone();
    if counted && !parameters.contains(NO_PENALTY) {
        parameters.push(NO_PENALTY, None);
    }
    parameters
}

/// All that an upstream is told besides the question, but for what only tells one connection from
/// another.
pub fn told(parameters: &Parameters) -> Fields {
    let of_connection = [&b"session"[..], b"rport", b"real_rport"];
    let told = parameters.iter().filter(|field| !of_connection.contains(&&*field.key));
    told.cloned().collect()
}

/// What an upstream is asked in PLAIN: the names that were judged, and the password part.
pub fn plain(question: &PasswordQuestion) -> Secret {
    let asked = &question.asked;
    PlainCredentials::encode_plain(
        asked.authzid.as_bytes(),
        asked.authcid.as_bytes(),
        question.password.expose(),
    )
}

/// Dovecot's word for it (`src/auth/auth-request-handler.c`).
const NO_PENALTY: &str = "no-penalty";

/// The one refusal there is: the name as it was typed, and nothing else.
pub fn refused(typed: &[u8]) -> Reply {
    Reply::Refused(Fields::new().with("user", typed))
}

/// No decision was possible. `temp` is the older spelling. Exim reads neither: see `config::TempFail`.
pub fn temp_fail(typed: &[u8]) -> Reply {
    let fields = Fields::new().with("user", typed).with_flag("temp").with("code", b"temp_fail");
    Reply::TempFail(fields)
}

/// The fields of `temp_fail` without a name.
pub fn unavailable() -> Fields {
    Fields::new().with_flag("temp").with("code", b"temp_fail")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::refusal::Refusal;

    #[test]
    fn refusals_are_alike() {
        for refusal in Refusal::ALL {
            assert_eq!(reply(&Outcome::Refused(refusal), b"alice", None), refused(b"alice"));
        }
    }

    #[test]
    fn unavailable_is_never_a_plain_refusal() {
        let Reply::TempFail(fields) = reply(&Outcome::Unavailable("x".into()), b"alice", None)
        else {
            panic!("must be temp_fail");
        };
        assert_eq!(fields.value("code"), Some(&b"temp_fail"[..]));
    }
}
