//! The control socket, from both ends, over a real store.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::PathBuf,
    sync::Arc,
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use mail2fa::{
    api::{self, client},
    base::{Current, Rng, UnixMillis},
    decision::{enforcement::EnforcementPolicy, names::NameRules, retention::TrailPolicy},
    ports::notice::Silent,
    runtime::{
        ambient::{SystemClock, SystemRng},
        api::Service,
    },
    service::{
        admin::{Admin, AdminError, Request, Response},
        trail::Recorder,
    },
    store::{Keyring, MemoryEngine, SealedStore},
};

struct Daemon {
    _directory: tempfile::TempDir,
    path: PathBuf,
    stopping: CancellationToken,
    tasks: TaskTracker,
    parts: Arc<Current<api::Parts>>,
}

async fn parts(issuer: &str) -> api::Parts {
    api::Parts {
        admin: admin(issuer).await,
        webmail: None,
        refusal_delay: std::time::Duration::ZERO,
    }
}

async fn admin(issuer: &str) -> Arc<Admin> {
    let rng: Arc<dyn Rng> = Arc::new(SystemRng);
    let keys = Keyring::generate(&*rng).unwrap();
    let store =
        SealedStore::format(MemoryEngine::new(), &keys, Arc::clone(&rng), UnixMillis::default());
    let store = store.await.unwrap();
    let store = Arc::new(store);
    let clock = Arc::new(SystemClock);
    let policy = TrailPolicy::default();
    let trail = Recorder::new(store.clone(), store.clone(), clock.clone(), policy);
    Arc::new(Admin {
        key: store.credential_key(),
        store,
        hasher: None,
        clock,
        rng,
        names: NameRules::default(),
        issuer: issuer.into(),
        panel: None,
        notifier: Arc::new(Silent),
        trail: Arc::new(trail),
        enforcement: EnforcementPolicy::default(),
    })
}

async fn daemon() -> Daemon {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("control");
    let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
    let parts = Arc::new(Current::new(parts("Mail").await));
    let service =
        Service { parts: parts.clone(), tasks: tasks.clone(), stopping: stopping.clone() };
    service.control(&path).unwrap();
    Daemon { _directory: directory, path, stopping, tasks, parts }
}

impl Daemon {
    async fn ask(&self, request: Request) -> Result<Response, client::ClientError> {
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || client::ask(&path, &request)).await.unwrap()
    }

    /// What is answered to raw bytes.
    async fn raw(&self, bytes: &'static [u8]) -> String {
        let path = self.path.clone();
        let exchange = move || {
            let mut stream = UnixStream::connect(path).unwrap();
            // The daemon may answer and close before it has read everything.
            let _ = stream.write_all(bytes);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let mut answer = String::new();
            let _ = BufReader::new(stream).read_to_string(&mut answer);
            answer
        };
        tokio::task::spawn_blocking(exchange).await.unwrap()
    }

    async fn stop(self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn enable() -> Request {
    Request::TotpEnable { mailbox: "alice".into() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_done_by_the_daemon() {
    let daemon = daemon().await;
    let Ok(Response::Enrolment(enrolment)) = daemon.ask(enable()).await else {
        panic!("an enrolment");
    };
    assert_eq!(enrolment.secret.expose().len(), 32);
    let error = daemon.ask(Request::MailboxShow { mailbox: "bob".into() }).await.unwrap_err();
    let expected = AdminError::NoRecord { mailbox: "bob".into() };
    assert!(matches!(error, client::ClientError::Admin(found) if found == expected));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_replaces_what_serves() {
    let daemon = daemon().await;
    daemon.parts.set(parts("Other").await);
    let Ok(Response::Enrolment(enrolment)) = daemon.ask(enable()).await else {
        panic!("an enrolment");
    };
    assert!(enrolment.otpauth_uri.expose().contains("issuer=Other"));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_is_answered_and_nothing_stops() {
    let daemon = daemon().await;
    let long = format!(
        "PUT /v1/mailboxes/alice/password HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: 2000000\r\n\r\n{}",
        "x".repeat(2_000_000)
    );
    let table: [(&'static [u8], &str); 7] = [
        (b"", ""),
        (b"\r\n", ""),
        (b"hunter2\r\n\r\n", "400 Bad Request"),
        (b"GET /hunter2 HTTP/1.1\r\nhost: x\r\n\r\n", "of another version?"),
        (b"GET /v2/mailboxes HTTP/1.1\r\nhost: x\r\n\r\n", "of another version?"),
        (b"GET /v1/mailboxes?hunter2=1 HTTP/1.1\r\nhost: x\r\n\r\n", "urn:mail2fa:bad-query"),
        (long.leak().as_bytes(), "urn:mail2fa:too-large"),
    ];
    for (bytes, expected) in table {
        let answer = daemon.raw(bytes).await;
        assert!(answer.contains(expected), "{expected:?} in {answer:?}");
        assert!(!answer.contains("hunter2"), "{answer}");
    }
    daemon.ask(enable()).await.unwrap();
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_socket_is_for_its_owner_only() {
    let daemon = daemon().await;
    let mode = std::fs::metadata(&daemon.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_peer_does_not_hold_up_the_end() {
    let daemon = daemon().await;
    let mut silent = UnixStream::connect(&daemon.path).unwrap();
    daemon.ask(enable()).await.unwrap();
    daemon.stop().await;
    assert_eq!(silent.read(&mut [0; 8]).unwrap_or(0), 0, "closed");
}

#[test]
fn without_a_daemon_nobody_is_asked() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("control");
    let no_daemon =
        |path| matches!(client::ask(path, &enable()), Err(client::ClientError::NoDaemon(_)));
    assert!(no_daemon(&path));
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(no_daemon(&path), "a socket that was left behind");
}

#[test]
fn a_daemon_that_goes_away_leaves_the_outcome_open() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("control");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        BufReader::new(stream).read_line(&mut String::new()).unwrap();
    });
    let error = client::ask(&path, &enable()).unwrap_err();
    server.join().unwrap();
    assert!(matches!(error, client::ClientError::Lost(_)), "{error}");
    assert!(error.to_string().contains("look whether it happened"));
}
