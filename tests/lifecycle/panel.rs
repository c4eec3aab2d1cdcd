//! The User Panel of the running daemon: handed-over sockets, and what a reload changes.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
    time::{Duration, Instant},
};

use crate::site::{Site, bob_gets_in};

/// The section, with a socket that is not to be used.
fn section(site: &Site) -> String {
    format!("[panel]\nlisten = \"{}\"\nhttps = false", site.path("own").display())
}

/// Asks over a connection that is closed afterwards.
pub fn ask(mut stream: impl Read + Write, request: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

const LOGIN: &str = "GET /login HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

fn assert_shown(answer: &str) {
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.contains("name=\"password\""),
        "{answer}"
    );
}

#[test]
fn its_socket_may_be_handed_over() {
    let site = Site::new();
    site.configure("plain", "0s", &section(&site));
    let listener = UnixListener::bind(site.path("handed")).unwrap();
    let daemon = site.serve_handed(listener, "panel");
    daemon.wait_for("READY=1");
    assert_shown(&ask(UnixStream::connect(site.path("handed")).unwrap(), LOGIN));
    bob_gets_in(&site.path("client"));
    assert!(!site.path("own").exists(), "its own socket is not made");
    daemon.reload();
    assert_shown(&ask(UnixStream::connect(site.path("handed")).unwrap(), LOGIN));
    daemon.stop();
    assert!(site.path("handed").exists(), "systemd's socket is not ours to remove");
}

#[test]
fn it_may_be_one_of_tcp() {
    let site = Site::new();
    site.configure("plain", "0s", &section(&site));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let daemon = site.serve_handed(listener, "panel");
    daemon.wait_for("READY=1");
    assert_shown(&ask(TcpStream::connect(address).unwrap(), LOGIN));
    daemon.stop();
}

#[test]
fn a_handed_over_socket_of_another_name_is_not_the_panels() {
    let site = Site::new();
    site.configure("plain", "0s", &section(&site));
    let listener = UnixListener::bind(site.path("handed")).unwrap();
    let daemon = site.serve_handed(listener, "panle");
    daemon.wait_for("READY=1");
    assert_shown(&ask(UnixStream::connect(site.path("own")).unwrap(), LOGIN));
    assert!(daemon.stop().contains("systemd handed over a socket that no listener is named after"));
}

/// As `systemd/mail2fa-panel.socket` does it, by systemd's own program: the daemon starts when somebody comes.
#[test]
fn the_first_visitor_may_start_the_daemon() {
    let site = Site::new();
    site.configure("plain", "0s", &section(&site));
    let (daemon, visitor) = site.first_at("mail2fa-panel.socket");
    assert_shown(&ask(visitor, LOGIN));
    daemon.wait_for("READY=1");
    assert!(!site.path("own").exists());
    daemon.stop();
}

/// How long a refusal at the panel takes.
fn refusal(site: &Site) -> Duration {
    let body = "name=bob%40example.org&password=wrong";
    let request = format!(
        "POST /login HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let begun = Instant::now();
    let answer = ask(UnixStream::connect(site.path("own")).unwrap(), &request);
    assert!(answer.starts_with("HTTP/1.1 422 "), "{answer}");
    begun.elapsed()
}

#[test]
fn a_new_delay_of_refusals_counts_after_a_reload() {
    let site = Site::new();
    site.configure("plain", "0s", &section(&site));
    let daemon = site.serve();
    refusal(&site);
    site.configure("plain", "3s", &section(&site));
    daemon.reload();
    // A refusal waits for no less than this, however fast the machine.
    assert!(refusal(&site) >= Duration::from_secs(3));
    let log = daemon.stop();
    assert!(!log.contains("counts after a restart"), "{log}");
}

#[test]
fn a_panel_that_was_taken_out_follows_every_later_reload() {
    let site = Site::new();
    site.configure("plain", "0s", &section(&site));
    let daemon = site.serve();
    site.configure("plain", "0s", "");
    daemon.reload();
    site.configure("plain", "3s", "");
    daemon.reload();
    assert!(refusal(&site) >= Duration::from_secs(3));
    // It is still there, and a restart would end it.
    let log = daemon.stop();
    assert_eq!(log.matches("this change counts after a restart key=\"panel\"").count(), 2, "{log}");
}

/// A hosting panel's back end sends the browser to the `url` of the answer. It begins with what is configured, whatever
/// host the request names, and a reload does not move a panel that stays where it is.
#[test]
fn a_link_over_the_api_has_the_whole_address() {
    let site = Site::new();
    let place = |more: &str| format!("{}\nbase_path = \"/2fa\"\n{more}", section(&site));
    site.configure("plain", "0s", &place("origin = \"http://mail.example.org\""));
    let daemon = site.serve();
    let request = "POST /v1/mailboxes/bob%40example.org/panel-links HTTP/1.1\r\nhost: evil.example\r\n\
                   x-forwarded-host: evil.example\r\nconnection: close\r\n\r\n";
    let made = || {
        let answer = ask(UnixStream::connect(site.path("control")).unwrap(), request);
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        serde_json::from_str::<serde_json::Value>(body).unwrap()
    };
    let answer = made();
    let (url, link) = (answer["url"].as_str().unwrap(), answer["link"].as_str().unwrap());
    assert_eq!(url, format!("http://mail.example.org/2fa/link?t={link}"));
    let path = url.strip_prefix("http://mail.example.org").unwrap();
    let get = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let page = ask(UnixStream::connect(site.path("own")).unwrap(), &get);
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("bob@example.org"), "{page}");
    site.configure("plain", "0s", &place("origin = \"http://other.example.org\""));
    daemon.reload();
    assert!(made()["url"].as_str().unwrap().starts_with("http://mail.example.org/2fa/link?t="));
    daemon.stop();
    // Without `origin` nobody knows it.
    site.configure("plain", "0s", &place(""));
    let daemon = site.serve();
    assert!(made()["link"].is_string() && made().get("url").is_none());
    daemon.stop();
}

#[test]
fn what_counts_after_a_restart_is_said() {
    let site = Site::new();
    site.configure("plain", "0s", &section(&site));
    let daemon = site.serve();
    site.configure("plain", "0s", &format!("{}\nidle = \"5m\"", section(&site)));
    daemon.reload();
    // It goes on being said while what runs is another than the file says, and no longer.
    site.configure("plain", "0s", &format!("{}\nname = \"x\"", section(&site)));
    daemon.reload();
    daemon.reload();
    site.configure("plain", "0s", &section(&site));
    daemon.reload();
    let log = daemon.stop();
    assert_eq!(log.matches("this change counts after a restart key=\"panel\"").count(), 2, "{log}");
}
