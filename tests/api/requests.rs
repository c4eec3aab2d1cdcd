//! Requests that are right, and all sorts that are not.

use axum::http::Request;
use http_body_util::Full;
use mail2fa::base::limits::API_FIELD_ERRORS;
use serde_json::{Value, json};

use crate::{
    desk::{Answer, Desk},
    support::watched::{assert_no_secrets, traced},
};

const PASSWORD: &str = "/v1/mailboxes/alice%40example.org/password";

async fn raw(desk: &Desk, token: &str, media: Option<&str>, body: impl Into<Vec<u8>>) -> Answer {
    let mut request = Request::put(PASSWORD).header("authorization", format!("Bearer {token}"));
    if let Some(media) = media {
        request = request.header("content-type", media);
    }
    let body = body.into();
    desk.send(request.body(Full::new(body.into())).unwrap()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_not_asked_for_is_refused_and_not_quoted() {
    const SECRET: &str = "Zq9-never-quoted";
    let desk = Desk::new().await;
    let token = desk.token(&["*"], &[]).await;
    let good = format!("{{\"password\":{{\"clear\":\"{SECRET}\"}}}}");
    let json = Some("application/json");
    for (media, body, status, word) in [
        (None, good.clone(), 415, "media-type"),
        (Some("text/plain"), good.clone(), 415, "media-type"),
        (Some("application/x-www-form-urlencoded"), good.clone(), 415, "media-type"),
        (json, String::new(), 400, "not-json"),
        (json, format!("\"{SECRET}\""), 400, "not-json"),
        (json, format!("[\"{SECRET}\"]"), 400, "not-json"),
        (json, format!("{good}{SECRET}"), 400, "not-json"),
        (json, "{}".into(), 400, "bad-fields"),
        (json, format!("{{\"password\":\"{SECRET}\"}}"), 400, "bad-fields"),
        (json, format!("{{\"{SECRET}\":1,\"password\":{{\"clear\":\"x\"}}}}"), 400, "bad-fields"),
        (
            json,
            format!("{{\"do\":\"mailbox_remove\",\"password\":{{\"clear\":\"{SECRET}\"}}}}"),
            400,
            "bad-fields",
        ),
        (
            json,
            format!("{{\"mailbox\":\"bob\",\"password\":{{\"clear\":\"{SECRET}\"}}}}"),
            400,
            "bad-fields",
        ),
        (json, format!("{{\"password\":{{\"plain\":\"{SECRET}\"}}}}"), 400, "bad-fields"),
        (json, format!("{{\"password\":{{\"hash\":\"{SECRET}\"}}}}"), 422, "bad-password"),
        (json, format!("{{\"password\":\"{}\"}}", SECRET.repeat(5_000)), 413, "too-large"),
        (json, format!("{{\"a\":{}", "[".repeat(60_000)), 400, "not-json"),
    ] {
        let answer = raw(&desk, &token, media, body.clone()).await;
        answer.fails(status, word);
        assert!(!answer.text.contains(SECRET), "{answer:?}");
    }
    raw(&desk, &token, json, b"{\"password\":\"\xff\"}".to_vec()).await.fails(400, "not-json");
    raw(&desk, &token, Some("Application/JSON; charset=utf-8"), good).await.ok();
    assert!(!traced().contains(SECRET));
    assert_no_secrets();
}

/// RFC 9457, section 3: which field it is and what is allowed there; never what was sent, nor a name that is
/// not known.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_problem_of_fields_says_which_they_are() {
    const SECRET: &str = "Zq9-never-quoted";
    let desk = Desk::new().await;
    let token = desk.token(&["*"], &[]).await;
    let tokens =
        desk.control("POST", "/v1/tokens", Some(json!({"name": "x", "scopes": SECRET}))).await;
    tokens.fails(400, "bad-fields");
    assert_eq!(pointers(&tokens), ["#/scopes must be a list of texts"]);
    let alice = "/v1/mailboxes/alice%40example.org";
    let unknown = |known: &str| format!("# has a field that is not known; known: {known}");
    let one_of = "an object with one of clear, hash";
    let level = "\"off\" or \"optional\" or \"required\" or \"required_from\" or \"inherit\"";
    let seconds = "a whole number from 0 to 253402300799";
    for (method, path, body, expected) in [
        ("PUT", "/password", json!({}), vec![format!("#/password is missing; it is {one_of}")]),
        (
            "PUT",
            "/password",
            json!({"password": SECRET}),
            vec![format!("#/password must be {one_of}")],
        ),
        (
            "PUT",
            "/password",
            json!({"password": {SECRET: 1}}),
            vec![format!("#/password must be {one_of}")],
        ),
        (
            "PUT",
            "/password",
            json!({"password": {"hash": SECRET, "clear": SECRET}}),
            vec![format!("#/password must be {one_of}")],
        ),
        (
            "PUT",
            "/password",
            json!({"password": {"clear": [SECRET]}}),
            vec!["#/password/clear must be text".into()],
        ),
        (
            "PUT",
            "/password",
            json!({"password": {"clear": "x"}, SECRET: SECRET}),
            vec![unknown("password")],
        ),
        (
            "PUT",
            "/password",
            json!({"password": {"clear": "x"}, "mailbox": SECRET}),
            vec![unknown("password")],
        ),
        (
            "PUT",
            "/password",
            json!({"password": {"clear": "x"}, "do": SECRET}),
            vec![unknown("password")],
        ),
        ("POST", "/totp/confirm", json!({"code": 123_456}), vec!["#/code must be text".into()]),
        ("PUT", "/policy", json!({}), vec![format!("#/level is missing; it is {level}")]),
        ("PUT", "/policy", json!({"level": SECRET}), vec![format!("#/level must be {level}")]),
        (
            "PUT",
            "/policy",
            json!({"level": "required_from", "required_from": SECRET}),
            vec![format!("#/required_from must be {seconds}")],
        ),
        (
            "PUT",
            "/policy",
            json!({"level": "required_from"}),
            vec![format!("#/required_from is missing; it is {seconds}")],
        ),
        (
            "POST",
            "/app-passwords",
            json!({SECRET: 1, "services": ["imap", SECRET, 7], "expires": -1, "networks": {SECRET: 1}}),
            vec![
                unknown("expires, name, networks, services"),
                format!("#/expires must be {seconds} or null"),
                "#/name is missing; it is text".into(),
                "#/networks must be a list of texts".into(),
                "#/services/2 must be text".into(),
            ],
        ),
    ] {
        let answer = desk.ask(&token, method, &format!("{alice}{path}"), Some(body)).await;
        answer.fails(400, "bad-fields");
        assert_eq!(pointers(&answer), expected);
        assert!(!answer.text.contains(SECRET) && !answer.text.contains("123456"), "{answer:?}");
    }
    let many = json!({"name": "x", "services": vec![7; 1_000]});
    let answer = desk.ask(&token, "POST", &format!("{alice}/app-passwords"), Some(many)).await;
    assert_eq!(pointers(&answer).len(), API_FIELD_ERRORS);
}

/// Pointer and detail of each field that a problem is about.
fn pointers(answer: &Answer) -> Vec<String> {
    let problem: Value = serde_json::from_str(&answer.text).unwrap();
    let errors = problem["errors"].as_array().unwrap().iter();
    errors
        .map(|each| {
            let word = |name: &str| each[name].as_str().unwrap().to_owned();
            format!("{} {}", word("pointer"), word("detail"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_parameters_and_methods() {
    let desk = Desk::new().await;
    let token = desk.token(&["*"], &[]).await;
    for (method, path, status, word) in [
        ("GET", "/", 404, "no-such-path"),
        ("GET", "/v1", 404, "no-such-path"),
        ("GET", "/v2/mailboxes", 404, "no-such-path"),
        ("GET", "/v1/mailboxes/", 404, "no-such-path"),
        ("GET", "/v1/mailboxes//totp", 422, "bad-name"),
        ("GET", "/v1/mailboxes/a/b/totp", 404, "no-such-path"),
        ("GET", "/v1/mailboxes/../health", 404, "no-such-path"),
        ("POST", "/v1/health", 405, "method-not-allowed"),
        ("OPTIONS", "/v1/health", 405, "method-not-allowed"),
        ("PATCH", "/v1/mailboxes/alice", 405, "method-not-allowed"),
        ("GET", "/v1/mailboxes/%ff", 400, "bad-path"),
        ("DELETE", "/v1/mailboxes/alice%40example.org/sessions/x", 400, "bad-path"),
        ("DELETE", "/v1/mailboxes/alice%40example.org/sessions/-1", 400, "bad-path"),
        ("DELETE", "/v1/mailboxes/alice%40example.org/sessions/7", 404, "no-session"),
        (
            "DELETE",
            "/v1/mailboxes/alice%40example.org/app-passwords/xyz",
            422,
            "bad-app-password-id",
        ),
        ("GET", "/v1/mailboxes/nobody%40example.org", 404, "no-mailbox"),
        ("GET", "/v1/mailboxes/a%2fb%40example.org", 404, "no-mailbox"),
        ("GET", "/v1/mailboxes/a%00b", 422, "bad-name"),
        ("GET", "/v1/mailboxes/j%C3%BCrgen", 422, "bad-name"),
        ("GET", "/v1/mailboxes?limit=x", 400, "bad-query"),
        ("GET", "/v1/mailboxes?limit=-1", 400, "bad-query"),
        ("GET", "/v1/mailboxes?limit=1&limit=2", 400, "bad-query"),
        ("GET", "/v1/mailboxes?what=1", 400, "bad-query"),
        ("GET", "/v1/health?what=1", 400, "bad-query"),
        ("GET", "/v1/audit?kind=nonsense", 422, "bad-kind"),
        ("GET", "/v1/audit?after=nonsense", 422, "bad-cursor"),
        ("DELETE", "/v1/mailboxes/bob%40example.org/lock", 409, "not-locked"),
    ] {
        let answer = desk.ask(&token, method, path, None).await;
        answer.fails(status, word);
        assert!(!answer.text.contains("nonsense"), "{answer:?}");
        if status == 405 {
            assert!(answer.headers.contains_key("allow"), "{answer:?}");
        }
    }
    desk.ask(&token, "GET", "/v1/health", Some(json!({}))).await.fails(400, "no-body");
    let head = desk.ask(&token, "HEAD", "/v1/health", None).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
}

/// The table of answers that no other test here has, by the way of a mailbox's life.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_life_of_a_mailbox() {
    let desk = Desk::new().await;
    let token = desk.token(&["*"], &[]).await;
    let at = |rest: &str| format!("/v1/mailboxes/carol%2Fx%40example.org{rest}");
    let ask = async |method: &str, rest: &str, body: Option<Value>| {
        desk.ask(&token, method, &at(rest), body).await
    };
    let made = json!({"mailbox": "Carol/x@example.org", "password": {"clear": "Xk3!long"}});
    let first = desk.ask(&token, "POST", "/v1/mailboxes", Some(made.clone())).await;
    assert_eq!(first.status, 201);
    assert_eq!(first.ok(), json!({"mailbox": "carol/x@example.org"}));
    desk.ask(&token, "POST", "/v1/mailboxes", Some(made)).await.fails(409, "exists");
    assert_eq!(ask("GET", "/totp", None).await.ok()["enabled"], false);
    ask("DELETE", "/totp", None).await.fails(409, "already-off");
    ask("POST", "/totp/confirm", Some(json!({"code": "123456"}))).await.fails(404, "no-enrolment");
    ask("POST", "/totp/confirm", Some(json!({"code": "x"}))).await.fails(422, "bad-code");
    let enrolment = ask("POST", "/totp", None).await.ok();
    assert_eq!(enrolment["secret"].as_str().unwrap().len(), 32);
    let wrong = ask("POST", "/totp/confirm", Some(json!({"code": "000000"}))).await;
    wrong.fails(422, "wrong-code");
    assert!(wrong.json()["left"].is_number());
    ask("POST", "/totp/move", None).await.fails(409, "already-off");
    ask("POST", "/recovery-codes", None).await.fails(409, "already-off");
    let app = json!({"name": "phone", "services": ["imap"], "networks": ["192.0.2.0/24"]});
    let app = ask("POST", "/app-passwords", Some(app)).await.ok();
    let bad = json!({"name": "phone", "services": ["imapp"]});
    ask("POST", "/app-passwords", Some(bad)).await.fails(422, "bad-app-password");
    let id = app["id"].as_str().unwrap();
    assert_eq!(ask("GET", "/app-passwords", None).await.ok()["app_passwords"][0]["id"], id);
    ask("DELETE", &format!("/app-passwords/{id}"), None).await.ok();
    ask("DELETE", &format!("/app-passwords/{id}"), None).await.fails(404, "no-app-password");
    let level = json!({"level": "required_from", "required_from": 2_000_000_000});
    assert_eq!(ask("PUT", "/policy", Some(level)).await.ok()["level"], "required_from");
    assert_eq!(ask("PUT", "/lock", None).await.ok()["mailbox"], "carol/x@example.org");
    ask("PUT", "/lock", None).await.fails(409, "already-locked");
    assert_eq!(ask("DELETE", "/sign-ins", None).await.ok()["count"], 0);
    ask("POST", "/rename", Some(json!({"to": "carol/x@example.org"})))
        .await
        .fails(422, "same-name");
    ask("DELETE", "", None).await.ok();
    ask("DELETE", "", None).await.fails(404, "no-mailbox");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_changes_at_once_none_is_lost() {
    let desk = Desk::new().await;
    let token = desk.token(&["*"], &[]).await;
    let path = "/v1/mailboxes/alice%40example.org/app-passwords";
    let add = |number: usize| {
        let body = json!({"name": format!("n{number}")});
        desk.ask(&token, "POST", path, Some(body))
    };
    let answers = futures_util::future::join_all((0..8).map(add)).await;
    let mut made = 0;
    for answer in answers {
        match answer.status.as_u16() {
            201 => made += 1,
            _ => answer.fails(503, "busy"),
        }
    }
    let list = desk.get(&token, path).await.ok();
    assert_eq!(list["app_passwords"].as_array().unwrap().len(), made);
}
