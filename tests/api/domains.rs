//! A token for some domains sees and touches only their mailboxes.

use serde_json::{Value, json};

use crate::{desk::Desk, support::ALICE};

async fn make(desk: &Desk, token: &str, name: &str) {
    let body = json!({"mailbox": name, "password": {"clear": "Xk3!long"}});
    desk.ask(token, "POST", "/v1/mailboxes", Some(body)).await.ok();
}

fn names(list: &Value) -> Vec<&str> {
    list["mailboxes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| each["mailbox"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_out_of_reach_is_refused_alike_whether_or_not_it_exists() {
    let desk = Desk::new().await;
    let mine = desk.token(&["*"], &["example.com"]).await;
    let mut answers = Vec::new();
    for name in ["alice%40example.org", "nobody%40example.org", "x%40sub.example.com", "bare"] {
        for (method, rest, body) in [
            ("GET", "", None),
            ("GET", "/totp", None),
            ("PUT", "/lock", None),
            ("DELETE", "", None),
            ("POST", "/rename", Some(json!({"to": "mine@example.com"}))),
        ] {
            let path = format!("/v1/mailboxes/{name}{rest}");
            let answer = desk.ask(&mine, method, &path, body).await;
            answer.fails(403, "out-of-reach");
            answers.push(answer.text);
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let audit = desk.get(&mine, "/v1/audit?mailbox=alice%40example.org").await;
    audit.fails(403, "out-of-reach");
    let whole = desk.token(&["mailboxes:read"], &[]).await;
    let alice = desk.get(&whole, "/v1/mailboxes/alice%40example.org").await.ok();
    assert_eq!((&alice["mailbox"], &alice["locked"]), (&json!(ALICE), &Value::Null));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_is_not_renamed_across_the_border() {
    let desk = Desk::new().await;
    let (whole, mine) = (desk.token(&["*"], &[]).await, desk.token(&["*"], &["Example.COM"]).await);
    make(&desk, &mine, "carol@example.com").await;
    let path = "/v1/mailboxes/carol%40example.com/rename";
    let out = desk.ask(&mine, "POST", path, Some(json!({"to": "carol@example.org"}))).await;
    out.fails(403, "out-of-reach");
    let within = desk.ask(&mine, "POST", path, Some(json!({"to": "caro@example.com"}))).await.ok();
    assert_eq!(within["mailbox"], "caro@example.com");
    let body = json!({"mailbox": "eve@example.org", "password": {"clear": "Xk3!long"}});
    desk.ask(&mine, "POST", "/v1/mailboxes", Some(body)).await.fails(403, "out-of-reach");
    desk.get(&whole, "/v1/mailboxes/eve%40example.org").await.fails(404, "no-mailbox");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_and_the_trail_are_cut_and_tell_no_other_name() {
    let desk = Desk::new().await;
    let (whole, mine) = (desk.token(&["*"], &[]).await, desk.token(&["*"], &["example.com"]).await);
    for name in
        ["a@example.net", "b@example.com", "c@example.net", "d@example.com", "z@example.net"]
    {
        make(&desk, &whole, name).await;
    }
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = desk.get(&mine, &format!("/v1/mailboxes?limit=1{after}")).await;
        assert!(!page.text.contains("example.net") && !page.text.contains("example.org"));
        let page = page.ok();
        all.extend(names(&page).into_iter().map(str::to_owned));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(all, ["b@example.com", "d@example.com"]);
    let events = desk.get(&mine, "/v1/audit").await;
    assert!(events.text.contains("b@example.com"), "{events:?}");
    for other in ["example.net", "example.org", "token add"] {
        assert!(!events.text.contains(other), "{events:?}");
    }
}
