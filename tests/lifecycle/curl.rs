//! The commands of docs/api.md and docs/webmail.md, taken from there and given to a shell, as a reader would.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    oathtool::code,
    site::{Daemon, Site, assert_ok},
};

/// The commands in their order, with the lines that they go on in.
fn documented(text: &str) -> Vec<String> {
    let text = text.replace("\\\n", "");
    let lines = text.lines().filter_map(|line| line.strip_prefix("    curl "));
    lines.map(|rest| format!("curl --silent --show-error --fail-with-body {rest}")).collect()
}

/// What one prints.
fn run(site: &Site, command: &str) -> Value {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(site.folder.path()).stdin(Stdio::null());
    let output = shell.output().unwrap();
    assert_ok(&output);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{command}: {output:?}"))
}

fn start() -> (Site, Daemon) {
    let site = Site::new();
    let webmail = "[[webmail]]\nname = \"roundcube\"\nnetworks = [\"127.0.0.1\"]";
    site.configure("plain", "0s", &format!("[api]\nlisten = \"127.0.0.1:0\"\n{webmail}"));
    let password = "{PLAIN}T9D3K!px\n";
    assert_ok(&site.run(&["mailbox", "add", "alice@example.org", "--hash-stdin"], password));
    let daemon = site.serve();
    let made = site.run(&["--json", "token", "add", "hosting-panel", "--scope", "*"], "");
    assert_ok(&made);
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let header = format!("Authorization: Bearer {}\n", made["token"].as_str().unwrap());
    fs::write(site.path("token-header"), header).unwrap();
    (site, daemon)
}

#[test]
fn the_commands_of_the_document_do_what_it_says() {
    let (site, daemon) = start();
    let address = daemon.address("the API").to_string();
    let control = site.path("control").display().to_string();
    let mut code_now = None;
    let mut answers = Vec::new();
    for command in documented(include_str!("../../docs/api.md")) {
        let command = command
            .replace("/run/mail2fa/control", &control)
            .replace("127.0.0.1:8426", &address)
            .replace("189145", code_now.as_deref().unwrap_or("189145"));
        let answer = run(&site, &command);
        if let Some(secret) = answer["secret"].as_str() {
            code_now = Some(code(secret));
        }
        answers.push(answer);
    }
    let [list, before, enrolment, confirmed, password, policy, audit] = &answers[..] else {
        panic!("other commands than those: {answers:?}")
    };
    assert_eq!(list["mailboxes"][0]["mailbox"], "alice@example.org");
    assert_eq!(before["enabled"], false);
    let uri = enrolment["otpauth_uri"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/"), "{uri}");
    assert_eq!(confirmed["recovery_codes"].as_array().unwrap().len(), 10);
    assert!(password["password"].as_str().unwrap().contains('-'));
    assert_eq!(policy["level"], "required");
    assert_eq!(audit["events"][0]["action"], "policy set");
    // The code is used up by now, and a recovery code does for one.
    let [exchange] = &documented(include_str!("../../docs/webmail.md"))[..] else {
        panic!("one command")
    };
    let exchange = exchange
        .replace("127.0.0.1:8426", &address)
        .replace("189145", confirmed["recovery_codes"][0].as_str().unwrap());
    assert_eq!(run(&site, &exchange)["result"], "refused", "the password is another one");
    let exchanged = run(&site, &exchange.replace('…', "T9D3K!px"));
    assert_eq!(exchanged["result"], "token", "{exchanged}");
    assert_eq!(exchanged["mailbox"], "alice@example.org");
    daemon.stop();
}
