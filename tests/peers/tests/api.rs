//! The API as schemathesis sees it: whatever its document allows is asked for, and much that it does not allow.
//!
//! schemathesis reads the document from the daemon, makes up requests, and compares each answer with what the
//! document says of it. All is on loopback.

use std::path::Path;
use std::process::{Command, Stdio};

use peers::port::Port;
use peers::{Codes, Folder, Mail2fa, cache};
use serde_json::Value;

/// What answers are looked at for.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,negative_data_rejection,\
                      unsupported_method,ignored_auth";

const MAILBOXES: [&str; 4] =
    ["alice@example.org", "bob@example.org", "carol@example.org", "dave@example.org"];

fn start(port: &Port) -> (Mail2fa, String) {
    let folder = Folder::new().unwrap();
    let root = folder.path().join("mail2fa");
    let root = root.display();
    let config = format!(
        "[store]\ndirectory = \"{root}/store\"\nkey_file = \"{root}/master.key\"\n\n\
         [control]\nsocket = \"{root}/control\"\n\n[refusals]\ndelay = \"0s\"\n\n\
         [log]\ntarget = \"plain\"\nlevel = \"info\"\n\n\
         [api]\nlisten = \"127.0.0.1:{}\"\n\n\
         [passwords]\nsource = \"store\"\n[passwords.hashing]\nmemory_kib = 1024\npasses = 1\n\n\
         [[listener]]\nname = \"postfix\"\nkind = \"client\"\nsocket = \"{root}/client\"\nmode = \"0600\"\n",
        port.number()
    );
    let mail2fa = Mail2fa::start_alone(&folder, &config).unwrap();
    for mailbox in MAILBOXES {
        mail2fa.set_password(mailbox, "hunter123456").unwrap();
    }
    let dave = MAILBOXES[3];
    let code = Codes::new(mail2fa.enable(dave).unwrap().secret).fresh().unwrap();
    mail2fa.confirm(dave, &code).unwrap();
    let text = mail2fa.cli_text(&["token", "add", "tests", "--scope", "*", "--json"], "").unwrap();
    let made: Value = serde_json::from_str(&text).unwrap();
    let token = made["token"].as_str().unwrap_or_else(|| panic!("{text}")).to_owned();
    (mail2fa, token)
}

/// Of the mailboxes one is removed and one renamed, one has 2-factor authentication on, and all else is done to alice.
const KNOWN: &str = r#"
[parameters]
"path.mailbox" = "alice@example.org"

[[operations]]
include-name = "DELETE /v1/mailboxes/{mailbox}"
parameters = { "path.mailbox" = "bob@example.org" }

[[operations]]
include-name = "POST /v1/mailboxes/{mailbox}/rename"
parameters = { "path.mailbox" = "carol@example.org" }

[[operations]]
include-name-regex = "(recovery-codes|/move)$"
parameters = { "path.mailbox" = "dave@example.org" }
"#;

/// What must have been done at least once with a mailbox that is there, or none, so that its answer was seen.
const DONE: [&str; 24] = [
    "DELETE /v1/mailboxes/{mailbox}",
    "DELETE /v1/mailboxes/{mailbox}/lock",
    "DELETE /v1/mailboxes/{mailbox}/sessions",
    "DELETE /v1/mailboxes/{mailbox}/sign-ins",
    "DELETE /v1/mailboxes/{mailbox}/totp",
    "GET /v1/audit",
    "GET /v1/health",
    "GET /v1/mailboxes",
    "GET /v1/mailboxes/{mailbox}",
    "GET /v1/mailboxes/{mailbox}/app-passwords",
    "GET /v1/mailboxes/{mailbox}/policy",
    "GET /v1/mailboxes/{mailbox}/programs",
    "GET /v1/mailboxes/{mailbox}/recovery-codes",
    "GET /v1/mailboxes/{mailbox}/sessions",
    "GET /v1/mailboxes/{mailbox}/totp",
    "GET /v1/policy",
    "POST /v1/mailboxes/{mailbox}/panel-links",
    "POST /v1/mailboxes/{mailbox}/recovery-codes",
    "POST /v1/mailboxes/{mailbox}/totp",
    "POST /v1/mailboxes/{mailbox}/totp/move",
    "POST /v1/webmail/tokens/refresh",
    "POST /v1/webmail/tokens/revoke",
    "PUT /v1/mailboxes/{mailbox}/lock",
    "PUT /v1/mailboxes/{mailbox}/policy",
];

/// Runs it with these settings; its report, when it found nothing.
fn schemathesis(port: &Port, token: &str, root: &Path, settings: &str) -> Value {
    let program = cache::find("schemathesis/bin/schemathesis", "--schemathesis").unwrap();
    std::fs::create_dir(root).unwrap();
    std::fs::write(root.join("schemathesis.toml"), settings).unwrap();
    let report = root.join("report.json");
    let output = Command::new("timeout")
        // It takes a quarter of a minute; this is for one that hangs, on a machine with other things to do.
        .args(["--kill-after=2", "240"])
        .arg(program)
        .args(["run", &format!("http://127.0.0.1:{}/v1/openapi.json", port.number())])
        .args(["--header", &format!("Authorization: Bearer {token}"), "--checks", CHECKS])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "15", "--seed", "1"])
        .args(["--continue-on-failure", "--generation-database", "none", "--no-color"])
        .args(["--report", "json", "--report-json-path"])
        .arg(&report)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", root)
        .env("LC_ALL", "C.UTF-8")
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    // With 1 it says that it found something.
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}: {said}", output.status);
    let report = std::fs::read(&report).unwrap_or_else(|error| panic!("{error}: {said}"));
    let report: Value = serde_json::from_slice(&report).unwrap();
    let operations = &report["operations"];
    assert_eq!(operations["tested"], described(), "{operations}");
    assert_eq!(report["errors"], Value::Array(vec![]), "{said}");
    let failures = report["failures"].as_array().unwrap();
    assert!(failures.iter().all(|failure| only_waits(failure, &said)), "{said}");
    assert_eq!(failures.is_empty(), output.status.success(), "{said}");
    report
}

/// Whether all that was found is a wrong token that was told to wait, and not let in: schemathesis brings more of them
/// than are answered with 401, and its check cannot be told that 429 is an answer as well.
fn only_waits(failure: &Value, said: &str) -> bool {
    let mut wrong =
        said.lines().filter(|line| line.contains("Expected 401 or 403, got")).peekable();
    failure["title"] == "Unexpected response to invalid authentication"
        && wrong.peek().is_some()
        && wrong.all(|line| line.contains("got `429 Too Many Requests`"))
}

#[test]
fn every_operation_keeps_to_its_document() {
    let port = Port::take().unwrap();
    let (mail2fa, token) = start(&port);
    // The first run asks for mailboxes that are there. The second makes names up, and may meet them.
    let report = schemathesis(&port, &token, &mail2fa.root().join("known"), KNOWN);
    for operation in DONE {
        assert_ne!(accepted(&report, operation), 0, "{operation} was refused each time");
    }
    schemathesis(&port, &token, &mail2fa.root().join("strange"), "");
}

/// How many operations the document has, but for that which shows it: schemathesis leaves it out.
fn described() -> usize {
    let document: Value = serde_json::from_str(include_str!("../../../docs/openapi.json")).unwrap();
    let paths = document["paths"].as_object().unwrap().values();
    paths.map(|path| path.as_object().unwrap().len()).sum::<usize>() - 1
}

/// How often an operation was done.
fn accepted(report: &Value, operation: &str) -> u64 {
    let phases = report["valid_rates"][operation].as_object().unwrap();
    phases.values().map(|phase| phase["accepted"].as_u64().unwrap()).sum()
}
