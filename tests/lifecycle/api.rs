//! The API of the running daemon: handed-over sockets, and what a reload changes.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
    process::Command,
    time::{Duration, Instant},
};

use mail2fa::base::limits::{HTTP_CONNECTIONS, HTTP_HEADER_SECONDS};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::{
    panel::ask,
    site::{Site, assert_ok, bob_gets_in},
};

/// The section, with a socket that is not to be used.
fn section(site: &Site) -> String {
    format!("[api]\nlisten = \"{}\"", site.path("own").display())
}

const HEALTH: &str = "GET /v1/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

/// It asks for a token.
fn assert_asked(answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("Bearer"), "{answer}");
}

#[test]
fn its_socket_may_be_handed_over() {
    let site = Site::new();
    site.configure("plain", "0s", &section(&site));
    let listener = UnixListener::bind(site.path("handed")).unwrap();
    let daemon = site.serve_handed(listener, "api");
    daemon.wait_for("READY=1");
    assert_asked(&ask(UnixStream::connect(site.path("handed")).unwrap(), HEALTH));
    bob_gets_in(&site.path("client"));
    assert!(!site.path("own").exists(), "its own socket is not made");
    daemon.reload();
    assert_asked(&ask(UnixStream::connect(site.path("handed")).unwrap(), HEALTH));
    let log = daemon.stop();
    assert!(!log.contains("no listener is named after"), "{log}");
    assert!(site.path("handed").exists(), "systemd's socket is not ours to remove");
}

#[test]
fn it_may_be_one_of_tcp() {
    let site = Site::new();
    site.configure("plain", "0s", &section(&site));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let daemon = site.serve_handed(listener, "api");
    daemon.wait_for("READY=1");
    assert_asked(&ask(TcpStream::connect(address).unwrap(), HEALTH));
    daemon.stop();
}

#[test]
fn without_the_section_nobody_listens_at_a_handed_over_socket() {
    let site = Site::new();
    let listener = UnixListener::bind(site.path("handed")).unwrap();
    let daemon = site.serve_handed(listener, "api");
    daemon.wait_for("READY=1");
    let log = daemon.stop();
    assert!(log.contains("nobody serves it: set listen in [api], and restart"), "{log}");
}

/// As `systemd/mail2fa-api.socket` does it, by systemd's own program: the daemon starts when somebody asks.
#[test]
fn the_first_request_may_start_the_daemon() {
    let site = Site::new();
    site.configure("plain", "0s", &section(&site));
    let (daemon, program) = site.first_at("mail2fa-api.socket");
    assert_asked(&ask(program, HEALTH));
    daemon.wait_for("READY=1");
    assert!(!site.path("own").exists());
    daemon.stop();
}

/// What a webmail is answered, and how long that takes.
fn exchange(site: &Site) -> (String, Duration) {
    let body = r#"{"webmail": "roundcube", "mailbox": "bob@example.org", "password": "wrong",
                   "browser": "192.0.2.1"}"#;
    let request = format!(
        "POST /v1/webmail/tokens HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let begun = Instant::now();
    let answer = ask(UnixStream::connect(site.path("control")).unwrap(), &request);
    (answer, begun.elapsed())
}

const WEBMAIL: &str = "[[webmail]]\nname = \"roundcube\"\nnetworks = [\"127.0.0.1\"]";

#[test]
fn a_webmail_and_the_delay_of_its_refusals_count_after_a_reload() {
    let site = Site::new();
    site.configure("plain", "0s", "");
    let daemon = site.serve();
    assert!(exchange(&site).0.contains("urn:mail2fa:no-webmail"));
    site.configure("plain", "0s", WEBMAIL);
    daemon.reload();
    let (answer, _) = exchange(&site);
    assert!(answer.contains(r#"{"result":"refused"}"#), "{answer}");
    site.configure("plain", "3s", WEBMAIL);
    daemon.reload();
    // A refusal waits for no less than this, however fast the machine.
    assert!(exchange(&site).1 >= Duration::from_secs(3));
    let log = daemon.stop();
    assert!(!log.contains("counts after a restart"), "{log}");
}

/// Of a Dovecot that nobody could be asked for before.
#[test]
fn the_first_one_to_ask_for_passwords_may_come_with_a_reload() {
    let site = Site::new();
    let login = |more: &str| {
        let at = site.folder.path().display();
        let text = fs::read_to_string(site.path("mail2fa.toml")).unwrap();
        let (head, _) = text.split_once("[passwords]").unwrap();
        let text = format!(
            "{head}\n[passwords]\nsource = \"dovecot\"\n{more}\n[control]\nsocket = \"{at}/control\"\n\
             [refusals]\ndelay = \"0s\"\n[log]\ntarget = \"plain\"\n\
             [[listener]]\nname = \"dovecot\"\nkind = \"login\"\nupstream = \"{at}/auth-login\"\n\
             socket = \"{at}/login\"\n"
        );
        fs::write(site.path("mail2fa.toml"), text).unwrap();
    };
    login("");
    let daemon = site.serve();
    assert!(exchange(&site).0.contains("urn:mail2fa:no-webmail"));
    fs::write(site.path("vouch"), "0f1e2d3c4b5a69788796a5b4c3d2e1f0\n").unwrap();
    let mut files = Command::new("chmod");
    assert_ok(&files.arg("0600").arg(site.path("vouch")).output().unwrap());
    let at = site.folder.path().display();
    login(&format!("upstream = \"{at}/nobody\"\nvouch_secret_file = \"{at}/vouch\"\n{WEBMAIL}"));
    daemon.reload();
    let (answer, _) = exchange(&site);
    assert!(answer.starts_with("HTTP/1.1 503 "), "that Dovecot does not run: {answer}");
    let log = daemon.stop();
    assert!(!log.contains("stays in force"), "{log}");
}

/// The place for tokens has its own bound; the control socket, and logins, never wait for it.
#[test]
fn strangers_at_every_place_keep_nobody_else_out() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    let site = Site::new();
    site.configure("plain", "0s", &section(&site));
    let daemon = site.serve();
    let connect = || UnixStream::connect(site.path("own")).unwrap();
    let begun = Instant::now();
    let mut crowd: Vec<UnixStream> = (0..HTTP_CONNECTIONS).map(|_| connect()).collect();
    for (number, stranger) in crowd.iter_mut().enumerate() {
        // Silent, slow, and with something that is no token.
        let said = ["", "GET /v1/health HT", "GET / HTTP/1.1\r\nauthorization: Bearer x\r\n"];
        stranger.write_all(said[number % 3].as_bytes()).unwrap();
    }
    let mut late = connect();
    late.write_all(HEALTH.as_bytes()).unwrap();
    for command in [&["mailbox", "list"][..], &["token", "list"], &["lock", "bob@example.org"]] {
        assert_ok(&site.run(command, ""));
    }
    assert_ok(&site.run(&["unlock", "bob@example.org"], ""));
    bob_gets_in(&site.path("client"));
    late.set_nonblocking(true).unwrap();
    let mut answer = vec![0; 16];
    match late.read(&mut answer) {
        // A stranger has its place for so long only, and the machine may be slow.
        Ok(length) if begun.elapsed() >= Duration::from_secs(HTTP_HEADER_SECONDS) => {
            answer.truncate(length);
        }
        Ok(_) => panic!("all places were taken"),
        Err(waits) => {
            assert_eq!(waits.kind(), ErrorKind::WouldBlock);
            answer.clear();
        }
    }
    drop(crowd);
    late.set_nonblocking(false).unwrap();
    late.read_to_end(&mut answer).unwrap();
    assert_asked(&String::from_utf8(answer).unwrap());
    daemon.stop();
}

#[test]
fn what_counts_after_a_restart_is_said() {
    let site = Site::new();
    let daemon = site.serve();
    site.configure("plain", "0s", &section(&site));
    daemon.reload();
    daemon.reload();
    assert!(!site.path("own").exists());
    let log = daemon.stop();
    assert_eq!(log.matches("this change counts after a restart key=\"api\"").count(), 2, "{log}");
}
