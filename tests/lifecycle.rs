//! The daemon as systemd and an administrator meet it: readiness, reload, drain, watchdog, handed-over
//! sockets, exit codes, log forms. The real binary, in a temporary folder.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

#[path = "lifecycle/api.rs"]
mod api;
#[path = "support/certificates.rs"]
mod certificates;
#[path = "lifecycle/clear.rs"]
mod clear;
#[path = "lifecycle/curl.rs"]
mod curl;
#[path = "support/fed.rs"]
mod fed;
#[path = "lifecycle/panel.rs"]
mod panel;
#[path = "lifecycle/site.rs"]
mod site;
#[path = "lifecycle/tls.rs"]
mod tls;

use std::{
    fs,
    io::Read,
    net::TcpListener,
    os::unix::net::{UnixListener, UnixStream},
    time::Instant,
};

use nix::sys::signal::Signal;

use site::{Client, Daemon, PATIENCE, Site, bob_gets_in};

#[test]
fn a_running_login_is_finished_before_the_daemon_stops() {
    let site = Site::new();
    let daemon = site.serve();
    bob_gets_in(&site.path("client"));
    // A refusal is held back; the daemon is told to stop while it waits.
    let mut client = Client::connect(&site.path("client"));
    client.ask("bob@example.org", "wrong");
    daemon.until_logged("reason=wrong_password");
    daemon.signal(Signal::SIGTERM);
    assert_eq!(client.line(), "FAIL\t1\tuser=bob@example.org");
    let mut rest = String::new();
    client.reader.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "nothing more, and the connection is closed");
    daemon.wait_for("STOPPING=1");
}

#[test]
fn a_stopped_daemon_starts_again_in_the_same_place() {
    let site = Site::new();
    site.serve().stop();
    assert!(!site.path("client").exists(), "its sockets go with it");
    assert!(!site.path("control").exists());
    let daemon = site.serve();
    bob_gets_in(&site.path("client"));
    // Killed, it leaves its sockets behind: they are stale and replaced.
    daemon.signal(Signal::SIGKILL);
    drop(daemon);
    assert!(site.path("client").exists());
    let daemon = site.serve();
    bob_gets_in(&site.path("client"));
    daemon.stop();
}

#[test]
fn a_reload_adds_a_listener_and_leaves_the_others_alone() {
    let site = Site::new();
    let daemon = site.serve();
    let mut client = Client::connect(&site.path("client"));
    let at = site.folder.path().display();
    let second = format!(
        "[[listener]]\nname = \"exim\"\nkind = \"client\"\nsocket = \"{at}/second\"\nmode = \"0600\""
    );
    site.configure("plain", "500ms", &second);
    daemon.signal(Signal::SIGHUP);
    let notice = daemon.wait_for("RELOADING=1");
    assert!(notice.contains("MONOTONIC_USEC="), "{notice}");
    daemon.wait_for("READY=1");
    bob_gets_in(&site.path("second"));
    let answer = client.login("bob@example.org", "hunter123456");
    assert_eq!(answer, "OK\t1\tuser=bob@example.org", "the old connection lives on");
    site.configure("plain", "500ms", "");
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for("READY=1");
    assert!(UnixStream::connect(site.path("second")).is_err(), "the listener is gone");
    bob_gets_in(&site.path("client"));
    daemon.stop();
}

#[test]
fn a_reload_with_mistakes_changes_nothing_and_names_them_all() {
    let site = Site::new();
    let daemon = site.serve();
    site.configure("plain", "soon", "[listeners]\nx = 1");
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for("RELOADING=1");
    daemon.wait_for("READY=1");
    bob_gets_in(&site.path("client"));
    let log = daemon.stop();
    assert!(log.contains("refusals.delay"), "{log}");
    assert!(log.contains("listeners"), "{log}");
    assert!(log.contains("the old configuration stays in force"), "{log}");
}

#[test]
fn a_listener_that_cannot_be_made_is_missing_until_it_can() {
    let site = Site::new();
    let daemon = site.serve();
    let at = site.folder.path().display();
    let exim = format!(
        "[[listener]]\nname = \"exim\"\nkind = \"client\"\nsocket = \"{at}/later/second\"\nmode = \"0600\""
    );
    site.configure("plain", "500ms", &exim);
    daemon.reload();
    let log = daemon.until_logged("listener exim");
    assert!(log.contains("the new configuration is in force, but not all of its listeners run"));
    assert!(!log.contains("the old configuration stays in force"), "{log}");
    std::fs::create_dir(site.path("later")).unwrap();
    daemon.reload();
    bob_gets_in(&site.path("client"));
    bob_gets_in(&site.path("later/second"));
    daemon.stop();
}

#[test]
fn rules_for_names_that_lead_past_a_record_are_refused() {
    let site = Site::new();
    let daemon = site.serve();
    site.configure("plain", "500ms", "[names]\nformat = \"%Ln\"");
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for("RELOADING=1");
    daemon.wait_for("READY=1");
    bob_gets_in(&site.path("client"));
    let log = daemon.stop();
    assert!(log.contains("no login leads to"), "{log}");
    assert!(log.contains("the old configuration stays in force"), "{log}");
    let started = site.command(&["serve"]).output().unwrap();
    let said = String::from_utf8_lossy(&started.stderr);
    assert_eq!(started.status.code(), Some(78), "{said}");
    assert!(said.contains("bob@example.org"), "{said}");
}

#[test]
fn the_watchdog_is_fed() {
    let site = Site::new();
    let mut command = site.command(&["serve"]);
    command.env("WATCHDOG_USEC", "300000");
    let daemon = Daemon::start(&site, command);
    daemon.wait_for("WATCHDOG=1");
    daemon.wait_for("WATCHDOG=1");
    daemon.stop();
}

#[test]
fn a_socket_that_systemd_hands_over_is_used() {
    let site = Site::new();
    let listener = UnixListener::bind(site.path("handed")).unwrap();
    let daemon = site.serve_handed(listener, "postfix");
    daemon.wait_for("READY=1");
    bob_gets_in(&site.path("handed"));
    assert!(!site.path("client").exists(), "its own socket is not made");
    daemon.stop();
}

#[test]
fn a_door_is_not_opened_to_a_network() {
    let site = Site::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut daemon = site.serve_handed(listener, "postfix");
    let status = daemon.child.wait().unwrap();
    assert_eq!(status.code(), Some(73), "{}", daemon.log());
    assert!(daemon.log().contains("\"postfix\" handed over by the service manager is not a Unix"));
}

#[test]
fn no_core_is_dumped() {
    let site = Site::new();
    let daemon = site.serve();
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.pid())).unwrap();
    let core = limits.lines().find(|l| l.starts_with("Max core file size")).unwrap();
    let values: Vec<&str> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(values, ["0", "0"], "{core}");
    daemon.stop();
}

#[test]
fn sockets_have_the_configured_mode() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::new();
    let daemon = site.serve();
    for socket in ["client", "control"] {
        let mode = fs::metadata(site.path(socket)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{socket}");
    }
    daemon.stop();
}

#[test]
fn json_lines_are_json_with_fields() {
    let site = Site::new();
    site.configure("json", "0s", "");
    let daemon = site.serve();
    bob_gets_in(&site.path("client"));
    let _ = Client::connect(&site.path("client")).login("bob\"x@example.org", "wrong");
    let log = daemon.stop();
    let logins: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .filter(|line: &serde_json::Value| line["target"] == "mail2fa::login")
        .collect();
    assert_eq!(logins.len(), 2, "{log}");
    assert_eq!(logins[0]["result"], "accepted");
    assert_eq!(logins[0]["reason"], "password");
    assert_eq!(logins[1]["reason"], "wrong_password");
    // No mailbox, and no name of one: it may be a password.
    assert!(logins[1]["mailbox"].as_str().unwrap().starts_with("(not a mailbox: "), "{log}");
    assert!(logins[1]["message"].as_str().unwrap().starts_with("login result=refused"));
}

/// Runs `serve` where it must fail; its exit code and what it says.
fn refuses_to_start(site: &Site) -> (i32, String) {
    let started = Instant::now();
    let output = site.run(&["serve"], "");
    assert!(started.elapsed() < PATIENCE);
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn what_keeps_the_daemon_from_starting_is_said() {
    let site = Site::new();

    site.configure("plain", "soon", "");
    let (code, said) = refuses_to_start(&site);
    assert_eq!(code, 78, "{said}");
    assert!(said.contains("refusals.delay"), "{said}");

    site.configure("plain", "0s", "");
    fs::rename(site.path("store"), site.path("elsewhere")).unwrap();
    let (code, said) = refuses_to_start(&site);
    assert_eq!(code, 69, "{said}");
    assert!(said.contains("mail2fa init"), "an unmounted store is not made anew: {said}");
    assert!(!site.path("store").exists());
    fs::rename(site.path("elsewhere"), site.path("store")).unwrap();

    fs::rename(site.path("key"), site.path("lost")).unwrap();
    let (code, said) = refuses_to_start(&site);
    assert_eq!(code, 69, "{said}");
    fs::rename(site.path("lost"), site.path("key")).unwrap();

    fs::write(site.path("client"), "not a socket").unwrap();
    let (code, said) = refuses_to_start(&site);
    assert_eq!(code, 73, "{said}");
    assert!(said.contains("postfix"), "{said}");
    assert_eq!(fs::read(site.path("client")).unwrap(), b"not a socket");
    fs::remove_file(site.path("client")).unwrap();

    let daemon = site.serve();
    let (code, said) = refuses_to_start(&site);
    assert_eq!(code, 69, "{said}");
    bob_gets_in(&site.path("client"));
    daemon.stop();
}
