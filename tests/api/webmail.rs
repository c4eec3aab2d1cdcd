//! Webmail tokens and links to the panel, as webmails and hosting panels ask for them.

use mail2fa::{
    base::{NetAddress, Secret, Service},
    decision::{
        flow::{Credential, Request},
        outcome::Outcome,
    },
    ports::{
        BoxFuture,
        password::{PasswordAnswer, PasswordQuestion, PasswordSource},
    },
    service::authenticate::Circumstances,
};
use serde_json::{Value, json};

use crate::{
    desk::Desk,
    support::{ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, code, watched::traced, wrong_code},
};

/// A mail server that takes our word, and has no password to say.
struct Believes;

impl PasswordSource for Believes {
    fn check<'a>(&'a self, _: &'a PasswordQuestion) -> BoxFuture<'a, PasswordAnswer> {
        panic!("a token is no password")
    }

    fn establish<'a>(&'a self, _: &'a mail2fa::base::Mailbox) -> BoxFuture<'a, PasswordAnswer> {
        Box::pin(async { PasswordAnswer::Right { user: None, auth_user: None } })
    }
}

/// What comes of a token at the door of IMAP.
async fn imap(desk: &Desk, name: &str, token: &str) -> String {
    let here = NetAddress::parse("127.0.0.1");
    let request = Request {
        authzid: Vec::new(),
        authcid: name.into(),
        credential: Credential::Joined(Secret::from_slice(token.as_bytes())),
        service: Service::Imap,
        remote: here,
        via: here,
    };
    let circumstances = Circumstances {
        listener: "imap".into(),
        service: Service::Imap,
        remote: here,
        mechanism: "PLAIN".into(),
        session: None,
        client: None,
    };
    match desk.authenticator.authenticate(request, &circumstances, &Believes).await {
        Outcome::Accepted(accepted) => accepted.method().as_str().to_owned(),
        Outcome::Refused(refusal) => refusal.as_str().to_owned(),
        Outcome::Unavailable(why) => why,
    }
}

pub fn asked(name: &str, password: &str, code: Option<&str>) -> Value {
    let mut asked = json!({
        "webmail": "roundcube", "mailbox": name, "password": password, "browser": "192.0.2.9",
    });
    if let Some(code) = code {
        asked["code"] = code.into();
    }
    asked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_password_and_code_to_the_end() {
    let desk = Desk::new().await;
    let key = desk.token(&["webmail:exchange"], &[]).await;
    let exchange = async |name: &str, password: &str, code: Option<&str>| {
        desk.ask(&key, "POST", "/v1/webmail/tokens", Some(asked(name, password, code))).await.ok()
    };
    assert_eq!(exchange(ALICE, ALICE_PASSWORD, None).await, json!({"result": "code_required"}));
    let refused = json!({"result": "refused"});
    for (name, password, code) in [
        (ALICE, ALICE_PASSWORD, Some(wrong_code())),
        (ALICE, "guess", Some(code(0))),
        (ALICE, "guess", None),
        ("nobody@example.org", "x", None),
        ("no name", "x", None),
        (BOB, "", None),
    ] {
        assert_eq!(exchange(name, password, code.as_deref()).await, refused, "{name}");
    }
    let minted = exchange("Alice@example.org", ALICE_PASSWORD, Some(&code(0))).await;
    assert_eq!((&minted["result"], &minted["mailbox"]), (&"token".into(), &ALICE.into()));
    let token = minted["token"].as_str().unwrap();
    assert_eq!(imap(&desk, ALICE, token).await, "webmail_token");
    assert_eq!(desk.log.last().service, "imap");
    let one = json!({"mailbox": ALICE, "token": token});
    let refresh = "/v1/webmail/tokens/refresh";
    let live = desk.ask(&key, "POST", refresh, Some(one.clone())).await.ok();
    assert_eq!((&live["result"], &live["ends"]), (&"live".into(), &minted["ends"]));
    let others = json!({"mailbox": BOB, "token": token});
    let ended = desk.ask(&key, "POST", refresh, Some(others)).await.ok();
    assert_eq!(ended, json!({"result": "ended"}));
    let revoke = "/v1/webmail/tokens/revoke";
    for expected in [true, false] {
        let revoked = desk.ask(&key, "POST", revoke, Some(one.clone())).await.ok();
        assert_eq!(revoked, json!({"revoked": expected}));
    }
    assert_eq!(imap(&desk, ALICE, token).await, "webmail_token_wrong");
    let bobs = exchange(BOB, BOB_PASSWORD, None).await;
    assert_eq!(bobs["result"], "token", "no factor, no code");
    for secret in [token, bobs["token"].as_str().unwrap(), ALICE_PASSWORD, BOB_PASSWORD] {
        assert!(!traced().contains(secret));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_asked_rightly_is_not_looked_at() {
    let desk = Desk::new().await;
    let path = "/v1/webmail/tokens";
    let key = desk.token(&["webmail:exchange"], &["example.org"]).await;
    let good = asked(ALICE, ALICE_PASSWORD, None);
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    for (body, status, word) in [
        (with("webmail", "other".into()), 404, "no-webmail"),
        (with("browser", "nowhere".into()), 422, "bad-address"),
        (with("mailbox", "alice@other.example".into()), 403, "out-of-reach"),
        (with("mailbox", "no name".into()), 403, "out-of-reach"),
        (with("more", 1.into()), 400, "bad-fields"),
        (with("password", Value::Null), 400, "bad-fields"),
        (json!({}), 400, "bad-fields"),
    ] {
        desk.ask(&key, "POST", path, Some(body)).await.fails(status, word);
    }
    let wrong = desk.ask(&key, "POST", path, Some(with("code", 123_456.into()))).await;
    wrong.fails(400, "bad-fields");
    assert!(
        wrong.text.contains(r##"{"detail":"must be text or null","pointer":"#/code"}"##),
        "{wrong:?}"
    );
    assert!(!wrong.text.contains("123456") && !wrong.text.contains(ALICE_PASSWORD), "{wrong:?}");
    desk.ask(&key, "POST", path, None).await.fails(415, "media-type");
    desk.ask(&key, "POST", "/v1/webmail/tokens?x=1", Some(good.clone()))
        .await
        .fails(400, "bad-query");
    desk.get(&key, path).await.fails(405, "method-not-allowed");
    let other = desk.token(&["sessions:write", "links:write"], &[]).await;
    desk.ask(&other, "POST", path, Some(good.clone())).await.fails(403, "no-scope");
    desk.ask("m2f_x", "POST", path, Some(good)).await.fails(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webmail_with_a_token_of_its_own_is_asked_for_by_no_other() {
    let desk = Desk::new().await;
    let own = desk.named("named-key", &["webmail:exchange"], &[], None).await.unwrap();
    let other = desk.token(&["*"], &[]).await;
    let mut body = asked(BOB, BOB_PASSWORD, None);
    body["webmail"] = "named".into();
    let path = "/v1/webmail/tokens";
    desk.ask(&other, "POST", path, Some(body.clone())).await.fails(403, "other-token");
    let minted = desk.ask(&own, "POST", path, Some(body)).await.ok();
    let one = json!({"mailbox": BOB, "token": minted["token"]});
    for rest in ["refresh", "revoke"] {
        let path = format!("{path}/{rest}");
        desk.ask(&other, "POST", &path, Some(one.clone())).await.fails(403, "other-token");
        desk.ask(&own, "POST", &path, Some(one.clone())).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hosting_panel_gets_links_for_its_domains() {
    let desk = Desk::new().await;
    let key = desk.named("hosting", &["links:write"], &["example.org"], None).await.unwrap();
    let path = "/v1/mailboxes/bob@example.org/panel-links";
    let answer = desk.ask(&key, "POST", path, None).await;
    assert_eq!(answer.status, 201);
    let made = answer.ok();
    assert_eq!(made["mailbox"], BOB);
    let link = made["link"].as_str().unwrap();
    assert!(link.len() > 43 && !traced().contains(link));
    let other = "/v1/mailboxes/bob@other.example/panel-links";
    desk.ask(&key, "POST", other, None).await.fails(403, "out-of-reach");
    let other = "/v1/mailboxes/nobody@example.org/panel-links";
    desk.ask(&key, "POST", other, None).await.fails(404, "no-mailbox");
    let reader = desk.token(&["audit:read"], &[]).await;
    let trail = desk.get(&reader, "/v1/audit?kind=change").await.ok();
    let events = trail["events"].as_array().unwrap();
    let told = events.iter().find(|event| event["action"] == "panel link").unwrap();
    assert!(told["by"].as_str().unwrap().contains("hosting"), "{told}");
}
