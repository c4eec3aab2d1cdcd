//! What webmails ask: a token for password and code, more time for it, its end.
//!
//! These are logins and not requests of an administrator, so they go to `service::webmail`.
//!
//! # Security
//!
//! Passwords come in here. Who asks is known first, by a token with the scope `webmail:exchange`; a mailbox
//! out of its reach is refused before anything is looked at, and so is one that the password would lead to.
//! A webmail that is another API token's is refused as well, and so are that webmail's tokens.
//! Refused and throttled exchanges leave at the moments at which refusals leave at every door. Nothing of a
//! body is quoted or logged.

use std::time::Duration;

use axum::{
    Router,
    extract::Request,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::post,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::time::Instant;
use utoipa::{PartialSchema as _, ToSchema};

use super::{
    Api,
    call::{self, Entered, enter, object, receive, refused},
    fields::wrong,
    operations::{Operation, WEBMAIL},
    problem::{Problem, respond},
    wiped::{Fields, text},
};
use crate::{
    base::{NetAddress, Secret, refusal::leaves_after},
    service::{
        admin::{Access, Admin, AdminError, Disclosed},
        webmail::{Exchange, Exchanged, Life, Webmail, WebmailError},
    },
};

/// What somebody typed into a webmail's form.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExchangeAsked {
    /// The webmail, by its name in the configuration.
    webmail: String,
    /// The name, as typed.
    mailbox: String,
    /// The password.
    password: Disclosed,
    /// A code or recovery code, once it was asked.
    code: Option<Disclosed>,
    /// The address of the browser.
    browser: String,
}

/// A token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenAsked {
    /// The name to log in with.
    mailbox: String,
    /// The token.
    token: Disclosed,
}

/// What became of an exchange.
#[derive(Serialize, ToSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub(super) enum ExchangeAnswer {
    /// In.
    Token {
        /// The name to log in with; it may be another one than was typed.
        mailbox: String,
        /// What to log in with, in place of the password.
        token: Disclosed,
        /// The number of its session.
        session: u64,
        /// When it ends if it is not used again, seconds since 1970.
        expires: u64,
        /// When it ends in any case, seconds since 1970.
        ends: u64,
    },
    /// The password is right: ask for a code, and send all of it again.
    CodeRequired,
    /// Not in; say the same whatever it was.
    Refused,
    /// Not in: too many failures. The code was not looked at, and as a rule not the password.
    Throttled {
        /// Seconds until there is room for another try.
        retry_after: u64,
    },
}

/// Whether a token lives.
#[derive(Serialize, ToSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub(super) enum RefreshAnswer {
    /// It does, and this counted as a use.
    Live {
        /// When it ends if it is not used again, seconds since 1970.
        expires: u64,
        /// When it ends in any case, seconds since 1970.
        ends: u64,
    },
    /// It does not: its user logs in again.
    Ended,
}

/// What became of a token.
#[derive(Serialize, ToSchema)]
pub(super) struct RevokeAnswer {
    /// Whether there was one.
    revoked: bool,
}

/// The routes.
pub(super) fn routes(api: &Api) -> Router {
    let mut router = Router::new();
    for operation in WEBMAIL {
        let api = api.clone();
        let handler = move |request| answer(operation, api.clone(), request);
        router = router.route(operation.path, post(handler));
    }
    router
}

/// The schemas of what is asked and answered.
pub(super) fn schemas(operation: &Operation) -> (Value, Value) {
    let value = |schema| serde_json::to_value(schema).unwrap_or_default();
    match operation.request {
        "webmail_exchange" => (value(ExchangeAsked::schema()), value(ExchangeAnswer::schema())),
        "webmail_refresh" => (value(TokenAsked::schema()), value(RefreshAnswer::schema())),
        _ => (value(TokenAsked::schema()), value(RevokeAnswer::schema())),
    }
}

async fn answer(operation: &'static Operation, api: Api, request: Request) -> Response {
    let arrived = Instant::now();
    let Entered { doers, access, parts, body } = match enter(&api, request).await {
        Ok(entered) => entered,
        Err(shut) => return shut.into_response(),
    };
    if let Err(error) = access.needs(operation.scope) {
        return refused(operation, &error);
    }
    if parts.uri.query().is_some() {
        return Problem::QUERY.into_response();
    }
    let body = match receive(body).await.and_then(|bytes| object(&parts.headers, &bytes)) {
        Ok(body) => body,
        Err(why) => return why.into_response(),
    };
    let access = match call::access(&api, &doers, &parts).await {
        Ok(access) => access,
        Err(shut) => return shut.into_response(),
    };
    let Some(webmail) = &doers.webmail else { return Problem::NO_WEBMAIL.into_response() };
    let caller = Caller { operation, admin: &doers.admin, access: &access, webmail };
    let done = match operation.request {
        "webmail_exchange" => caller.exchange(&body, arrived, doers.refusal_delay).await,
        "webmail_refresh" => caller.refresh(&body).await,
        _ => caller.revoke(&body).await,
    };
    done.unwrap_or_else(|refused| refused)
}

/// Who asks, and whom.
struct Caller<'a> {
    operation: &'a Operation,
    admin: &'a Admin,
    access: &'a Access,
    webmail: &'a Webmail,
}

impl Caller<'_> {
    async fn exchange(
        &self,
        body: &Fields,
        arrived: Instant,
        delay: Duration,
    ) -> Result<Response, Response> {
        let asked: ExchangeAsked = self.read(body)?;
        self.within_reach(&asked.mailbox).map_err(|error| self.refused(&error))?;
        let browser = NetAddress::parse(&asked.browser);
        if browser.ip().is_none() {
            return Err(Problem::ADDRESS.into_response());
        }
        if !self.webmail.knows(&asked.webmail) {
            return Err(Problem::NO_WEBMAIL.into_response());
        }
        if !self.webmail.is_asked_by(&asked.webmail, self.access) {
            return Err(Problem::OTHER_TOKEN.into_response());
        }
        let wanted = Exchange {
            webmail: asked.webmail,
            name: asked.mailbox.into_bytes(),
            password: secret(&asked.password),
            factor: asked.code.as_ref().map(secret),
            browser,
        };
        let rights = &self.access.rights;
        let answer = match self.webmail.exchange(wanted, |mailbox| rights.reach(mailbox)).await {
            Exchanged::Token(minted) => ExchangeAnswer::Token {
                mailbox: minted.mailbox.to_string(),
                token: Disclosed::new(minted.token),
                session: minted.session,
                expires: minted.life.expires.seconds(),
                ends: minted.life.ends.seconds(),
            },
            Exchanged::CodeRequired => ExchangeAnswer::CodeRequired,
            Exchanged::Refused(_) => ExchangeAnswer::Refused,
            Exchanged::Throttled { retry_after } => {
                ExchangeAnswer::Throttled { retry_after: retry_after.as_secs().saturating_add(1) }
            }
            Exchanged::Unavailable(why) => {
                return Err(self.refused(&AdminError::Unavailable { why }));
            }
        };
        if matches!(answer, ExchangeAnswer::Refused | ExchangeAnswer::Throttled { .. }) {
            let waits = leaves_after(arrived.elapsed(), delay);
            tokio::time::sleep_until(arrived + waits).await;
        }
        Ok(json(&answer))
    }

    async fn refresh(&self, body: &Fields) -> Result<Response, Response> {
        let TokenAsked { mailbox, token } = self.read(body)?;
        self.within_reach(&mailbox).map_err(|error| self.refused(&error))?;
        let life = self.webmail.refresh(mailbox.as_bytes(), &secret(&token), self.access).await;
        Ok(json(&match life.map_err(|error| self.failed(&error))? {
            Some(Life { expires, ends }) => {
                RefreshAnswer::Live { expires: expires.seconds(), ends: ends.seconds() }
            }
            None => RefreshAnswer::Ended,
        }))
    }

    async fn revoke(&self, body: &Fields) -> Result<Response, Response> {
        let TokenAsked { mailbox, token } = self.read(body)?;
        self.within_reach(&mailbox).map_err(|error| self.refused(&error))?;
        let revoked = self.webmail.revoke(mailbox.as_bytes(), &secret(&token), self.access).await;
        Ok(json(&RevokeAnswer { revoked: revoked.map_err(|error| self.failed(&error))? }))
    }

    fn read<T: DeserializeOwned>(&self, body: &Fields) -> Result<T, Response> {
        body.read().ok_or_else(|| wrong(self.operation, &body.0).into_response())
    }

    fn refused(&self, error: &AdminError) -> Response {
        refused(self.operation, error)
    }

    fn failed(&self, error: &WebmailError) -> Response {
        self.refused(&match error {
            WebmailError::Unavailable(why) => AdminError::Unavailable { why: why.clone() },
            WebmailError::BadName(why) => AdminError::BadName { why: why.clone() },
            WebmailError::OtherToken => return Problem::OTHER_TOKEN.into_response(),
        })
    }

    /// Whether the caller may ask of this mailbox at all. A name that is none is for the login to refuse.
    fn within_reach(&self, typed: &str) -> Result<(), AdminError> {
        let rights = &self.access.rights;
        match self.admin.names.canonical(typed.as_bytes()) {
            Ok(mailbox) if rights.reach(&mailbox) => Ok(()),
            Err(_) if !rights.are_limited() => Ok(()),
            Ok(_) | Err(_) => Err(AdminError::OutOfReach),
        }
    }
}

fn secret(text: &Disclosed) -> Secret {
    Secret::from_slice(text.expose().as_bytes())
}

fn json(answer: &impl Serialize) -> Response {
    match text(answer) {
        Some(text) => respond(StatusCode::OK, "application/json", text),
        None => Problem::BROKEN.into_response(),
    }
}
