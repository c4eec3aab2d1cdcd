//! `mail2fa doctor` at real servers: it finds nothing wrong where the doors lead through mail2fa, and says
//! which do not.

use std::path::Path;

use peers::stand::{ALICE, alice};
use peers::{Door, Doors, Exim, Generation, PasswordMode, Stand};
use serde_json::Value;

/// What it found: the exit status, and its findings as `check about: state`.
fn examined(stand: &Stand, dovecot: &Path, postfix: &Path) -> (Option<i32>, Vec<String>) {
    with(stand, &[("--dovecot-config", dovecot), ("--postfix-config", postfix)])
}

/// The same with these options, and programs in the folder `bin` before all others.
fn with(stand: &Stand, options: &[(&str, &Path)]) -> (Option<i32>, Vec<String>) {
    let mut command = stand.mail2fa().command();
    command.args(["doctor", "--json"]);
    for (option, path) in options {
        command.arg(option).arg(path);
    }
    let bin = stand.folder.sub("bin").unwrap();
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", bin.display()));
    let output = command.output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap();
    let found: Vec<String> = findings
        .iter()
        .map(|one| format!("{} {}: {}", text(one, "check"), text(one, "about"), text(one, "state")))
        .collect();
    assert_eq!(report["sound"], output.status.success(), "{report}");
    (output.status.code(), found)
}

#[track_caller]
fn has(found: &[String], wanted: &str) {
    assert!(found.iter().any(|one| one == wanted), "{wanted} in {found:#?}");
}

#[test]
fn doors_that_lead_past_mail2fa_are_found() {
    let mut stand = Stand::start(Generation::V23, PasswordMode::Dovecot, Doors::Mail2fa).unwrap();
    let dovecot = stand.dovecot.settings_file();
    let postfix = stand.postfix.settings_folder().clone();
    let (status, found) = examined(&stand, &dovecot, &postfix);
    assert_eq!(status, Some(0), "{found:#?}");
    let client = stand.dovecot.client_upstream();
    for wanted in [
        "dovecot imap-login: good",
        "dovecot pop3-login: good",
        "dovecot managesieve-login: good",
        "dovecot auth_cache_size: good",
        "daemon control: good",
        &format!("upstream {}: good", client.display()),
    ] {
        has(&found, wanted);
    }
    assert!(found.iter().any(|one| one.starts_with("postfix ") && one.ends_with("good")));
    assert!(found.iter().all(|one| !one.ends_with("bad")), "{found:#?}");

    // Copies, with mistakes in them.
    let copy = stand.folder.sub("copies").unwrap();
    let text = std::fs::read_to_string(&dovecot).unwrap();
    let with = format!("{text}\nservice imap-login {{\n  executable = imap-login\n}}\n");
    // It reads other files beside it.
    let direct = dovecot.with_file_name("direct.conf");
    std::fs::write(&direct, with).unwrap();
    for file in ["main.cf", "master.cf"] {
        let text = std::fs::read_to_string(postfix.join(file)).unwrap();
        std::fs::write(copy.join(file), text.replace("private/mail2fa", "private/auth")).unwrap();
    }
    assert!(stand.mail2fa_mut().stop().unwrap().success());
    let (status, found) = examined(&stand, &direct, &copy);
    assert_eq!(status, Some(69));
    has(&found, "dovecot imap-login: bad");
    has(&found, "dovecot pop3-login: good");
    has(&found, "daemon control: bad");
    assert!(found.iter().any(|one| one.starts_with("postfix ") && one.ends_with("bad")));
    assert!(found.iter().any(|one| one.starts_with("listener ") && one.ends_with("bad")));
}

/// What it finds at Dovecot 2.4 with these settings besides, in a file beside the real one.
fn of_dovecot(stand: &Stand, more: &str) -> Vec<String> {
    let real = stand.dovecot.settings_file();
    let text = std::fs::read_to_string(&real).unwrap();
    let file = real.with_file_name("other.conf");
    std::fs::write(&file, format!("{text}\n{more}\n")).unwrap();
    with(stand, &[("--dovecot-config", &file)]).1
}

#[test]
fn doors_of_dovecot_2_4_are_looked_at() {
    let stand = Stand::start(Generation::V24, PasswordMode::Dovecot, Doors::Mail2fa).unwrap();
    stand.dovecot.put_program("doveconf", &stand.folder.sub("bin").unwrap()).unwrap();
    let found = of_dovecot(&stand, "");
    for login in ["imap-login", "pop3-login", "managesieve-login", "submission-login"] {
        has(&found, &format!("dovecot {login}: good"));
    }
    has(&found, "dovecot auth_cache_size: good");
    assert_eq!(found.iter().filter(|one| one.starts_with("dovecot ")).count(), 6, "{found:#?}");

    let found = of_dovecot(
        &stand,
        "auth_cache_size = 1M\nservice imap-login {\n executable = imap-login\n}\n\
         service again {\n executable = pop3-login login\n protocol = pop3\n type = login\n}\n\
         service auth {\n unix_listener named {\n  path = /run/elsewhere/auth\n }\n \
         inet_listener sasl {\n  port = 12345\n }\n}",
    );
    has(&found, "dovecot imap-login: bad");
    has(&found, "dovecot again: bad");
    has(&found, "dovecot pop3-login: good");
    has(&found, "dovecot auth_cache_size: bad");
    has(&found, "dovecot /run/elsewhere/auth: look");
    has(&found, "dovecot sasl: look");
}

/// Takes the arguments of two login processes away.
const BARE: &str = "service imap-login {\n executable = imap-login\n}\n\
                    service pop3-login {\n executable = pop3-login -D\n}\n";

/// What the doctor says of it is what a login meets.
#[test]
fn login_socket_path_of_dovecot_2_4_counts_as_it_does_there() {
    let mut stand = Stand::start(Generation::V24, PasswordMode::Dovecot, Doors::Mail2fa).unwrap();
    stand.dovecot.put_program("doveconf", &stand.folder.sub("bin").unwrap()).unwrap();
    let real = stand.dovecot.settings_file();
    let text = std::fs::read_to_string(&real).unwrap();
    stand.enrol(ALICE).unwrap();
    let ours = "login_socket_path = mail2fa/login\n";
    for (settings, imap, pop3) in [
        (BARE.to_owned(), "bad", "bad"),
        (format!("{BARE}{ours}"), "good", "good"),
        (format!("{BARE}protocol imap {{\n {ours}}}"), "good", "bad"),
        (format!("{BARE}{ours}protocol pop3 {{\n login_socket_path = login\n}}"), "good", "bad"),
        (format!("{BARE}service imap-login {{\n {ours}}}"), "bad", "bad"),
        (format!("{BARE}local 127.0.0.0/8 {{\n {ours}}}"), "bad", "bad"),
        ("login_socket_path = login\n".to_owned(), "good", "good"),
    ] {
        std::fs::write(&real, format!("{text}\n{settings}\n")).unwrap();
        let (_, found) = with(&stand, &[("--dovecot-config", &real)]);
        has(&found, &format!("dovecot imap-login: {imap}"));
        has(&found, &format!("dovecot pop3-login: {pop3}"));
        stand.dovecot.restart().unwrap();
        for (door, state) in [(Door::ImapPlain, imap), (Door::Pop3, pop3)] {
            let answer = stand.knock(door, alice()).unwrap();
            if state == "bad" {
                answer.must_be_in(&settings);
            } else {
                answer.must_be_refused(&settings);
            }
        }
    }
}

const PAST: &str = "
past:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if eq{$auth3}{secret}}
  server_set_id = $auth2
past_too:
  driver = dovecot
  public_name = LOGIN
  server_socket = /run/dovecot/auth-client
upward:
  driver = plaintext
  public_name = UPWARD
  client_send = ^name^secret
";

#[test]
fn authenticators_of_exim_are_looked_at() {
    let stand = Stand::start(Generation::V24, PasswordMode::Dovecot, Doors::Mail2fa).unwrap();
    let socket = stand.mail2fa().exim_socket();
    let exim = Exim::start(&stand.folder, &socket, stand.dovecot.lmtp()).unwrap();
    exim.put_program(&stand.folder.sub("bin").unwrap()).unwrap();
    let looked = |file: &Path| with(&stand, &[("--exim-config", file)]).1;
    let found = looked(&exim.settings_file());
    has(&found, "exim mail2fa_plain: good");
    has(&found, "exim mail2fa_login: good");
    assert_eq!(found.iter().filter(|one| one.starts_with("exim ")).count(), 2, "{found:#?}");

    let text = std::fs::read_to_string(exim.settings_file()).unwrap();
    let file = exim.settings_file().with_file_name("other.conf");
    let write = |text: &str| std::fs::write(&file, text).unwrap();
    let (head, snippet) = text.split_once("begin authenticators").unwrap();
    // Exim takes one authenticator for each mechanism.
    let renamed = snippet.replace("public_name = ", "public_name = X-");
    write(&format!("{head}begin authenticators{renamed}{PAST}"));
    let found = looked(&file);
    has(&found, "exim mail2fa_plain: good");
    has(&found, "exim past: bad");
    has(&found, "exim past_too: bad");
    assert!(!found.iter().any(|one| one.starts_with("exim upward")), "{found:#?}");

    // A socket at which "not now" reads as a wrong password.
    let other = stand.mail2fa().client_socket().display().to_string();
    write(&text.replace(&socket.display().to_string(), &other));
    has(&looked(&file), "exim mail2fa_plain: look");
    write(head);
    has(&looked(&file), "exim authenticators: good");
    write("nonsense");
    has(&looked(&file), "exim configuration: look");
}
