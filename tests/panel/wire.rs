//! Requests by their bytes: what is read in two ways, who sends slowly, and who comes with too many.

use std::{net::SocketAddr, time::Duration};

use mail2fa::{
    base::limits::{
        HTTP_CONNECTIONS, HTTP_HEADER_SECONDS, HTTP_REQUEST_SECONDS, HTTP_REST_SECONDS,
        TLS_HANDSHAKE_SECONDS,
    },
    service::admin::{Request, Response},
};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use crate::{
    desk::{Browser, Desk, Options, exchange, steady},
    support::BOB,
};

/// The paused clock goes on while bytes are on their way to a TCP socket, in small steps ([`steady`]). So it may be
/// ahead a little.
const SLACK: Duration = Duration::from_secs(3);

const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

/// The statuses of all answers to these bytes, until the other end closes.
async fn statuses(address: SocketAddr, bytes: &str) -> Vec<u16> {
    let answer = exchange(address, bytes.as_bytes()).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let heads = answer.split("HTTP/1.").skip(1);
    heads.filter_map(|rest| rest.get(2..5)?.parse().ok()).collect()
}

/// A second request, hidden in what may be the first one's body.
const HIDDEN: &str = "GET /panel.css HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn no_request_is_hidden_in_another() {
    let desk = Desk::new().await;
    let post = format!("POST /login HTTP/1.1\r\nhost: x\r\n{FORM}");
    for (what, head, body) in [
        ("two lengths", "content-length: 5\r\ncontent-length: 0\r\n", "0\r\n\r\n"),
        ("a list of lengths", "content-length: 5, 5\r\n", "0\r\n\r\n"),
        ("a sign", "content-length: +5\r\n", "0\r\n\r\n"),
        ("less than nothing", "content-length: -1\r\n", ""),
        ("a length in hex", "content-length: 0x5\r\n", "0\r\n\r\n"),
        ("a huge length", "content-length: 99999999999999999999\r\n", ""),
        ("an unknown coding", "transfer-encoding: xchunked\r\n", "0\r\n\r\n"),
        ("chunks not last", "transfer-encoding: chunked, identity\r\n", "0\r\n\r\n"),
        (
            "chunks twice",
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            "0\r\n\r\n",
        ),
        ("a space before the colon", "content-length : 5\r\n", "0\r\n\r\n"),
        ("a folded line", "x: y\r\n content-length: 5\r\n", "0\r\n\r\n"),
        ("a bare CR", "x: y\rcontent-length: 5\r\n", "0\r\n\r\n"),
        ("a NUL", "x: y\0\r\ncontent-length: 5\r\n", "0\r\n\r\n"),
        ("a name that is none", "x y: z\r\n", ""),
    ] {
        let answers = statuses(desk.address, &format!("{post}{head}\r\n{body}{HIDDEN}")).await;
        assert_eq!(answers, [400], "{what}");
    }
    // A chunk whose length is none ends the connection, whatever has been answered.
    for size in ["zz", "-1", "FFFFFFFFFFFFFFFFF", "5\n"] {
        let head = "transfer-encoding: chunked\r\n";
        let answers = statuses(
            desk.address,
            &format!("{post}{head}\r\n{size}\r\nabcde\r\n0\r\n\r\n{HIDDEN}"),
        )
        .await;
        assert!(
            answers.len() <= 1 && answers.iter().all(|status| *status == 400),
            "{size}: {answers:?}"
        );
    }
    // What is plain is two requests.
    let plain = format!("{post}content-length: 5\r\n\r\n0\r\n\r\n{HIDDEN}");
    assert_eq!(statuses(desk.address, &plain).await, [400, 200]);
    // One length said twice is one length.
    let twice = format!("{post}content-length: 5\r\ncontent-length: 5\r\n\r\n0\r\n\r\n{HIDDEN}");
    assert_eq!(statuses(desk.address, &twice).await, [400, 200]);
    let chunked = format!("{post}transfer-encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\n{HIDDEN}");
    assert_eq!(statuses(desk.address, &chunked).await, [400, 200]);
}

/// hyper takes such a request for one in chunks, RFC 9112 6.3, and takes nothing after it.
#[tokio::test]
async fn a_request_with_chunks_and_a_length_is_the_last_one() {
    let desk = Desk::new().await;
    let get = "GET /panel.css HTTP/1.1\r\nhost: x\r\n";
    let chunked = "transfer-encoding: chunked\r\n";
    // Either alone is followed by the next request.
    for alone in [chunked, "content-length: 5\r\n"] {
        let request = format!("{get}{alone}\r\n0\r\n\r\n{HIDDEN}");
        assert_eq!(statuses(desk.address, &request).await, [200, 200], "{alone}");
    }
    // For whoever goes by the length, the hidden request is body, or is not.
    for length in [5, 5 + HIDDEN.len(), 0] {
        let length = format!("content-length: {length}\r\n");
        for head in [format!("{length}{chunked}"), format!("{chunked}{length}")] {
            let request = format!("{get}{head}\r\n0\r\n\r\n{HIDDEN}");
            let answer = exchange(desk.address, request.as_bytes()).await;
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{head}: {answer}");
            assert_eq!(answer.matches("HTTP/1.").count(), 1, "{head}: {answer}");
            assert!(answer.contains("\r\nconnection: close\r\n"), "{head}: {answer}");
        }
    }
}

#[tokio::test]
async fn lines_may_end_by_lf_alone_and_mean_the_same() {
    let desk = Desk::new().await;
    let request = HIDDEN.replace("\r\n", "\n");
    assert_eq!(statuses(desk.address, &request).await, [200]);
    let post = format!(
        "POST /login HTTP/1.1\nhost: x\n{}content-length: 5\n\n0\r\n\r\n{HIDDEN}",
        FORM.replace('\r', "")
    );
    assert_eq!(statuses(desk.address, &post).await, [400, 200]);
    // In chunks it is refused.
    let post = format!(
        "POST /login HTTP/1.1\r\nhost: x\r\n{FORM}transfer-encoding: chunked\r\n\r\n3\na=b\n0\n\n{HIDDEN}"
    );
    assert_eq!(statuses(desk.address, &post).await, [400]);
}

#[tokio::test]
async fn a_host_is_named_once() {
    let desk = Desk::new().await;
    for (what, head, status) in [
        ("none", "GET /login HTTP/1.1\r\n", 400),
        ("two", "GET /login HTTP/1.1\r\nhost: a\r\nhost: b\r\n", 400),
        ("one twice", "GET /login HTTP/1.1\r\nhost: a\r\nHost: a\r\n", 400),
        ("none was needed", "GET /login HTTP/1.0\r\n", 200),
        ("an empty one", "GET /login HTTP/1.1\r\nhost:\r\n", 200),
        ("in the address", "GET http://evil.example/login HTTP/1.1\r\nhost: a\r\n", 200),
        ("in the address alone", "GET http://evil.example/login HTTP/1.1\r\n", 400),
        ("odd", "GET /login HTTP/1.1\r\nhost: a\"><script>@evil.example:99999/x\r\n", 200),
        ("a proxy's request", "CONNECT evil.example:443 HTTP/1.1\r\nhost: a\r\n", 404),
        ("to nobody", "OPTIONS * HTTP/1.1\r\nhost: a\r\n", 404),
        ("no address", "GET login HTTP/1.1\r\nhost: a\r\n", 404),
    ] {
        let request = format!("{head}connection: close\r\n\r\n");
        let answer = exchange(desk.address, request.as_bytes()).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(
            answer.starts_with(&format!("HTTP/1.{} {status} ", i32::from(!head.contains("/1.0")))),
            "{what}: {answer}"
        );
        assert!(!answer.contains("evil") && !answer.contains("<script>"), "{what}: {answer}");
    }
    // The host of the address is what Origin is held against, as it is for whoever routes by it.
    let post = "POST http://evil.example/login HTTP/1.1\r\nhost: x\r\norigin: http://x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(statuses(desk.address, post).await, [403]);
}

#[tokio::test]
async fn paths_lead_nowhere_else() {
    let desk = Desk::new().await;
    for path in [
        "/../login",
        "/./login",
        "//login",
        "/login//",
        "/%2e%2e/login",
        "/..%2flogin",
        "/%2flogin",
        "/login%2f",
        "/login%00",
        "/%6cogin/../login",
        "/..;/login",
        "/login;x",
        "\\login",
        "/login\\..\\x",
        "/login%252e",
        "/%c0%ae%c0%ae/login",
        "/panel.css/../login",
        "/LOGIN",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answers = statuses(desk.address, &request).await;
        assert!(answers == [404] || answers == [400], "{path}: {answers:?}");
    }
    // One letter may be written by its number, and a path may have a question.
    for path in ["/%6cogin", "/login?x=/../y", "/login?"] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answers = statuses(desk.address, &request).await;
        assert!(answers == [200] || answers == [404], "{path}: {answers:?}");
    }
}

#[tokio::test]
async fn an_address_has_a_longest_length() {
    let desk = Desk::new().await;
    for (length, expected) in [(4_000, 404), (17_000, 431), (70_000, 431), (1 << 20, 431)] {
        let request =
            format!("GET /{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "a".repeat(length));
        let answers = statuses(desk.address, &request).await;
        assert!(
            answers == [expected]
                || answers == [414] && expected == 431
                || answers.is_empty() && length > 65_536,
            "{length}: {answers:?}"
        );
    }
    let question = format!(
        "GET /login?done={} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "a".repeat(8_000)
    );
    assert_eq!(statuses(desk.address, &question).await, [200]);
}

#[tokio::test]
async fn only_known_methods_do_anything() {
    let desk = Desk::new().await;
    for (method, status) in [
        ("TRACE", 405),
        ("OPTIONS", 405),
        ("PUT", 405),
        ("DELETE", 405),
        ("PATCH", 405),
        ("get", 405),
        ("POSTx", 405),
        ("PROPFIND", 405),
        ("HEAD", 200),
        ("G@T", 400),
        ("", 400),
    ] {
        let request = format!(
            "{method} /login HTTP/1.1\r\nhost: x\r\nx-secret: echo\r\nconnection: close\r\n\r\n"
        );
        let answer = exchange(desk.address, request.as_bytes()).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{method}: {answer}");
        assert!(!answer.contains("echo"), "{method}: {answer}");
        if method == "HEAD" {
            assert!(answer.ends_with("\r\n\r\n"), "no body: {answer}");
        }
    }
    // What a method override would make of it.
    let sly = "POST /login HTTP/1.1\r\nhost: x\r\nx-http-method-override: GET\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(statuses(desk.address, sly).await, [400]);
}

/// Sends a byte a second; how long the other end listens.
async fn trickle(address: SocketAddr, head: &str, byte: &[u8]) -> (Duration, String) {
    let begun = Instant::now();
    let (mut reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
    writer.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let sending = async {
        loop {
            sleep(Duration::from_secs(1)).await;
            if writer.write_all(byte).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        _ = reader.read_to_end(&mut answer) => {}
        () = sending => {}
        () = sleep(Duration::from_secs(3_600)) => panic!("it listens for ever"),
    }
    (begun.elapsed(), String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test(start_paused = true)]
async fn who_sends_byte_by_byte_has_no_more_time() {
    steady();
    let desk = Desk::new().await;
    let (time, answer) = trickle(desk.address, "GET /login HTTP/1.1\r\nhost: x\r\nx: ", b"y").await;
    assert!(time <= Duration::from_secs(HTTP_HEADER_SECONDS) + SLACK, "{time:?}");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let head = format!("POST /login HTTP/1.1\r\nhost: x\r\n{FORM}content-length: 60000\r\n\r\n");
    let (time, answer) = trickle(desk.address, &head, b"y").await;
    let most = Duration::from_secs(HTTP_REQUEST_SECONDS + HTTP_REST_SECONDS);
    assert!(time <= most + SLACK, "{time:?}");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

/// A web server in between would say 502 if the connection were closed while it still sends.
#[tokio::test(start_paused = true)]
async fn a_refusal_waits_for_the_body_that_it_does_not_need() {
    steady();
    let desk = Desk::new().await;
    let head = format!(
        "POST /login HTTP/1.1\r\nhost: x\r\norigin: http://evil.example\r\n{FORM}content-length: 60000\r\n\
         connection: close\r\n\r\n"
    );
    let mut stream = TcpStream::connect(desk.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let early = timeout(Duration::from_secs(1), stream.read_to_end(&mut answer)).await;
    assert!(early.is_err(), "{}", String::from_utf8_lossy(&answer));
    stream.write_all(&vec![b'x'; 60_000]).await.unwrap();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 403 "));
    // But not for ever, and not for one that waits for a word.
    for (more, seconds) in [("", HTTP_REST_SECONDS), ("expect: 100-continue\r\n", 0)] {
        let begun = Instant::now();
        let head = head.replace("connection", &format!("{more}connection"));
        let answer = exchange(desk.address, head.as_bytes()).await;
        assert!(
            answer.starts_with(b"HTTP/1.1 403 "),
            "{more}: {}",
            String::from_utf8_lossy(&answer)
        );
        let waited = begun.elapsed();
        assert!(
            waited >= Duration::from_secs(seconds)
                && waited <= Duration::from_secs(seconds) + SLACK,
            "{waited:?}"
        );
    }
}

/// Connections that do nothing, all there may be, and one more that asks: when it is answered.
async fn crowd(desk: &Desk, request: &[u8]) -> (Duration, Vec<u8>) {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let wanted = u64::try_from(HTTP_CONNECTIONS).unwrap() * 2 + 512;
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(wanted.min(hard)), hard).unwrap();
    let begun = Instant::now();
    let mut idle = Vec::new();
    for _ in 0..HTTP_CONNECTIONS {
        idle.push(TcpStream::connect(desk.address).await.unwrap());
    }
    let answer = exchange(desk.address, request).await;
    drop(idle);
    (begun.elapsed(), answer)
}

#[tokio::test(start_paused = true)]
async fn one_more_than_there_are_places_waits() {
    steady();
    let desk = Desk::new().await;
    let (time, answer) = crowd(&desk, HIDDEN.as_bytes()).await;
    assert!(answer.starts_with(b"HTTP/1.1 200 "));
    assert!(time >= Duration::from_secs(HTTP_HEADER_SECONDS), "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn a_handshake_takes_a_place_and_has_a_limit() {
    steady();
    let desk = Desk::with(Options { tls: true, https: true, ..Options::default() }).await;
    // The beginning of a TLS record, and no more.
    let (time, answer) = trickle(desk.address, "\u{16}\u{3}\u{1}", b"\0").await;
    assert!(time <= Duration::from_secs(TLS_HANDSHAKE_SECONDS) + SLACK, "{time:?}");
    assert!(!answer.starts_with("HTTP"), "{answer}");
    let (time, answer) = crowd(&desk, b"plain nonsense\r\n").await;
    assert!(!answer.starts_with(b"HTTP"));
    assert!(time >= Duration::from_secs(TLS_HANDSHAKE_SECONDS), "{time:?}");
}

/// The head of a form is sent, everything ends, then comes the body.
async fn held_back(desk: &Desk, bob: &Browser, path: &str, body: &str) -> String {
    let request = bob.request("POST", path, Some(body));
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut stream = TcpStream::connect(desk.address).await.unwrap();
    stream.write_all(format!("{head}\r\n\r\n").as_bytes()).await.unwrap();
    // Time for the head to be read and looked at.
    sleep(Duration::from_millis(300)).await;
    desk.admin.handle(Request::SignInsEnd { mailbox: BOB.into() }, "uid=0").await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_form_that_is_held_back_does_not_outlive_its_session() {
    for (page, path, fields) in [
        ("app-passwords/new", "app-passwords/new", "name=x&imap=yes"),
        ("sign-ins", "sign-ins/end-all", ""),
    ] {
        let desk = Desk::new().await;
        let mut bob = desk.bob().await;
        let token = bob.get(page).await.token();
        let answer = held_back(&desk, &bob, path, &format!("form={token}&{fields}")).await;
        let new = answer.lines().any(|line| {
            line.starts_with("set-cookie: mail2fa=") && !line.starts_with("set-cookie: mail2fa=;")
        });
        assert!(!new, "{path}: {answer}");
        let list = Request::AppPasswordList { mailbox: BOB.into() };
        let listed = desk.admin.handle(list, "t").await;
        let made = matches!(
            listed, Ok(Response::AppPasswords { app_passwords, .. }) if !app_passwords.is_empty()
        );
        assert!(!made, "{path}: an app password was made: {answer}");
        assert_ne!(bob.get("").await.status, 200, "{path}");
    }
}
