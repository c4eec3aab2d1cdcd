//! TLS of our own, at the panel and at the API, with curl and openssl as clients, and a client that looks at
//! certificates.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::{fs::PermissionsExt, net::UnixListener},
    path::Path,
    process::{Command, Output, Stdio},
    sync::Arc,
};

use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::{
    certificates::{Authority, Files},
    site::{Daemon, PATIENCE, Site, assert_ok},
};

/// Who has TLS: the section, and the name in the log.
const PANEL: (&str, &str) = ("panel", "the user panel");
const API: (&str, &str) = ("api", "the API");

/// The section, with TLS at a free port.
fn section(of: &str, files: &Files) -> String {
    format!(
        "[{of}]\nlisten = \"127.0.0.1:0\"\n[{of}.tls]\ncertificate = \"{}\"\nkey = \"{}\"",
        files.certificate.display(),
        files.key.display()
    )
}

fn serve_of(of: &str, kind: &str) -> (Site, Authority, Daemon) {
    let site = Site::new();
    let authority = Authority::new(site.folder.path());
    site.configure("plain", "0s", &section(of, &authority.sign("first", kind)));
    let daemon = site.serve();
    (site, authority, daemon)
}

fn serve(kind: &str) -> (Site, Authority, Daemon) {
    serve_of("panel", kind)
}

/// curl with a jar of cookies; what it prints has the headers.
fn curl(site: &Site, root: &Path, address: SocketAddr, path: &str, more: &[&str]) -> Output {
    let jar = site.path("jar");
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error", "--include", "--max-time", "60", "--cacert"])
        .arg(root);
    command.arg("--cookie").arg(&jar).arg("--cookie-jar").arg(&jar).args(more);
    command.arg(format!("https://localhost:{}/{path}", address.port()));
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    assert_ok(output);
    String::from_utf8_lossy(&output.stdout).to_ascii_lowercase()
}

#[test]
fn a_browser_logs_in_by_https() {
    for kind in ["ec -pkeyopt ec_paramgen_curve:P-256", "rsa:2048", "ed25519"] {
        let (site, authority, daemon) = serve(kind);
        let (root, address) = (authority.root(), daemon.panel());
        let page = text(&curl(&site, &root, address, "login", &[]));
        assert!(page.starts_with("http/1.1 200 ok"), "{kind}: {page}");
        assert!(page.contains("strict-transport-security: max-age="), "{page}");
        let form = ["--data-urlencode", "name=bob@example.org", "--data", "password=hunter123456"];
        let answer = text(&curl(&site, &root, address, "login", &form));
        assert!(answer.starts_with("http/1.1 303 "), "{answer}");
        let cookie =
            answer.lines().find(|line| line.starts_with("set-cookie: __host-mail2fa=")).unwrap();
        for attribute in ["; path=/", "; httponly", "; samesite=strict", "; secure"] {
            assert!(cookie.contains(attribute), "{attribute} in {cookie}");
        }
        assert!(!cookie.contains("domain"), "{cookie}");
        let page = text(&curl(&site, &root, address, "", &[]));
        assert!(page.starts_with("http/1.1 200 ") && page.contains("bob@example.org"), "{page}");
        daemon.stop();
    }
}

#[test]
fn a_client_that_does_not_know_the_root_stays_away() {
    let (site, _authority, daemon) = serve("ed25519");
    let another = site.path("another");
    fs::create_dir(&another).unwrap();
    let stranger = Authority::new(&another).root();
    let output = curl(&site, &stranger, daemon.panel(), "login", &[]);
    assert_eq!(output.status.code(), Some(60), "{output:?}");
    daemon.stop();
}

/// The handshake of openssl: whether there was one, and what it says about it.
fn handshake(authority: &Authority, address: SocketAddr, arguments: &str) -> (bool, String) {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-verify_return_error", "-CAfile"]).arg(authority.root());
    command.arg("-connect").arg(address.to_string()).args(arguments.split_whitespace());
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn old_versions_and_other_protocols_are_refused() {
    let (_site, authority, daemon) = serve("rsa:2048");
    let address = daemon.panel();
    for version in ["-tls1_2", "-tls1_3"] {
        let (done, said) = handshake(&authority, address, version);
        assert!(done && said.contains("Verify return code: 0 (ok)"), "{version}: {said}");
    }
    // The client itself is willing to speak what is old: the refusal is ours.
    for old in [
        "-tls1 -cipher DEFAULT@SECLEVEL=0",
        "-tls1_1 -cipher DEFAULT@SECLEVEL=0",
        "-tls1_2 -cipher AES128-SHA",
    ] {
        let (done, said) = handshake(&authority, address, old);
        assert!(!done, "{old}: {said}");
        assert!(said.contains("alert"), "{old}: {said}");
    }
    let (done, said) = handshake(&authority, address, "-alpn h2,http/1.1");
    assert!(done && said.contains("ALPN protocol: http/1.1"), "{said}");
    let (done, said) = handshake(&authority, address, "-alpn h2");
    assert!(!done && said.contains("alert"), "{said}");
    daemon.stop();
}

#[test]
fn what_is_not_tls_is_hung_up_on() {
    let (_site, authority, daemon) = serve("ed25519");
    let address = daemon.panel();
    for bytes in [
        "GET /login HTTP/1.1\r\nhost: x\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{0}\u{5}hello",
        "\n\n\n\n\n\n\n\n",
    ] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(!answer.starts_with(b"HTTP") && answer.len() < 16, "an alert at most: {answer:?}");
    }
    assert!(handshake(&authority, address, "").0, "others are served");
    let log = daemon.stop();
    assert!(!log.contains("panic"), "{log}");
}

/// A connection that stays open.
struct Visitor(StreamOwned<ClientConnection, TcpStream>);

impl Visitor {
    fn come(authority: &Authority, address: SocketAddr) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(authority.root()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = "localhost".try_into().unwrap();
        let client = ClientConnection::new(Arc::new(config), name).unwrap();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut own = Self(StreamOwned::new(client, stream));
        own.ask();
        own
    }

    /// Asks for something small, and reads its answer alone.
    fn ask(&mut self) {
        self.0.write_all(b"GET /nothing HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            self.0.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 404 "), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        self.0.read_exact(&mut body).unwrap();
    }

    fn certificate(&self) -> Vec<u8> {
        self.0.conn.peer_certificates().unwrap()[0].to_vec()
    }
}

fn file(path: &Path) -> Vec<u8> {
    CertificateDer::from_pem_file(path).unwrap().to_vec()
}

#[test]
fn a_reload_brings_a_new_certificate_and_drops_nobody() {
    for (of, name) in [PANEL, API] {
        let (site, authority, daemon) = serve_of(of, "ec -pkeyopt ec_paramgen_curve:P-256");
        let address = daemon.address(name);
        let mut old = Visitor::come(&authority, address);
        let first = file(&site.path("first.pem"));
        assert_eq!(old.certificate(), first);

        // As a renewal does it: other files in the same place.
        let second = authority.sign("second", "rsa:2048");
        fs::copy(&second.certificate, site.path("first.pem")).unwrap();
        fs::copy(&second.key, site.path("first.key")).unwrap();
        let visitor = Visitor::come(&authority, address);
        assert_eq!(visitor.certificate(), first, "not before the reload");
        daemon.reload();
        let mut new = Visitor::come(&authority, address);
        assert_eq!(new.certificate(), file(&second.certificate), "{of}");
        old.ask();

        // And files of other names.
        let third = authority.sign("third", "ed25519");
        site.configure("plain", "0s", &section(of, &third));
        daemon.reload();
        let newest = Visitor::come(&authority, address);
        assert_eq!(newest.certificate(), file(&third.certificate), "{of}");
        old.ask();
        new.ask();
        let log = daemon.stop();
        assert!(
            !log.contains("counts after a restart") && !log.contains("stays in force"),
            "{log}"
        );
    }
}

/// Each way to spoil a pair of files, and what is said about it.
fn spoil(site: &Site, authority: &Authority) -> Vec<(&'static str, Files, &'static str)> {
    let files = |name: &str| authority.sign(name, "ed25519");
    let open = files("open");
    fs::set_permissions(&open.key, fs::Permissions::from_mode(0o644)).unwrap();
    let garbage = files("garbage");
    fs::write(
        &garbage.certificate,
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    let empty = files("empty");
    fs::write(&empty.certificate, "").unwrap();
    let cut = files("cut");
    fs::write(&cut.certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n").unwrap();
    let long = files("long");
    fs::write(&long.certificate, "x".repeat(300_000)).unwrap();
    let missing = Files { certificate: site.path("missing.pem"), key: site.path("first.key") };
    let (one, other) = (files("one"), files("other"));
    let swapped = Files { certificate: one.certificate, key: other.key };
    let no_key = files("no-key");
    fs::write(&no_key.key, fs::read(&no_key.certificate).unwrap()).unwrap();
    vec![
        ("open", open, "open.key: everybody can read it (mode 0644): run chmod 0640"),
        ("garbage", garbage, "garbage.pem: cannot be used"),
        ("empty", empty, "empty.pem: has no \"BEGIN CERTIFICATE\""),
        ("cut", cut, "cut.pem: is not well-formed PEM"),
        ("long", long, "long.pem: has more than 262144 bytes"),
        ("missing", missing, "missing.pem: cannot be read: No such file"),
        ("swapped", swapped, "other.key: does not belong to the certificate in"),
        ("no key", no_key, "no-key.key: has no key in it that can be used"),
    ]
}

#[test]
fn a_broken_certificate_leaves_the_old_one() {
    for (of, name) in [PANEL, API] {
        let (site, authority, daemon) = serve_of(of, "ed25519");
        let address = daemon.address(name);
        let first = file(&site.path("first.pem"));
        for (what, files, said) in spoil(&site, &authority) {
            site.configure("plain", "0s", &section(of, &files));
            daemon.reload();
            let log = daemon.until_logged(said);
            let line = log.lines().find(|line| line.contains(said)).unwrap();
            let begins = format!("stays in force error={of}.tls: /");
            assert!(line.contains(&begins), "{what}: {line}");
            assert_eq!(Visitor::come(&authority, address).certificate(), first, "{what}");
        }
        let log = daemon.stop();
        assert!(!log.contains("PRIVATE KEY-----"), "{log}");
    }
}

#[test]
fn with_a_broken_certificate_nothing_starts() {
    for (of, _) in [PANEL, API] {
        let (site, authority, daemon) = serve_of(of, "ed25519");
        daemon.stop();
        for (what, files, said) in spoil(&site, &authority) {
            site.configure("plain", "0s", &section(of, &files));
            let output = site.run(&["serve"], "");
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(78), "{what}: {error}");
            let named = error.contains(&format!("{of}.tls: ")) && error.contains(said);
            assert!(named, "{what}: {error}");
        }
    }
}

/// Who comes by a Unix socket may say where a browser is, so it must not be a browser.
#[test]
fn a_unix_socket_that_is_handed_over_gets_no_tls() {
    for (of, _) in [PANEL, API] {
        let (site, _authority, daemon) = serve_of(of, "ed25519");
        daemon.stop();
        let listener = UnixListener::bind(site.path("handed")).unwrap();
        let mut daemon = site.serve_handed(listener, of);
        let status = daemon.child.wait().unwrap();
        assert_eq!(status.code(), Some(78), "{}", daemon.log());
        let said = format!("{of}.tls: systemd handed over a Unix socket, and TLS of mail2fa's own");
        assert!(daemon.log().contains(&said), "{}", daemon.log());
    }
}

#[test]
fn a_handed_over_address_gets_tls() {
    for (of, _) in [PANEL, API] {
        let (site, authority, daemon) = serve_of(of, "ed25519");
        daemon.stop();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let daemon = site.serve_handed(listener, of);
        daemon.wait_for("READY=1");
        Visitor::come(&authority, address);
        let stream = TcpStream::connect(address).unwrap();
        assert!(!ask_plain(stream).starts_with("HTTP"));
        daemon.stop();
    }
}

/// What the panel has from `[panel.tls]` the API has from `[api.tls]`.
#[test]
fn a_program_brings_its_token_by_https() {
    let (site, authority, daemon) = serve_of("api", "rsa:2048");
    let made = site.run(&["token", "add", "panel", "--scope", "mailboxes:read"], "");
    assert_ok(&made);
    let made = String::from_utf8(made.stdout).unwrap();
    let token = made.split_whitespace().find(|word| word.starts_with("m2f_")).unwrap();
    fs::write(site.path("header"), format!("Authorization: Bearer {token}\n")).unwrap();
    let header = format!("@{}", site.path("header").display());
    let address = daemon.address("the API");
    let path = "v1/mailboxes/bob%40example.org";
    let shown = text(&curl(&site, &authority.root(), address, path, &["--header", &header]));
    assert!(shown.starts_with("http/1.1 200 ") && shown.contains("bob@example.org"), "{shown}");
    let refused = text(&curl(&site, &authority.root(), address, path, &[]));
    assert!(refused.starts_with("http/1.1 401 "), "{refused}");
    let another = site.path("another");
    fs::create_dir(&another).unwrap();
    let stranger = Authority::new(&another).root();
    let output = curl(&site, &stranger, address, path, &["--header", &header]);
    assert_eq!(output.status.code(), Some(60), "{output:?}");
    let log = daemon.stop();
    assert!(!log.contains(token), "{log}");
}

fn ask_plain(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.write_all(b"GET / HTTP/1.0\r\n\r\n");
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}
