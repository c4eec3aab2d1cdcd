//! Tokens of the API: any text is one, to the letter, or none; whatever stands where their registry is
//! kept, somebody is let in only by the very token that stands there, before its end, with no more rights
//! than stand there; and that its use is noted changes nothing else.

#![no_main]

use std::cell::LazyCell;

use arbitrary::Arbitrary;
use futures_executor::block_on;
use libfuzzer_sys::fuzz_target;
use mail2fa::decision::api_token::{Scope, TypedToken};
use mail2fa_fuzz::{Desk, NOW, flipped, key, spliced};
use serde_json::{Value, json};

#[derive(Arbitrary, Debug)]
enum Stored {
    True,
    Flip(u16, u8),
    Splice(u8, u8, Vec<u8>),
    Raw(Vec<u8>),
    /// A registry of one token with these words.
    Words {
        scopes: Vec<u8>,
        domains: Vec<String>,
        expires: Option<u32>,
        used: Option<u32>,
        own: bool,
    },
}

#[derive(Arbitrary, Debug)]
enum Brought {
    True,
    Other,
    Flip(u16, u8),
    Splice(u8, u8, Vec<u8>),
    Raw(Vec<u8>),
}

#[derive(Arbitrary, Debug)]
struct Case {
    stored: Stored,
    brought: Brought,
    now: u32,
}

fn token(first: u8) -> TypedToken {
    TypedToken::generate(&std::array::from_fn(|i| u8::try_from(i).unwrap() ^ first))
}

fn kept(token: &TypedToken) -> Value {
    json!({
        "name": "hosting", "id": token.id(), "digest": token.digest(&key()).bytes(),
        "scopes": ["mailboxes:read", "totp:read"], "domains": ["example.org"], "created": 1,
        "expires": NOW + 1_000, "last_used": NOW - 10_000,
    })
}

fn registry(stored: Stored, mine: &TypedToken) -> Vec<u8> {
    let truth = json!([kept(&token(9)), kept(mine)]).to_string().into_bytes();
    match stored {
        Stored::True => truth,
        Stored::Flip(at, mask) => flipped(&truth, (at, mask)),
        Stored::Splice(from, until, by) => spliced(&truth, (from, until), &by),
        Stored::Raw(bytes) => bytes,
        Stored::Words { scopes, domains, expires, used, own } => {
            let mut one = kept(mine);
            let word = |n: &u8| match usize::from(*n) % (Scope::ALL.len() + 2) {
                0 => "*",
                1 => "later:write",
                n => Scope::ALL[n - 2].0.as_str(),
            };
            one["scopes"] = scopes.iter().map(word).collect();
            one["domains"] = domains.into();
            one["expires"] = expires.map(|after| NOW - 1_000 + u64::from(after % 2_000)).into();
            one["last_used"] = used.into();
            one["later"] = own.into();
            json!([one]).to_string().into_bytes()
        }
    }
}

/// The entries as JSON, without when they were used.
fn unused(registry: &[u8]) -> Option<Vec<Value>> {
    let mut all: Vec<Value> = serde_json::from_slice(registry).ok()?;
    for one in &mut all {
        one.as_object_mut()?.remove("last_used");
    }
    Some(all)
}

thread_local! {
    static DESK: LazyCell<Desk> = LazyCell::new(Desk::new);
}

fuzz_target!(|case: Case| DESK.with(|desk| {
    let mine = token(0);
    let now = NOW - 1_000 + u64::from(case.now % 3_000);
    desk.reset(now * 1_000);
    let before = registry(case.stored, &mine);
    desk.shelf.put_entry("api-tokens", "api", "", &before);
    let truth = mine.shown();
    let truth = truth.expose();
    let brought = match case.brought {
        Brought::True => truth.as_bytes().to_vec(),
        Brought::Other => token(1).shown().expose().as_bytes().to_vec(),
        Brought::Flip(at, mask) => flipped(truth.as_bytes(), (at, mask)),
        Brought::Splice(from, until, by) => spliced(truth.as_bytes(), (from, until), &by),
        Brought::Raw(bytes) => bytes,
    };
    let Ok(text) = std::str::from_utf8(&brought) else { return };
    let typed = TypedToken::parse(text);
    if let Some(typed) = &typed {
        assert_eq!(typed.shown().expose(), text, "it is read to the letter");
        assert_eq!(typed.digest(&key()) == mine.digest(&key()), text == truth);
    }
    let found = block_on(desk.admin.bearer(text));
    let after = &desk.shelf.entries(|kind, _| kind == "api-tokens")[0].1;
    if *after != before {
        let in_it = matches!(found, Ok(Some(_)));
        assert!(in_it, "who is not let in changes nothing");
        assert_eq!(unused(after), unused(&before), "only a use was noted");
    }
    let Ok(Some(access)) = found else { return };
    let digest = json!(typed.expect("it is a token").digest(&key()).bytes());
    let all: Vec<Value> = serde_json::from_slice(&before).expect("it was read");
    let one = all.iter().find(|one| one["digest"] == digest).expect("it stands there");
    assert_eq!(access.token.as_deref(), one["name"].as_str());
    assert!(one["expires"].is_null() || one["expires"].as_u64().is_some_and(|end| now < end));
    assert_eq!(json!(access.rights.domains), one["domains"]);
    let words: Vec<&str> =
        one["scopes"].as_array().unwrap().iter().flat_map(Value::as_str).collect();
    for (scope, _) in Scope::ALL {
        let allowed = words.contains(&"*") || words.contains(&scope.as_str());
        assert_eq!(access.rights.allow(Some(*scope)), allowed, "{scope:?} {words:?}");
    }
    assert!(!access.rights.allow(None), "no token makes tokens");
}));
