//! Requests of the API, through its routes: whatever stands in path, query and body, who has no token
//! changes nothing, a token that may only read changes nothing, one for a domain changes and sees nothing
//! of another; an error changes no record and repeats no secret; nothing ends as broken. And what is read
//! as a request is written and read again the same, without its secrets in debug output.

#![no_main]

use std::{cell::LazyCell, sync::Arc, time::Duration};

use arbitrary::Arbitrary;
use axum::{Router, body::Body, http};
use http_body_util::BodyExt as _;
use libfuzzer_sys::fuzz_target;
use mail2fa::{
    api::{Api, Door, Parts, document, routes},
    base::Current,
    decision::api_token::TypedToken,
    service::admin::Request,
};
use mail2fa_fuzz::{ALICE, BOB, Desk, NOW, PASSWORD, SECRET, hotp, key};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// What is put where secrets stand.
const MARKER: &str = "s3cr3t-of-the-body";
/// Where that is.
const SECRETS: [&str; 5] = ["password", "clear", "hash", "code", "token"];
const FIELDS: [&str; 22] = [
    "password",
    "clear",
    "hash",
    "code",
    "token",
    "mailbox",
    "to",
    "do",
    "level",
    "wanted",
    "name",
    "services",
    "networks",
    "expires",
    "scopes",
    "domains",
    "webmail",
    "browser",
    "id",
    "from",
    "limit",
    "required_from",
];
const WORDS: [&str; 16] = [
    ALICE,
    BOB,
    "",
    "off",
    "optional",
    "required",
    "inherit",
    "imap",
    "192.0.2.0/24",
    "*",
    "roundcube",
    "198.51.100.7",
    "mailbox_remove",
    "ALICE@example.org",
    "bob@example.net@example.org",
    "phone",
];

#[derive(Arbitrary, Debug)]
enum Sort {
    Word(u8),
    Secret,
    True,
    Code,
    Number(u64),
    Null,
    Yes,
    List(Vec<u8>),
    Fields(Vec<(u8, u8)>),
    Text(String),
}

#[derive(Arbitrary, Debug)]
enum Sent {
    Nothing,
    Raw(Vec<u8>),
    Fields(Vec<(u8, Sort)>),
    /// As one is asked for, so that changes happen.
    Usual,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Nobody,
    Reader,
    OfDomain,
    Everything,
}

#[derive(Arbitrary, Debug)]
struct Case {
    who: Who,
    operation: u8,
    path: [u8; 2],
    odd: Option<String>,
    query: Vec<(u8, u8)>,
    sent: Sent,
    plain: bool,
}

fn word(n: u8) -> &'static str {
    WORDS[usize::from(n) % WORDS.len()]
}

fn value(field: &str, sort: Sort) -> Value {
    let secret = SECRETS.contains(&field);
    match sort {
        Sort::Secret if secret => MARKER.into(),
        Sort::True if secret => PASSWORD.into(),
        Sort::Code => hotp(SECRET, NOW / 30).into(),
        Sort::Secret | Sort::True => "x".into(),
        Sort::Word(n) => word(n).into(),
        Sort::Number(n) => n.into(),
        Sort::Null => Value::Null,
        Sort::Yes => true.into(),
        Sort::List(words) => words.into_iter().map(word).collect(),
        Sort::Fields(fields) => {
            let named = |n: u8| FIELDS[usize::from(n) % FIELDS.len()];
            let pair = |(field, n): (u8, u8)| {
                let field = named(field);
                (field.to_owned(), if SECRETS.contains(&field) { MARKER } else { word(n) }.into())
            };
            Value::Object(fields.into_iter().map(pair).collect())
        }
        Sort::Text(text) => text.into(),
    }
}

fn usual(path: &str) -> Value {
    let last = path.rsplit('/').next().unwrap_or_default();
    match (path.contains("webmail"), last) {
        (true, "tokens") => json!({
            "webmail": "roundcube", "mailbox": ALICE, "password": PASSWORD,
            "code": hotp(SECRET, NOW / 30), "browser": "198.51.100.7",
        }),
        (true, _) => json!({ "mailbox": ALICE, "token": MARKER }),
        (false, "confirm" | "check") => json!({ "code": hotp(&[7; 20], NOW / 30) }),
        (false, "rename") => json!({ "to": "carol@example.org" }),
        (false, "policy") => json!({ "level": "required" }),
        (false, "app-passwords") => json!({ "name": "tablet", "services": ["imap"] }),
        (false, _) => json!({ "mailbox": "carol@example.org", "password": { "clear": MARKER } }),
    }
}

struct Made {
    desk: Desk,
    router: Router,
    runtime: Runtime,
    /// Method and path of each operation.
    operations: Vec<(String, String)>,
}

fn make() -> Made {
    let desk = Desk::new();
    let parts = Parts {
        admin: desk.admin.clone(),
        webmail: Some(desk.webmail.clone()),
        refusal_delay: Duration::ZERO,
    };
    let parts = Arc::new(Current::new(parts));
    let router = routes(&Api { door: Door::Token, parts, wrong: Arc::default() });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let told: Value = serde_json::from_str(document().as_str()).unwrap();
    let mut operations = Vec::new();
    for (path, methods) in told["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().filter(|m| *m != "parameters") {
            operations.push((method.to_uppercase(), path.clone()));
        }
    }
    Made { desk, router, runtime, operations }
}

fn token(first: u8) -> TypedToken {
    TypedToken::generate(&std::array::from_fn(|i| u8::try_from(i).unwrap() ^ first))
}

/// The registry: who reads, who is of a domain, who may everything.
fn registry() -> Vec<u8> {
    let one = |n: u8, name: &str, scopes: &[&str], domains: &[&str]| {
        let token = token(n);
        json!({
            "name": name, "id": token.id(), "digest": token.digest(&key()).bytes(), "scopes": scopes,
            "domains": domains, "created": 1, "expires": null, "last_used": NOW,
        })
    };
    let reads = [
        "mailboxes:read",
        "totp:read",
        "app-passwords:read",
        "recovery-codes:read",
        "sessions:read",
        "policy:read",
        "audit:read",
        "health:read",
    ];
    let all = json!([
        one(1, "reader", &reads, &[]),
        one(2, "roundcube", &["*"], &["example.org"]),
        one(3, "everything", &["*"], &[]),
    ]);
    all.to_string().into_bytes()
}

thread_local! {
    static MADE: LazyCell<Made> = LazyCell::new(make);
}

/// A percent-encoded part of a path.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// Requests by themselves.
fn types(bytes: &[u8]) {
    let Ok(request) = serde_json::from_slice::<Request>(bytes) else { return };
    let written = serde_json::to_value(&request).unwrap();
    assert_eq!(serde_json::from_value::<Request>(written).unwrap(), request);
    assert!(!format!("{request:?}").contains(MARKER));
}

fuzz_target!(|case: Case| MADE.with(|made| {
    let Made { desk, router, runtime, operations } = &**made;
    desk.reset(NOW * 1_000);
    desk.shelf.put_entry("api-tokens", "api", "", &registry());
    let (method, template) = &operations[usize::from(case.operation) % operations.len()];
    let mut filled = case.path.into_iter();
    let part = |part: &str| match (part.starts_with('{'), &case.odd) {
        (false, _) => part.to_owned(),
        (true, Some(odd)) if !odd.is_empty() => encoded(odd),
        (true, _) => {
            let n = filled.next().unwrap_or_default();
            encoded(if n % 3 == 0 { word(n / 3) } else { [ALICE, BOB][usize::from(n % 2)] })
        }
    };
    let mut uri = template.split('/').map(part).collect::<Vec<_>>().join("/");
    for (number, (name, n)) in case.query.iter().take(3).enumerate() {
        let named = ["mailbox", "kind", "after", "limit", "do", "since"][usize::from(name % 6)];
        let sign = if number == 0 { '?' } else { '&' };
        uri = format!("{uri}{sign}{named}={}", encoded(word(*n)));
    }
    let body = match case.sent {
        Sent::Nothing => Vec::new(),
        Sent::Raw(bytes) => bytes,
        Sent::Fields(fields) => {
            let pair = |(field, sort): (u8, Sort)| {
                let field = FIELDS[usize::from(field) % FIELDS.len()];
                (field.to_owned(), value(field, sort))
            };
            let fields: Map<_, _> = fields.into_iter().map(pair).collect();
            Value::Object(fields).to_string().into_bytes()
        }
        Sent::Usual => usual(template).to_string().into_bytes(),
    };
    types(&body);

    let mut request = http::Request::builder().method(method.as_str()).uri(&uri);
    if !case.plain {
        request = request.header("content-type", "application/json");
    }
    let bearer = match case.who {
        Who::Nobody => None,
        Who::Reader => Some(1),
        Who::OfDomain => Some(2),
        Who::Everything => Some(3),
    };
    if let Some(n) = bearer {
        let shown = token(n).shown();
        request = request.header("authorization", format!("Bearer {}", shown.expose()));
    }
    let Ok(request) = request.body(Body::from(body)) else { return };

    let bobs = |kind: &str, name: &str| kind != "api-tokens" && name == BOB;
    let every = |kind: &str, _: &str| kind != "api-tokens";
    let before = (desk.shelf.records(), desk.shelf.entries(bobs), desk.shelf.entries(every));
    let (status, answer) = runtime.block_on(async {
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&bytes).into_owned())
    });
    let after = (desk.shelf.records(), desk.shelf.entries(bobs), desk.shelf.entries(every));
    assert!(status < 500 || status == 503, "{method} {uri}: {status} {answer}");
    match case.who {
        Who::Nobody => {
            assert_eq!(before, after);
            assert!(status >= 400 || template.ends_with("openapi.json"), "{method} {uri} {answer}");
        }
        Who::Reader => assert_eq!(before, after, "{method} {uri} {answer}"),
        Who::OfDomain => {
            assert_eq!(before.0.get(BOB), after.0.get(BOB), "{method} {uri} {answer}");
            assert_eq!(before.1, after.1, "{method} {uri} {answer}");
            let shown = answer.contains(&format!("phone of {BOB}"));
            assert!(!shown, "{method} {uri} {answer}");
            let others =
                after.0.keys().find(|name| !name.ends_with("@example.org") && **name != BOB);
            assert_eq!(others, None, "{method} {uri} {answer}");
        }
        Who::Everything => {}
    }
    if status >= 400 {
        assert_eq!(before.0, after.0, "{method} {uri}: an error changed something: {answer}");
        assert!(!answer.contains(MARKER), "{method} {uri} {answer}");
    }
    assert!(!answer.contains(PASSWORD), "{method} {uri} {answer}");
    assert!(!template.starts_with("/v1/tokens") || status >= 400, "no token makes tokens");
}));
