//! What panel and API let go over the network in the clear: nothing, at addresses of the configuration, of systemd and
//! of a reload.

use std::net::{TcpListener, TcpStream};

use crate::{panel::ask, site::Site};

/// Section, name in the log, a request, and how its answer begins.
const PANEL: [&str; 4] = ["panel", "the user panel", "/login", "HTTP/1.1 200 "];
const API: [&str; 4] = ["api", "the API", "/v1/health", "HTTP/1.1 401 "];

fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
}

#[test]
fn a_handed_over_address_of_the_network_is_refused() {
    for [of, _, path, begins] in [PANEL, API] {
        let site = Site::new();
        let own = format!("[{of}]\nlisten = \"{}\"", site.path("own").display());
        site.configure("plain", "0s", &own);
        let everywhere = || TcpListener::bind("0.0.0.0:0").unwrap();
        let mut daemon = site.serve_handed(everywhere(), of);
        let log = daemon.until_logged(&format!("{of}.listen: systemd handed over 0.0.0.0:"));
        assert!(log.contains("passwords, codes and tokens would go over the network"), "{log}");
        assert_eq!(daemon.child.wait().unwrap().code(), Some(78), "{log}");

        site.configure("plain", "0s", &format!("{own}\nbehind_proxy = true"));
        let listener = everywhere();
        let port = listener.local_addr().unwrap().port();
        let daemon = site.serve_handed(listener, of);
        daemon.wait_for("READY=1");
        let answer = ask(TcpStream::connect(("127.0.0.1", port)).unwrap(), &request(path));
        assert!(answer.starts_with(begins), "{answer}");
        daemon.stop();
    }
}

#[test]
fn neither_a_start_nor_a_reload_opens_one() {
    for [of, name, path, begins] in [PANEL, API] {
        let site = Site::new();
        site.configure("plain", "0s", &format!("[{of}]\nlisten = \"127.0.0.1:0\""));
        let daemon = site.serve();
        site.configure("plain", "0s", &format!("[{of}]\nlisten = \"0.0.0.0:0\""));
        daemon.reload();
        let said = format!("{of}.listen: passwords, codes and tokens would go over the network");
        let log = daemon.until_logged(&said);
        assert!(log.contains("the old configuration stays in force"), "{log}");
        let answer = ask(TcpStream::connect(daemon.address(name)).unwrap(), &request(path));
        assert!(answer.starts_with(begins), "{answer}");
        daemon.stop();

        for command in [&["serve"][..], &["config", "check"]] {
            let output = site.run(command, "");
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(78), "{error}");
            assert!(error.contains(&said) && error.contains("line "), "{error}");
        }
    }
}
