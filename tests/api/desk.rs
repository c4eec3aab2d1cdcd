//! An API on a real socket with a store in memory behind it, and a client.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use mail2fa::{
    api,
    base::{Current, Service as Service_},
    config::{Listen, PlaceConfig},
    decision::{
        enforcement::EnforcementPolicy,
        flow::{Passwords, Policy},
        mechanisms::Mechanisms,
        names::NameRules,
        place::Network,
        retention::TrailPolicy,
        session::SessionPolicy,
        webmail::{WebmailRule, WebmailRules},
    },
    net::client,
    runtime::api::Service,
    service::{
        admin::{self, Admin, AdminError, NewToken},
        authenticate::Authenticator,
        trail::Recorder,
        webmail::{Parts, Webmail},
    },
};
use serde_json::Value;
use tokio::net::UnixStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::support::{
    CountingRng, FakeClock,
    stand::{Comparing, store},
    watched::{Watched, traced},
};
use crate::{
    declared,
    faults::{Fault, Faulty},
};

/// How long refused exchanges are held back.
pub const DELAY: Duration = Duration::from_millis(200);

fn rule() -> WebmailRule {
    WebmailRule {
        token: None,
        services: vec![Service_::Imap],
        networks: vec![Network::parse("127.0.0.1").unwrap()],
        from_browser: false,
        idle_seconds: 600,
        absolute_seconds: 3_600,
    }
}

/// What differs between tests.
#[derive(Default)]
pub struct Choice {
    pub dovecots_passwords: bool,
    pub no_webmail: bool,
    pub enforcement: EnforcementPolicy,
}

/// The API and all that belongs to it.
pub struct Desk {
    pub clock: Arc<FakeClock>,
    pub admin: Arc<Admin>,
    pub authenticator: Arc<Authenticator>,
    pub log: Arc<Watched>,
    faulty: Arc<Faulty>,
    seen: Mutex<BTreeSet<(String, String)>>,
    path: PathBuf,
    control: PathBuf,
    _directory: tempfile::TempDir,
    stopping: CancellationToken,
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// Its body.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// The body of what was done.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        assert_eq!(self.headers["content-type"], "application/json");
        assert_eq!(self.headers["cache-control"], "no-store");
        self.json()
    }

    /// That it is this problem.
    #[track_caller]
    pub fn fails(&self, status: u16, word: &str) {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["type"], format!("urn:mail2fa:{word}"), "{self:?}");
        assert_eq!(problem["status"], status);
        assert!(problem["title"].is_string() && problem["detail"].is_string());
    }
}

impl Desk {
    pub async fn new() -> Self {
        Self::with(Choice::default()).await
    }

    pub async fn with(choice: Choice) -> Self {
        let _ = traced();
        let (clock, store) = (FakeClock::new(), store(true).await);
        let port = Arc::new(store.clone());
        let policy = TrailPolicy::default();
        let trail = Recorder::new(port.clone(), port.clone(), clock.clone(), policy);
        let faulty = Arc::new(Faulty { store: port, fault: Mutex::default() });
        let hasher = (!choice.dovecots_passwords).then(|| Arc::new(Comparing::default()) as _);
        let admin = Arc::new(Admin {
            key: store.credential_key(),
            store: faulty.clone(),
            hasher,
            clock: clock.clone(),
            rng: Arc::new(CountingRng::default()),
            names: NameRules::default(),
            issuer: "Mail".into(),
            trail: Arc::new(trail),
            notifier: Arc::new(mail2fa::ports::notice::Silent),
            enforcement: choice.enforcement,
        });
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("api");
        let stopping = CancellationToken::new();
        let policy = Policy {
            names: NameRules::default(),
            passwords: Passwords::Stored,
            sessions: SessionPolicy::default(),
            key: store.credential_key(),
            throttle: None,
            enforcement: EnforcementPolicy::default(),
            mechanisms: Mechanisms::default(),
            webmail: WebmailRules::from([
                ("roundcube".to_owned(), rule()),
                ("named".to_owned(), WebmailRule { token: Some("named-key".to_owned()), ..rule() }),
            ]),
        };
        let log = Watched::new();
        let port = Arc::new(store.clone());
        let authenticator = Arc::new(Authenticator::new(port, clock.clone(), log.clone(), policy));
        let passwords = Arc::new(client::Passwords::Stored(Arc::new(Comparing::default())));
        let parts = Parts { admin: Arc::clone(&admin), passwords };
        let webmail = Webmail::new(Arc::clone(&authenticator), parts);
        let service = Service {
            parts: Arc::new(Current::new(api::Parts {
                admin: Arc::clone(&admin),
                webmail: (!choice.no_webmail).then(|| Arc::new(webmail)),
                refusal_delay: DELAY,
            })),
            tasks: TaskTracker::new(),
            stopping: stopping.clone(),
        };
        let listen = Listen::Unix(path.clone());
        let config = PlaceConfig { listen, tls: None, behind_proxy: false };
        service.tokens(&config, None).await.unwrap();
        let control = directory.path().join("control");
        service.control(&control).unwrap();
        Self {
            clock,
            admin,
            authenticator,
            log,
            faulty,
            seen: Mutex::default(),
            path,
            control,
            _directory: directory,
            stopping,
        }
    }

    /// A new token.
    pub async fn token(&self, scopes: &[&str], domains: &[&str]) -> String {
        let name = format!("t{}", fresh());
        self.named(&name, scopes, domains, None).await.unwrap()
    }

    pub async fn named(
        &self,
        name: &str,
        scopes: &[&str],
        domains: &[&str],
        expires: Option<u64>,
    ) -> Result<String, AdminError> {
        let texts = |all: &[&str]| all.iter().map(|each| (*each).to_owned()).collect();
        let wanted =
            NewToken { name: name.into(), scopes: texts(scopes), domains: texts(domains), expires };
        match self.admin.handle(admin::Request::TokenAdd { wanted }, "uid=0").await? {
            admin::Response::TokenAdded { token, .. } => Ok(token.expose().to_owned()),
            other => panic!("{other:?}"),
        }
    }

    /// Asks with a token and a body.
    pub async fn ask(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("authorization", format!("Bearer {token}"));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.send(request.body(Full::new(Bytes::from(body))).unwrap()).await
    }

    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.ask(token, Method::GET.as_str(), path, None).await
    }

    /// Asks over the control socket.
    pub async fn control(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/json");
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.exchange(&self.control, request.body(Full::new(body.into())).unwrap()).await
    }

    /// The socket of those who bring a token.
    pub fn socket(&self) -> &Path {
        &self.path
    }

    /// Asks anything.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        self.exchange(&self.path, request).await
    }

    /// What the store does from now on.
    pub fn fails_by(&self, fault: Fault) {
        *self.faulty.fault.lock().unwrap() = fault;
    }

    /// The problems that were answered, by operation.
    pub fn seen(&self) -> BTreeSet<(String, String)> {
        self.seen.lock().unwrap().clone()
    }

    /// Asks, and looks whether the document knows the answer.
    async fn exchange(&self, socket: &Path, mut request: Request<Full<Bytes>>) -> Answer {
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        request.headers_mut().insert("host", "x".parse().unwrap());
        let stream = UnixStream::connect(socket).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let response = sender.send_request(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        connection.abort();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        if let Some((id, word)) = declared::check(&method, &path, parts.status.as_u16(), &text) {
            self.seen.lock().unwrap().insert((id.to_owned(), word));
        }
        Answer { status: parts.status, headers: parts.headers, text }
    }
}

fn fresh() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
