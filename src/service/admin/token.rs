//! Tokens of the API: made, listed, revoked, and asked who somebody is by theirs.
//!
//! All of them are one entry of the store, so that one look-up finds one and a list needs no scan.
//!
//! # Security
//!
//! Who brings a token is told only that it is not good, never why. Nothing of a token is kept but its
//! keyed hash. Without the entry nobody has a token. Only the machine's administrator makes them: no
//! token allows it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Access, AdminError, Disclosed, Response, acting::Acting, error::moment};
use crate::{
    base::{
        Mailbox, Secret, UnixMillis,
        limits::{
            ADMIN_ATTEMPTS, API_TOKEN_DOMAINS, API_TOKEN_NAME_BYTES, API_TOKEN_USE_SECONDS,
            API_TOKENS,
        },
    },
    decision::{
        api_token::{ApiToken, EVERY, ID_CHARACTERS, Rights, SECRET_CHARACTERS, Scope, TypedToken},
        digest::Digest,
    },
    ports::{
        event::{EventKind, TrailEvent, clean},
        store::{Change, Commit, Entry, EntryKey, Expect},
    },
};

/// The name under which the entry is kept; its kind tells it from what a mailbox of this name has.
const HOLDER: &str = "api";

/// It does not end by itself.
const FOREVER: UnixMillis = UnixMillis::from_millis(u64::MAX);

/// What is asked of a new token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is called: letters, digits, dots, dashes and underscores.
    pub name: String,
    /// What it may do; `*` is everything but tokens.
    pub scopes: Vec<String>,
    /// For mailboxes of which domains; none means any.
    #[serde(default)]
    pub domains: Vec<String>,
    /// When it ends, seconds since 1970.
    #[serde(default)]
    pub expires: Option<u64>,
}

/// What may be seen of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// What it is called.
    pub name: String,
    /// The eight characters that name it.
    pub id: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// For mailboxes of which domains; none means any.
    pub domains: Vec<String>,
    /// When it was made, seconds since 1970.
    pub created: u64,
    /// When it ends, seconds since 1970.
    pub expires: Option<u64>,
    /// Its last use, to the hour, seconds since 1970.
    pub last_used: Option<u64>,
}

/// A token as it is kept. Fields that a later version adds are optional, and stay when this one writes
/// down a use: one of them may say what the token may not.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    name: String,
    id: String,
    digest: [u8; 32],
    scopes: Vec<String>,
    domains: Vec<String>,
    created: u64,
    /// Always there: without it nothing would end.
    #[serde(deserialize_with = "Option::deserialize")]
    expires: Option<u64>,
    #[serde(default)]
    last_used: Option<u64>,
    #[serde(flatten)]
    later: Map<String, Value>,
}

impl Kept {
    fn token(&self) -> ApiToken {
        let every = Scope::ALL.iter().map(|(scope, _)| *scope);
        let scopes = if !self.later.is_empty() {
            // What may bind it is not understood here, so it allows nothing.
            Vec::new()
        } else if self.scopes.iter().any(|word| word == EVERY) {
            every.collect()
        } else {
            // A word that is not known, of a later version, allows nothing.
            self.scopes.iter().filter_map(|word| Scope::parse(word)).collect()
        };
        ApiToken {
            id: self.id.clone(),
            digest: Digest::from_bytes(self.digest),
            rights: Rights { scopes: Some(scopes), domains: self.domains.clone() },
            expires: self.expires.map(UnixMillis::from_seconds),
        }
    }

    fn view(&self) -> TokenView {
        TokenView {
            name: self.name.clone(),
            id: self.id.clone(),
            scopes: self.scopes.clone(),
            domains: self.domains.clone(),
            created: self.created,
            expires: self.expires,
            last_used: self.last_used,
        }
    }
}

fn storage(why: &str) -> AdminError {
    AdminError::Storage { why: why.into() }
}

fn key() -> Result<EntryKey, AdminError> {
    let mailbox = Mailbox::new(HOLDER).map_err(|error| storage(&error.to_string()))?;
    Ok(EntryKey { kind: "api-tokens", mailbox, id: String::new() })
}

/// All tokens and what the entry that has them must be when it is written.
type Registry = (Vec<Kept>, Expect);

impl super::Admin {
    async fn registry(&self, now: UnixMillis) -> Result<Registry, AdminError> {
        let Some(found) = self.store.load_entry(&key()?, now).await? else {
            return Ok((Vec::new(), Expect::Absent));
        };
        // The text of a serde error may quote what was read.
        let tokens = serde_json::from_slice(found.value.value.expose())
            .map_err(|_| storage("the tokens of the API cannot be read"))?;
        Ok((tokens, Expect::Version(found.version)))
    }

    /// Who brings this token; `None` if it is no good one.
    ///
    /// # Errors
    ///
    /// When this cannot be told now: then nobody is let in.
    pub async fn bearer(&self, token: &str) -> Result<Option<Access>, AdminError> {
        let Some(typed) = TypedToken::parse(token) else { return Ok(None) };
        let now = self.now()?;
        let (mut tokens, expect) = self.registry(now).await?;
        let Some(found) = tokens.iter_mut().find(|kept| kept.id == typed.id()) else {
            return Ok(None);
        };
        let token = found.token();
        let Some(rights) = token.judge(&typed, &self.key, now) else { return Ok(None) };
        let access = Access {
            by: format!("token {}", found.name),
            token: Some(found.name.clone()),
            rights: rights.clone(),
        };
        let noted = found.last_used.unwrap_or_default();
        if now.seconds().abs_diff(noted) >= API_TOKEN_USE_SECONDS {
            found.last_used = Some(now.seconds());
            // Who is in does not depend on whether that could be noted, or on who noted it first.
            if let Ok(change) = written(&tokens, expect)
                && let Err(error) = self.store.commit(vec![change]).await
            {
                tracing::warn!(%error, "the use of a token was not noted");
            }
        }
        Ok(Some(access))
    }
}

fn written(tokens: &[Kept], expect: Expect) -> Result<Change, AdminError> {
    let value = serde_json::to_vec(tokens).map_err(|error| storage(&error.to_string()))?;
    let entry = Entry { value: Secret::from_vec(value), expires: FOREVER };
    Ok(Change::Entry { key: key()?, expect: Some(expect), entry: Some(entry) })
}

impl Acting<'_> {
    /// A new token; it is shown this once.
    pub(super) async fn add_token(&self, wanted: NewToken) -> Result<Response, AdminError> {
        let now = self.now()?;
        let (scopes, domains) = self.checked(&wanted, now)?;
        let mut random = zeroize::Zeroizing::new([0; ID_CHARACTERS + SECRET_CHARACTERS]);
        self.random(&mut *random)?;
        let token = TypedToken::generate(&random);
        let kept = Kept {
            name: wanted.name,
            id: token.id().to_owned(),
            digest: *token.digest(&self.key).bytes(),
            scopes,
            domains,
            created: now.seconds(),
            expires: wanted.expires,
            last_used: None,
            later: Map::new(),
        };
        let detail = format!(
            "{} for {}: {}",
            kept.name,
            if kept.domains.is_empty() { "any domain".into() } else { kept.domains.join(" ") },
            kept.scopes.join(" ")
        );
        self.change_tokens(&detail, |tokens| {
            if tokens.iter().any(|other| other.name == kept.name || other.id == kept.id) {
                return Err(AdminError::TokenExists { name: kept.name.clone() });
            }
            if tokens.len() >= API_TOKENS {
                return Err(AdminError::TooManyTokens { most: API_TOKENS });
            }
            tokens.push(kept.clone());
            Ok(())
        })
        .await?;
        Ok(Response::TokenAdded {
            name: kept.name,
            id: kept.id,
            token: Disclosed::new(token.shown()),
        })
    }

    /// What of a new token can be used, in its one form.
    fn checked(
        &self,
        wanted: &NewToken,
        now: UnixMillis,
    ) -> Result<(Vec<String>, Vec<String>), AdminError> {
        let bad = |why: String| Err(AdminError::BadToken { why });
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        let length = wanted.name.len();
        if length == 0 || length > API_TOKEN_NAME_BYTES || !wanted.name.bytes().all(plain) {
            return bad(format!(
                "a token is called by 1 to {API_TOKEN_NAME_BYTES} letters, digits, dots, dashes and \
                 underscores"
            ));
        }
        let known = |word: &String| word == EVERY || Scope::parse(word).is_some();
        if wanted.scopes.is_empty() || !wanted.scopes.iter().all(known) {
            let all: Vec<_> = Scope::ALL.iter().map(|(scope, _)| scope.as_str()).collect();
            return bad(format!("a token has scopes, of these: {EVERY}, {}", all.join(", ")));
        }
        if wanted.domains.len() > API_TOKEN_DOMAINS {
            return bad(format!("a token has at most {API_TOKEN_DOMAINS} domains"));
        }
        let expires = wanted.expires.map(|end| moment("expires", end)).transpose()?;
        if expires.is_some_and(|end| end <= now) {
            return bad("the end of the token is over already".into());
        }
        let domain = |typed: &String| {
            let name = self.name(&format!("x@{typed}")).ok()?;
            let (local, domain) = name.as_str().split_once('@')?;
            (local == "x" && !domain.is_empty() && !domain.contains('@')).then(|| domain.to_owned())
        };
        let Some(mut domains) = wanted.domains.iter().map(domain).collect::<Option<Vec<_>>>()
        else {
            return bad("a domain is written like example.org".into());
        };
        let mut scopes = wanted.scopes.clone();
        scopes.sort_unstable();
        scopes.dedup();
        domains.sort_unstable();
        domains.dedup();
        Ok((scopes, domains))
    }

    /// All tokens, never their secret parts.
    pub(super) async fn list_tokens(&self) -> Result<Response, AdminError> {
        let (tokens, _) = self.registry(self.now()?).await?;
        Ok(Response::Tokens { tokens: tokens.iter().map(Kept::view).collect() })
    }

    /// Ends a token, by its name.
    pub(super) async fn revoke_token(&self, name: &str) -> Result<Response, AdminError> {
        self.change_tokens(&clean(name, API_TOKEN_NAME_BYTES), |tokens| {
            let before = tokens.len();
            tokens.retain(|kept| kept.name != name);
            if tokens.len() == before { Err(AdminError::NoToken) } else { Ok(()) }
        })
        .await?;
        Ok(Response::TokenRevoked { name: name.to_owned() })
    }

    async fn change_tokens(
        &self,
        detail: &str,
        edit: impl Fn(&mut Vec<Kept>) -> Result<(), AdminError>,
    ) -> Result<(), AdminError> {
        let now = self.now()?;
        for _ in 0..ADMIN_ATTEMPTS {
            let (mut tokens, expect) = self.registry(now).await?;
            edit(&mut tokens)?;
            let note = TrailEvent {
                at: now.millis(),
                kind: EventKind::Change,
                by: Some(self.by.to_owned()),
                action: Some(self.action.to_owned()),
                ..TrailEvent::default()
            };
            let note = note.with_detail(detail);
            match self.commit_noted(vec![written(&tokens, expect)?], note).await? {
                Commit::Done(_) => return Ok(()),
                Commit::Conflict => {}
            }
        }
        Err(AdminError::Busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_later_version_says_of_a_token_stays_and_an_end_is_never_missing() {
        let token = |more: &str| {
            let digest = vec!["7"; 32].join(",");
            format!(
                r#"[{{"name":"n","id":"abcdefgh","digest":[{digest}],"scopes":["*"],"domains":[],"created":1{more}}}]"#
            )
        };
        let text = token(r#","expires":null,"last_used":null,"networks":["192.0.2.0/24"]"#);
        let kept: Vec<Kept> = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&kept).unwrap(), text);
        assert_eq!(kept[0].token().rights.scopes, Some(Vec::new()), "it allows nothing here");
        let old = token(r#","expires":5"#);
        let kept: Vec<Kept> = serde_json::from_str(&old).unwrap();
        assert_ne!(kept[0].token().rights.scopes, Some(Vec::new()));
        assert!(serde_json::from_str::<Vec<Kept>>(&token("")).is_err());
    }
}
