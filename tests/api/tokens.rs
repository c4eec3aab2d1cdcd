//! Tokens: who is let in, and who is not.

use axum::http::Request;
use http_body_util::Full;
use mail2fa::service::admin::{self, AdminError};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};

use crate::{
    desk::Desk,
    support::{BOB, BOB_PASSWORD, NOW},
    webmail::asked,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_bad_tokens_are_answered_alike() {
    let desk = Desk::new().await;
    let good = desk.named("good", &["*"], &[], None).await.unwrap();
    let ends = desk.named("ends", &["*"], &[], Some(NOW.seconds() + 60)).await.unwrap();
    let revoked = desk.named("gone", &["*"], &[], None).await.unwrap();
    desk.get(&good, "/v1/health").await.ok();
    desk.get(&ends, "/v1/health").await.ok();
    desk.get(&revoked, "/v1/health").await.ok();
    desk.admin.handle(admin::Request::TokenRevoke { name: "gone".into() }, "t").await.unwrap();
    desk.clock.forward(60);
    let last = if good.ends_with('a') { "b" } else { "a" };
    let near = format!("{}{last}", &good[..good.len() - 1]);
    let (id, secret) = (&good[..12], &ends[13..]);
    let mut answers = Vec::new();
    for header in [
        None,
        Some(String::new()),
        Some("Bearer".into()),
        Some("Bearer ".into()),
        Some(format!("Basic {good}")),
        Some(good.clone()),
        Some(format!("Bearer {near}")),
        Some(format!("Bearer {id}_{secret}")),
        Some(format!("Bearer {ends}")),
        Some(format!("Bearer {revoked}")),
        Some(format!("Bearer {good} {good}")),
        Some(format!("Bearer {}", good.to_uppercase())),
    ] {
        let mut request = Request::get("/v1/mailboxes");
        if let Some(header) = &header {
            request = request.header("authorization", header);
        }
        let answer = desk.send(request.body(Full::default()).unwrap()).await;
        answer.fails(401, "unauthorized");
        assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"mail2fa\"", "{header:?}");
        answers.push(answer.text);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    let twice = Request::get("/v1/health")
        .header("authorization", format!("Bearer {good}"))
        .header("authorization", format!("Bearer {good}"));
    desk.send(twice.body(Full::default()).unwrap()).await.fails(401, "unauthorized");
    let log = crate::support::watched::traced();
    for token in [&good, &ends, &revoked, &near] {
        assert!(!log.contains(&token[13..]), "a token was logged");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_use_is_noted_and_no_token_is_shown_again() {
    let desk = Desk::new().await;
    let token = desk.named("one", &["health:read"], &["example.org"], None).await.unwrap();
    let list = async || {
        let listed = desk.admin.handle(admin::Request::TokenList, "t").await.unwrap();
        let text = serde_json::to_string(&listed).unwrap();
        assert!(!text.contains(&token[13..]) && text.contains(&token[4..12]), "{text}");
        let admin::Response::Tokens { tokens } = listed else { panic!("a list") };
        tokens[0].last_used
    };
    assert_eq!(list().await, None);
    desk.get(&token, "/v1/health").await.ok();
    assert_eq!(list().await, Some(NOW.seconds()));
    desk.clock.forward(10);
    desk.get(&token, "/v1/health").await.ok();
    assert_eq!(list().await, Some(NOW.seconds()), "not every use is a write");
    desk.clock.forward(3_600);
    desk.get(&token, "/v1/health").await.ok();
    assert_eq!(list().await, Some(NOW.seconds() + 3_610));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_made_is_refused() {
    let desk = Desk::new().await;
    desk.named("one", &["*"], &[], None).await.unwrap();
    let again = desk.named("one", &["*"], &[], None).await.unwrap_err();
    assert_eq!(again, AdminError::TokenExists { name: "one".into() });
    let long = "x".repeat(65);
    for (name, scopes, domains, expires) in [
        ("", &["*"][..], &[][..], None),
        ("a b", &["*"], &[], None),
        ("a\n", &["*"], &[], None),
        (&*long, &["*"], &[], None),
        ("n", &[], &[], None),
        ("n", &["mailboxes"], &[], None),
        ("n", &["*"], &[""], None),
        ("n", &["*"], &["a@b"], None),
        ("n", &["*"], &[], Some(NOW.seconds())),
    ] {
        let error = desk.named(name, scopes, domains, expires).await.unwrap_err();
        assert!(matches!(error, AdminError::BadToken { .. }), "{name:?} {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_does_not_answer_lets_nobody_in_and_says_so() {
    let desk = Desk::new().await;
    let token = desk.token(&["*"], &[]).await;
    desk.clock.break_down();
    let answer = desk.get(&token, "/v1/health").await;
    answer.fails(503, "unavailable");
    assert_eq!(answer.headers["retry-after"], "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_says_whose_token_it_was() {
    let desk = Desk::new().await;
    let token = desk.named("hosting-panel", &["*"], &[], None).await.unwrap();
    desk.ask(&token, "PUT", "/v1/mailboxes/alice%40example.org/lock", None).await.ok();
    let events = desk.get(&token, "/v1/audit?mailbox=alice%40example.org").await.ok();
    assert_eq!(events["events"][0]["by"], "token hosting-panel");
    assert_eq!(events["events"][0]["action"], "mailbox lock");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_tokens_are_slowed_down_and_a_good_one_is_served_all_the_same() {
    let desk = Desk::new().await;
    let good = desk.named("good", &["*"], &[], None).await.unwrap();
    let ends = desk.named("ends", &["*"], &[], Some(NOW.seconds() + 1)).await.unwrap();
    desk.clock.forward(1);
    let wrong = format!("{}x", &good[..good.len() - 1]);
    // To bring none is no guess.
    for _ in 0..50 {
        let request = Request::get("/v1/health").body(Full::default()).unwrap();
        desk.send(request).await.fails(401, "unauthorized");
    }
    for number in 0..20 {
        let token = [&*wrong, &*ends, "m2f_", "x"][number % 4];
        desk.get(token, "/v1/health").await.fails(401, "unauthorized");
        desk.get(&good, "/v1/health").await.ok();
    }
    let mut answers = Vec::new();
    for token in [&*wrong, &*ends, "m2f_", "x"] {
        let answer = desk.get(token, "/v1/health").await;
        answer.fails(429, "wrong-tokens");
        assert_eq!(answer.headers["retry-after"], "11");
        answers.push(answer.text);
        desk.get(&good, "/v1/health").await.ok();
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "all that are no good are answered alike");
    let body = serde_json::json!({});
    let answer = desk.ask(&wrong, "POST", "/v1/webmail/tokens", Some(body)).await;
    answer.fails(429, "wrong-tokens");
    let request = Request::get("/v1/health").body(Full::default()).unwrap();
    desk.send(request).await.fails(401, "unauthorized");
    desk.clock.forward(10);
    desk.get(&wrong, "/v1/health").await.fails(401, "unauthorized");
    desk.get(&wrong, "/v1/health").await.fails(429, "wrong-tokens");
    desk.get(&good, "/v1/health").await.ok();
    let log = crate::support::watched::traced();
    for token in [&good, &ends, &wrong] {
        assert!(!log.contains(&token[13..]), "a token was logged");
    }
}

/// Who sends the last byte after a token was revoked, or its time is over, sends it too late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_held_back_does_not_outlive_its_token() {
    let desk = Desk::new().await;
    let app = r#"{"name": "phone"}"#;
    let exchange = asked(BOB, BOB_PASSWORD, None).to_string();
    let add = format!("/v1/mailboxes/{BOB}/app-passwords");
    for (path, body) in [(&*add, app), ("/v1/webmail/tokens", &exchange)] {
        for ending in ["", "revoked", "expired"] {
            let end = Some(desk.clock.now().unwrap().seconds() + 60);
            let token = desk.named("held", &["*"], &[], end).await.unwrap();
            let mut client = UnixStream::connect(desk.socket()).await.unwrap();
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nexpect: 100-continue\r\n\
                 authorization: Bearer {token}\r\ncontent-type: application/json\r\n\
                 content-length: {}\r\n\r\n",
                body.len()
            );
            client.write_all(head.as_bytes()).await.unwrap();
            // The body is asked for once the token was found good.
            let mut word = [0; 25];
            client.read_exact(&mut word).await.unwrap();
            assert_eq!(&word, b"HTTP/1.1 100 Continue\r\n\r\n");
            let revoke = admin::Request::TokenRevoke { name: "held".into() };
            match ending {
                "revoked" => {
                    desk.admin.handle(revoke.clone(), "t").await.unwrap();
                }
                "expired" => desk.clock.forward(60),
                _ => {}
            }
            client.write_all(body.as_bytes()).await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            let is_done = answer.starts_with("HTTP/1.1 20");
            assert_eq!(is_done, ending.is_empty(), "{path} {ending}: {answer}");
            assert!(is_done || answer.starts_with("HTTP/1.1 401"), "{path} {ending}: {answer}");
            if ending != "revoked" {
                desk.admin.handle(revoke, "t").await.unwrap();
            }
        }
    }
}
