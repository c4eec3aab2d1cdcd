//! Every refusal that the document knows of an operation is provoked here, or is named with the reason why not.

use std::{collections::BTreeSet, fmt::Write as _};

use axum::http::Request;
use http_body_util::Full;
use mail2fa::{
    base::limits::{API_TOKENS, APP_PASSWORDS},
    decision::enforcement::{EnforcementPolicy, Level},
};
use serde_json::{Value, json};

use crate::{
    declared::{self, Declared},
    desk::{Choice, Desk},
    document::body,
    faults::Fault,
    support::{ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, code, wrong_code},
};

/// What no test here can have, of every operation, and why.
const NEVER: [(&str, &str); 4] = [
    ("too-slow", "a body that takes too long is awaited for seconds; one function receives all"),
    ("bug", "nobody knows one"),
    ("too-late", "a minute without an answer; src/api/mod.rs has a test with a paused clock"),
    ("not-allowed", "a process of another user at the control socket"),
];

/// The same of single operations.
const NEVER_OF: [(&str, &str, &str); 1] =
    [("addMailbox", "busy", "whoever is faster made the mailbox: then it exists")];

const ALICE_PATH: &str = "/v1/mailboxes/alice%40example.org";
const BOB_PATH: &str = "/v1/mailboxes/bob%40example.org";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_one_that_is_described_can_be_had() {
    let mut seen = BTreeSet::new();
    let desk = Desk::new().await;
    whoever_asks(&desk).await;
    however_it_is_asked(&desk).await;
    numbers_and_values(&desk).await;
    as_things_stand(&desk).await;
    second_factors(&desk).await;
    webmail(&desk).await;
    too_many(&desk).await;
    seen.extend(desk.seen());
    for found in [with_faults().await, with_dovecots_passwords().await, switched_off().await] {
        seen.extend(found);
    }
    let mut missing = String::new();
    for operation in declared::ALL.iter() {
        for word in operation.problems.keys() {
            let had = seen.contains(&(operation.id.clone(), word.clone()));
            let never = NEVER.iter().any(|(never, _)| never == word)
                || NEVER_OF.iter().any(|(id, never, _)| *id == operation.id && never == word);
            if had == never {
                let _ = write!(missing, "\n{} {word}", operation.id);
            }
        }
    }
    assert!(missing.is_empty(), "described and not provoked, or the other way round:{missing}");
}

/// All operations but that which shows the document.
fn operations() -> impl Iterator<Item = &'static Declared> {
    declared::ALL.iter().filter(|one| one.id != "showDocument")
}

/// The path of a request that is understood.
fn path(operation: &Declared, mailbox: &str) -> String {
    let number = if operation.id == "revokeSession" { "7" } else { "abcd" };
    let path = operation.path.replace("{mailbox}", mailbox).replace("{name}", "x");
    path.replace("{id}", number)
}

async fn whoever_asks(desk: &Desk) {
    let all = desk.token(&["*"], &[]).await;
    let elsewhere = desk.token(&["*"], &["other.example"]).await;
    let (health, policy) =
        (desk.token(&["health:read"], &[]).await, desk.token(&["policy:read"], &[]).await);
    // As many wrong ones as are answered with 401, and then one of each operation that is told to wait.
    for _ in 0..100 {
        if desk.get("m2f_x", "/v1/health").await.status != 401 {
            break;
        }
    }
    for operation in operations() {
        let (method, path) = (&operation.method, path(operation, "alice%40example.org"));
        let none = Request::builder().method(method.as_str()).uri(&path).body(Full::default());
        desk.send(none.unwrap()).await.fails(401, "unauthorized");
        let answer = desk.ask("m2f_x", method, &path, body(&operation.id)).await;
        answer.fails(429, "wrong-tokens");
        assert!(answer.headers.contains_key("retry-after"));
        let other = if operation.id == "showHealth" { &policy } else { &health };
        desk.ask(other, method, &path, body(&operation.id)).await.fails(403, "no-scope");
        if operation.problems.contains_key("out-of-reach") {
            let path = if operation.id == "readAudit" { "/v1/audit?mailbox=alice" } else { &path };
            let answer = desk.ask(&elsewhere, method, path, body(&operation.id)).await;
            answer.fails(403, "out-of-reach");
        }
        if operation.problems.contains_key("bad-name") {
            let (path, body) = badly_named(operation);
            desk.ask(&all, method, &path, body).await.fails(422, "bad-name");
        }
    }
}

/// The request with a name that is none.
fn badly_named(operation: &Declared) -> (String, Option<Value>) {
    let mut body = body(&operation.id);
    match operation.id.as_str() {
        "listMailboxes" => ("/v1/mailboxes?after=no%20name".into(), None),
        "readAudit" => ("/v1/audit?mailbox=no%20name".into(), None),
        "addMailbox" | "refreshWebmailToken" | "revokeWebmailToken" => {
            body.as_mut().unwrap()["mailbox"] = "no name".into();
            (operation.path.clone(), body)
        }
        _ => (path(operation, "no%20name"), body),
    }
}

async fn however_it_is_asked(desk: &Desk) {
    let all = desk.token(&["*"], &[]).await;
    for operation in operations() {
        let (method, path) = (operation.method.as_str(), path(operation, "alice%40example.org"));
        let send = async |media: &str, body: &str| {
            let request = Request::builder().method(method).uri(&path);
            let request = request.header("authorization", format!("Bearer {all}"));
            let request = request.header("content-type", media);
            desk.send(request.body(Full::new(body.to_owned().into())).unwrap()).await
        };
        let json = "application/json";
        let query = format!("{path}?what=1");
        desk.ask(&all, method, &query, body(&operation.id)).await.fails(400, "bad-query");
        send(json, &"x".repeat(70_000)).await.fails(413, "too-large");
        if body(&operation.id).is_none() {
            send(json, "{}").await.fails(400, "no-body");
        } else {
            send(json, "x").await.fails(400, "not-json");
            send("text/plain", "{}").await.fails(415, "media-type");
            let answer = send(json, "{\"what\":1}").await;
            answer.fails(400, "bad-fields");
            assert!(answer.text.contains("\"pointer\":\"#"), "{answer:?}");
        }
        if let Some((start, _)) = operation.path.split_once('{') {
            let rest = operation.path.split_once('}').unwrap().1.replace("{id}", "7");
            let path = format!("{start}%ff{rest}");
            desk.ask(&all, method, &path, body(&operation.id)).await.fails(400, "bad-path");
        }
    }
}

/// Numbers that were cut once and other values that cannot be used.
async fn numbers_and_values(desk: &Desk) {
    let control = async |method: &str, path: &str, body: Value, word: &str| {
        let body = (!body.is_null()).then_some(body);
        let answer = desk.control(method, path, body).await;
        answer.fails(422, word);
        answer.json()
    };
    let at = |rest: &str| format!("{ALICE_PATH}{rest}");
    for moment in [253_402_300_800_u64, u64::MAX / 1000 + 1, u64::MAX] {
        for (method, path, body, field) in [
            (
                "PUT",
                at("/policy"),
                json!({"level": "required_from", "required_from": moment}),
                "required_from",
            ),
            ("POST", at("/app-passwords"), json!({"name": "phone", "expires": moment}), "expires"),
            (
                "POST",
                "/v1/tokens".into(),
                json!({"name": "x", "scopes": ["*"], "expires": moment}),
                "expires",
            ),
        ] {
            let problem = control(method, &path, body, "bad-number").await;
            assert_eq!(
                (&problem["field"], &problem["most"]),
                (&field.into(), &253_402_300_799_u64.into())
            );
        }
    }
    for (path, most) in [("/v1/mailboxes", 512), ("/v1/audit", 128)] {
        for limit in [0, most + 1] {
            let path = format!("{path}?limit={limit}");
            let problem = control("GET", &path, Value::Null, "bad-number").await;
            assert_eq!((&problem["field"], &problem["most"]), (&"limit".into(), &most.into()));
        }
        desk.control("GET", &format!("{path}?limit={most}"), None).await.ok();
    }
    for (method, path, body, word) in [
        ("PUT", at("/password"), json!({"password": {"clear": ""}}), "bad-password"),
        (
            "POST",
            "/v1/mailboxes".into(),
            json!({"mailbox": "n@example.org", "password": {"clear": ""}}),
            "bad-password",
        ),
        ("POST", at("/rename"), json!({"to": "Alice@example.org"}), "same-name"),
        ("POST", at("/totp/confirm"), json!({"code": "x"}), "bad-code"),
        ("POST", at("/totp/move/check"), json!({"code": "x"}), "bad-code"),
        ("POST", at("/totp/move/confirm"), json!({"code": "x"}), "bad-code"),
        ("POST", at("/app-passwords"), json!({"name": ""}), "bad-app-password"),
        ("DELETE", at("/app-passwords/x"), Value::Null, "bad-app-password-id"),
        ("GET", "/v1/audit?kind=x".into(), Value::Null, "bad-kind"),
        ("GET", "/v1/audit?after=x".into(), Value::Null, "bad-cursor"),
        ("POST", "/v1/tokens".into(), json!({"name": "x", "scopes": []}), "bad-token"),
    ] {
        control(method, &path, body, word).await;
    }
}

async fn as_things_stand(desk: &Desk) {
    for operation in operations().filter(|one| one.problems.contains_key("no-mailbox")) {
        let path = path(operation, "nobody%40example.org");
        let answer = desk.control(&operation.method, &path, body(&operation.id)).await;
        answer.fails(404, "no-mailbox");
    }
    let exists = json!({"mailbox": BOB, "password": {"clear": "Xk3!long"}});
    desk.control("POST", "/v1/mailboxes", Some(exists)).await.fails(409, "exists");
    let other = json!({"to": BOB});
    desk.control("POST", &format!("{ALICE_PATH}/rename"), Some(other)).await.fails(409, "exists");
    let bob = async |method: &str, rest: &str| {
        desk.control(method, &format!("{BOB_PATH}{rest}"), None).await
    };
    bob("DELETE", "/lock").await.fails(409, "not-locked");
    bob("PUT", "/lock").await.ok();
    bob("PUT", "/lock").await.fails(409, "already-locked");
    bob("POST", "/panel-links").await.fails(409, "already-locked");
    bob("DELETE", "/lock").await.ok();
    bob("DELETE", "/app-passwords/abcd").await.fails(404, "no-app-password");
    bob("DELETE", "/sessions/7").await.fails(404, "no-session");
    bob("POST", "/notices/test").await.fails(409, "notice-not-sent");
    desk.control("DELETE", "/v1/tokens/nobodys", None).await.fails(404, "no-token");
}

async fn second_factors(desk: &Desk) {
    let wrong = Some(json!({"code": wrong_code()}));
    let alice = async |method: &str, rest: &str, body: Option<Value>| {
        desk.control(method, &format!("{ALICE_PATH}{rest}"), body).await
    };
    let bob = async |method: &str, rest: &str, body: Option<Value>| {
        desk.control(method, &format!("{BOB_PATH}{rest}"), body).await
    };
    alice("POST", "/totp", None).await.fails(409, "already-on");
    alice("POST", "/totp/confirm", wrong.clone()).await.fails(409, "already-on");
    for (method, rest) in [
        ("DELETE", "/totp"),
        ("POST", "/totp/move"),
        ("GET", "/recovery-codes"),
        ("POST", "/recovery-codes"),
    ] {
        bob(method, rest, None).await.fails(409, "already-off");
    }
    for rest in ["/totp/move/check", "/totp/move/confirm"] {
        bob("POST", rest, wrong.clone()).await.fails(409, "already-off");
        alice("POST", rest, wrong.clone()).await.fails(404, "no-enrolment");
        alice("POST", "/totp/move", None).await.ok();
        wrong_until_dropped(desk, &format!("{ALICE_PATH}{rest}")).await;
    }
    bob("POST", "/totp/confirm", wrong.clone()).await.fails(404, "no-enrolment");
    bob("POST", "/totp", None).await.ok();
    wrong_until_dropped(desk, &format!("{BOB_PATH}/totp/confirm")).await;
}

async fn wrong_until_dropped(desk: &Desk, path: &str) {
    let wrong = json!({"code": wrong_code()});
    let mut tries = 0;
    loop {
        let answer = desk.control("POST", path, Some(wrong.clone())).await;
        if answer.json()["left"].is_null() {
            answer.fails(422, "enrolment-dropped");
            break;
        }
        answer.fails(422, "wrong-code");
        tries += 1;
    }
    assert_ne!(tries, 0);
}

async fn webmail(desk: &Desk) {
    let asked = |webmail: &str, browser: &str| {
        Some(json!({
            "webmail": webmail, "mailbox": BOB, "password": BOB_PASSWORD, "browser": browser,
        }))
    };
    let named = desk.named("named-key", &["webmail:exchange"], &[], None).await.unwrap();
    let other = desk.token(&["webmail:exchange"], &[]).await;
    let path = "/v1/webmail/tokens";
    let ask = async |body| desk.ask(&other, "POST", path, body).await;
    ask(asked("nobodys", "192.0.2.9")).await.fails(404, "no-webmail");
    ask(asked("roundcube", "nowhere")).await.fails(422, "bad-address");
    ask(asked("named", "192.0.2.9")).await.fails(403, "other-token");
    let minted = desk.ask(&named, "POST", path, asked("named", "192.0.2.9")).await.ok();
    let minted = json!({"mailbox": BOB, "token": minted["token"]});
    for rest in ["/refresh", "/revoke"] {
        let path = format!("{path}{rest}");
        desk.ask(&other, "POST", &path, Some(minted.clone())).await.fails(403, "other-token");
    }
}

async fn too_many(desk: &Desk) {
    let path = format!("{BOB_PATH}/app-passwords");
    for number in 0..=APP_PASSWORDS {
        let answer = desk.control("POST", &path, Some(json!({"name": format!("n{number}")}))).await;
        if number == APP_PASSWORDS {
            answer.fails(409, "too-many-app-passwords");
        }
    }
    let new = |name: &str| Some(json!({"name": name, "scopes": ["health:read"]}));
    desk.control("POST", "/v1/tokens", new("twice")).await.ok();
    desk.control("POST", "/v1/tokens", new("twice")).await.fails(409, "token-exists");
    for number in 0..API_TOKENS {
        let answer = desk.control("POST", "/v1/tokens", new(&format!("n{number}"))).await;
        if number + 1 == API_TOKENS {
            answer.fails(409, "too-many-tokens");
        }
    }
}

/// What a store that fails makes of requests that are right.
async fn with_faults() -> BTreeSet<(String, String)> {
    let desk = Desk::new().await;
    let all = desk.token(&["*"], &[]).await;
    for operation in operations() {
        let (method, path) = (&operation.method, path(operation, "alice%40example.org"));
        for (fault, status, word) in
            [(Fault::Unavailable, 503, "unavailable"), (Fault::Damaged, 500, "storage")]
        {
            desk.fails_by(fault);
            let answer = desk.ask(&all, method, &path, body(&operation.id)).await;
            answer.fails(status, word);
            assert_eq!(answer.headers.contains_key("retry-after"), status == 503);
            desk.fails_by(Fault::None);
        }
    }
    let writes = writes(&desk).await;
    for operation in operations().filter(|one| one.problems.contains_key("ambiguous")) {
        let (path, body) = writes.iter().find(|(id, ..)| *id == operation.id).map_or_else(
            || (path(operation, "alice%40example.org"), body(&operation.id)),
            |(_, path, body)| (path.clone(), body.clone()),
        );
        for fault in [Fault::Conflict, Fault::Ambiguous] {
            desk.fails_by(fault);
            let answer = desk.control(&operation.method, &path, body.clone()).await;
            desk.fails_by(Fault::None);
            match fault {
                _ if fault == Fault::Ambiguous => answer.fails(504, "ambiguous"),
                _ if operation.id == "addMailbox" => answer.fails(409, "exists"),
                _ => answer.fails(503, "busy"),
            }
        }
    }
    desk.seen()
}

/// Requests that come as far as a write where others would not.
async fn writes(desk: &Desk) -> Vec<(&'static str, String, Option<Value>)> {
    let alice = |rest: &str| format!("{ALICE_PATH}{rest}");
    let bob = |rest: &str| format!("{BOB_PATH}{rest}");
    let app = desk.control("POST", &alice("/app-passwords"), Some(json!({"name": "x"}))).await.ok();
    let app = app["id"].as_str().unwrap();
    let key = desk.token(&["webmail:exchange"], &[]).await;
    let exchange = json!({
        "webmail": "roundcube", "mailbox": ALICE, "password": ALICE_PASSWORD, "code": code(0),
        "browser": "192.0.2.9",
    });
    let minted = desk.ask(&key, "POST", "/v1/webmail/tokens", Some(exchange)).await.ok();
    desk.named("x", &["health:read"], &[], None).await.unwrap();
    desk.control("POST", &alice("/totp/move"), None).await.ok();
    desk.control("POST", &bob("/totp"), None).await.ok();
    let locked = json!({"mailbox": "locked@example.org", "password": {"clear": "Xk3!long"}});
    desk.control("POST", "/v1/mailboxes", Some(locked)).await.ok();
    desk.control("PUT", "/v1/mailboxes/locked%40example.org/lock", None).await.ok();
    let wrong = Some(json!({"code": wrong_code()}));
    vec![
        ("enrolTotp", bob("/totp"), None),
        ("confirmTotp", bob("/totp/confirm"), wrong.clone()),
        ("checkTotpMove", alice("/totp/move/check"), wrong.clone()),
        ("confirmTotpMove", alice("/totp/move/confirm"), wrong),
        ("revokeAppPassword", alice(&format!("/app-passwords/{app}")), None),
        ("revokeSession", alice(&format!("/sessions/{}", minted["session"])), None),
        ("unlockMailbox", "/v1/mailboxes/locked%40example.org/lock".into(), None),
        ("addToken", "/v1/tokens".into(), Some(json!({"name": "y", "scopes": ["*"]}))),
    ]
}

async fn with_dovecots_passwords() -> BTreeSet<(String, String)> {
    let desk = Desk::with(Choice { dovecots_passwords: true, ..Choice::default() }).await;
    for operation in operations() {
        let path = path(operation, "nobody%40example.org");
        for (word, status) in [("no-record", 404), ("not-our-passwords", 409)] {
            if operation.problems.contains_key(word) {
                let answer = desk.control(&operation.method, &path, body(&operation.id)).await;
                answer.fails(status, word);
            }
        }
    }
    desk.seen()
}

async fn switched_off() -> BTreeSet<(String, String)> {
    let enforcement = EnforcementPolicy { level: Level::Off, ..EnforcementPolicy::default() };
    let desk = Desk::with(Choice { enforcement, no_webmail: true, ..Choice::default() }).await;
    for (rest, body) in [("/totp", None), ("/totp/confirm", Some(json!({"code": "000000"})))] {
        let answer = desk.control("POST", &format!("{BOB_PATH}{rest}"), body).await;
        answer.fails(409, "enrolment-off");
    }
    for operation in operations().filter(|one| one.problems.contains_key("no-webmail")) {
        let answer = desk.control("POST", &operation.path, body(&operation.id)).await;
        answer.fails(404, "no-webmail");
    }
    desk.seen()
}
