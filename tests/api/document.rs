//! The OpenAPI document, and what each operation in it needs.

use http_body_util::Full;
use serde_json::{Value, json};

use crate::desk::Desk;

/// What each operation needs; written down here so that a change is one of two files.
const SCOPES: [(&str, &str); 39] = [
    ("addAppPassword", "app-passwords:write"),
    ("addMailbox", "mailboxes:write"),
    ("addToken", ""),
    ("checkTotpMove", "totp:write"),
    ("confirmTotp", "totp:write"),
    ("confirmTotpMove", "totp:write"),
    ("countRecoveryCodes", "recovery-codes:read"),
    ("disableTotp", "totp:write"),
    ("endSignIns", "sessions:write"),
    ("enrolTotp", "totp:write"),
    ("exchangeWebmailToken", "webmail:exchange"),
    ("linkToPanel", "links:write"),
    ("refreshWebmailToken", "webmail:exchange"),
    ("revokeWebmailToken", "webmail:exchange"),
    ("listAppPasswords", "app-passwords:read"),
    ("listMailboxes", "mailboxes:read"),
    ("listPrograms", "mailboxes:read"),
    ("listSessions", "sessions:read"),
    ("listTokens", ""),
    ("lockMailbox", "mailboxes:write"),
    ("moveTotp", "totp:write"),
    ("newRecoveryCodes", "recovery-codes:write"),
    ("readAudit", "audit:read"),
    ("removeMailbox", "mailboxes:write"),
    ("renameMailbox", "mailboxes:write"),
    ("revokeAppPassword", "app-passwords:write"),
    ("revokeSession", "sessions:write"),
    ("revokeSessions", "sessions:write"),
    ("revokeToken", ""),
    ("setMailboxPolicy", "policy:write"),
    ("setPassword", "mailboxes:write"),
    ("showHealth", "health:read"),
    ("showMailbox", "mailboxes:read"),
    ("showMailboxPolicy", "policy:read"),
    ("showPolicy", "policy:read"),
    ("showTotp", "totp:read"),
    ("testNotice", "notices:write"),
    ("unlockMailbox", "mailboxes:write"),
    ("showDocument", "-"),
];

const ALL: [&str; 17] = [
    "mailboxes:read",
    "mailboxes:write",
    "totp:read",
    "totp:write",
    "app-passwords:read",
    "app-passwords:write",
    "recovery-codes:read",
    "recovery-codes:write",
    "sessions:read",
    "sessions:write",
    "policy:read",
    "policy:write",
    "audit:read",
    "health:read",
    "notices:write",
    "links:write",
    "webmail:exchange",
];

/// A body that the operation understands.
pub fn body(id: &str) -> Option<Value> {
    Some(match id {
        "addMailbox" => json!({"mailbox": "new@example.org", "password": {"clear": "Xk3!long"}}),
        "setPassword" => json!({"password": {"clear": "Xk3!long"}}),
        "renameMailbox" => json!({"to": "other@example.org"}),
        "confirmTotp" | "checkTotpMove" | "confirmTotpMove" => json!({"code": "000000"}),
        "addAppPassword" => json!({"name": "phone"}),
        "setMailboxPolicy" => json!({"level": "required"}),
        "addToken" => json!({"name": "x", "scopes": ["*"]}),
        "exchangeWebmailToken" => json!({
            "webmail": "roundcube", "mailbox": "nobody@example.org", "password": "x",
            "browser": "192.0.2.1",
        }),
        "refreshWebmailToken" | "revokeWebmailToken" => {
            json!({"mailbox": "alice@example.org", "token": "x"})
        }
        _ => return None,
    })
}

#[test]
fn it_is_the_one_that_is_checked_in() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
    let kept = std::fs::read_to_string(path).unwrap();
    let made = mail2fa::api::document();
    assert!(kept == made.as_str(), "run: mail2fa openapi > docs/openapi.json");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_served_without_a_token_and_lists_what_is_written_down_here() {
    let desk = Desk::new().await;
    let request = axum::http::Request::get("/v1/openapi.json").body(Full::default()).unwrap();
    let document = desk.send(request).await.ok();
    let mut found = operations(&document);
    found.sort();
    let mut expected = SCOPES.map(|(id, _)| id.to_owned()).to_vec();
    expected.sort();
    let ids: Vec<_> = found.iter().map(|(id, ..)| id.clone()).collect();
    assert_eq!(ids, expected);
}

/// Id, method, path with a mailbox in it, what it says of its scope.
fn operations(document: &Value) -> Vec<(String, String, String, String)> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let path = path.replace("{mailbox}", "alice%40example.org").replace("{name}", "x");
            let id = operation["operationId"].as_str().unwrap().to_owned();
            let number = if id == "revokeSession" { "7" } else { "abcd" };
            let said = operation["description"].as_str().unwrap_or_default().to_owned();
            all.push((id, method.to_uppercase(), path.replace("{id}", number), said));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_without_the_scope_changes_nothing_and_one_with_it_alone_is_let_in() {
    let desk = Desk::new().await;
    let document: Value = serde_json::from_str(mail2fa::api::document().as_str()).unwrap();
    let before = desk.token(&["*"], &[]).await;
    let before = desk.get(&before, "/v1/mailboxes").await.ok();
    let every = desk.token(&["*"], &[]).await;
    let mut later = Vec::new();
    for (id, method, path, said) in operations(&document) {
        let (_, scope) = SCOPES.iter().find(|(known, _)| *known == id).unwrap();
        if *scope == "-" {
            continue;
        }
        if scope.is_empty() {
            assert!(said.contains("No token allows this"), "{id}");
            let refused = desk.ask(&every, &method, &path, body(&id)).await;
            refused.fails(403, "no-scope");
            let detail = refused.json()["detail"].to_string();
            assert!(detail.contains("no token may do this"), "{id}: {detail}");
            continue;
        }
        assert!(said.contains(&format!("`{scope}`")), "{id}: {said}");
        let others: Vec<_> = ALL.into_iter().filter(|other| other != scope).collect();
        let others = desk.named(&format!("no-{id}"), &others, &[], None).await.unwrap();
        let refused = desk.ask(&others, &method, &path, body(&id)).await;
        refused.fails(403, "no-scope");
        assert_eq!(refused.json()["scope"], *scope);
        desk.admin
            .handle(mail2fa::service::admin::Request::TokenRevoke { name: format!("no-{id}") }, "t")
            .await
            .unwrap();
        later.push((id, method, path, *scope));
    }
    let after = desk.get(&every, "/v1/mailboxes").await.ok();
    assert_eq!(before, after, "nothing was changed");
    // What removes comes last.
    later.sort_by_key(|(id, ..)| ["removeMailbox", "renameMailbox"].contains(&id.as_str()));
    for (id, method, path, scope) in later {
        let token = desk.named(&format!("only-{id}"), &[scope], &[], None).await.unwrap();
        let answer = desk.ask(&token, &method, &path, body(&id)).await;
        assert!(![400, 401, 403, 500].contains(&answer.status.as_u16()), "{id}: {answer:?}");
        let name = format!("only-{id}");
        desk.admin
            .handle(mail2fa::service::admin::Request::TokenRevoke { name }, "t")
            .await
            .unwrap();
    }
    crate::support::watched::assert_no_secrets();
}
