//! A panel on a real socket with a store in memory behind it, and browsers that look at it.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use mail2fa::{
    audit::Everyone,
    decision::{
        enforcement::EnforcementPolicy,
        flow::{self, Policy},
        mechanisms::Mechanisms,
        names::NameRules,
        panel::PanelPolicy,
        retention::TrailPolicy,
        session::SessionPolicy,
        throttle::ThrottlePolicy,
    },
    http::{Identity, Listener, Server, Tls},
    net::client,
    service::{
        admin::Admin,
        authenticate::Authenticator,
        owner::{Owner, Parts},
        trail::Recorder,
    },
    store::{MemoryEngine, SealedStore},
    web::{self, Languages, Panel, Settings},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    certificates::Authority,
    support::{
        ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, CountingRng, FakeClock, NOW, code,
        stand::{Comparing, store},
        watched::{Watched, assert_no_secrets, traced},
    },
};

/// What differs between tests.
pub struct Options {
    pub base: &'static str,
    pub https: bool,
    /// TLS of its own.
    pub tls: bool,
    pub proxies: Vec<&'static str>,
    pub throttle: Option<ThrottlePolicy>,
    pub delay: Duration,
    pub enforcement: EnforcementPolicy,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            base: "/",
            https: false,
            tls: false,
            proxies: Vec::new(),
            throttle: None,
            delay: Duration::ZERO,
            enforcement: EnforcementPolicy::default(),
        }
    }
}

/// The panel and all that belongs to it.
pub struct Desk {
    pub clock: Arc<FakeClock>,
    pub log: Arc<Watched>,
    pub trail: Arc<Recorder>,
    pub store: SealedStore<MemoryEngine>,
    pub admin: Arc<Admin>,
    pub authenticator: Arc<Authenticator>,
    pub address: SocketAddr,
    base: &'static str,
    stopping: CancellationToken,
}

impl Desk {
    pub async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        let (clock, log, store) = (FakeClock::new(), Watched::new(), store(true).await);
        let key = store.credential_key();
        let policy = Policy {
            names: NameRules::default(),
            passwords: flow::Passwords::Stored,
            sessions: SessionPolicy::default(),
            key: key.clone(),
            throttle: options.throttle,
            enforcement: options.enforcement.clone(),
            mechanisms: Mechanisms::default(),
            webmail: mail2fa::decision::webmail::WebmailRules::new(),
        };
        let port = Arc::new(store.clone());
        let trail = Arc::new(Recorder::new(
            port.clone(),
            port.clone(),
            clock.clone(),
            TrailPolicy::default(),
        ));
        let logs = Arc::new(Everyone(vec![log.clone(), trail.clone()]));
        let authenticator = Arc::new(Authenticator::new(port.clone(), clock.clone(), logs, policy));
        let admin = Arc::new(Admin {
            store: port,
            hasher: Some(Arc::new(Comparing::default())),
            clock: clock.clone(),
            key,
            rng: Arc::new(CountingRng::default()),
            names: NameRules::default(),
            issuer: "Mail".into(),
            trail: Arc::clone(&trail),
            panel: None,
            notifier: Arc::new(mail2fa::ports::notice::Silent),
            enforcement: options.enforcement,
        });
        let parts = Parts {
            admin: Arc::clone(&admin),
            passwords: Arc::new(client::Passwords::Stored(Arc::new(Comparing::default()))),
            policy: PanelPolicy::default(),
            refusal_delay: options.delay,
        };
        let owner = Arc::new(Owner::new(Arc::clone(&authenticator), parts));
        let networks = options
            .proxies
            .iter()
            .map(|text| mail2fa::decision::place::Network::parse(text).unwrap());
        let settings = Settings {
            base: options.base.into(),
            https: options.https,
            proxies: networks.collect(),
            name: "Example <Hosting>".into(),
            logo: None,
            accent: None,
            accent_dark: None,
        };
        let languages = Arc::new(Languages::built_in().unwrap());
        let pages = web::pages(Panel { owner, settings: Arc::new(settings), languages });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = CancellationToken::new();
        let mut server = Server::new("panel", pages, stopping.clone(), TaskTracker::new());
        if options.tls {
            let folder = tempfile::tempdir().unwrap();
            let files = Authority::new(folder.path()).sign("panel", "ed25519");
            server =
                server.with_tls(Tls::new(Identity::read(&files.certificate, &files.key).unwrap()));
        }
        tokio::spawn(server.serve(Listener::Tcp(listener)));
        Self {
            clock,
            log,
            trail,
            store,
            admin,
            authenticator,
            address,
            base: options.base,
            stopping,
        }
    }

    pub fn browser(&self) -> Browser {
        Browser {
            address: self.address,
            base: self.base,
            cookies: BTreeMap::new(),
            headers: Vec::new(),
            page: Page::default(),
        }
    }

    /// Alice, who has given her password and the code of this step.
    pub async fn alice(&self, steps: i64) -> Browser {
        let mut browser = self.browser();
        browser.post("login", &[("name", ALICE), ("password", ALICE_PASSWORD)]).await;
        assert_eq!(browser.page.to(), Some("login/code"), "{:?}", browser.page);
        browser.post("login/code", &[("code", &code(steps))]).await;
        assert_eq!(browser.page.to(), Some(""), "{:?}", browser.page);
        browser.get("").await;
        browser
    }

    /// Bob, who needs none.
    pub async fn bob(&self) -> Browser {
        let mut browser = self.browser();
        browser.post("login", &[("name", BOB), ("password", BOB_PASSWORD)]).await;
        assert_eq!(browser.page.to(), Some(""), "{:?}", browser.page);
        browser.get("").await;
        browser
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.stopping.cancel();
        if !std::thread::panicking() {
            assert_no_secrets();
        }
    }
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    base: &'static str,
}

impl Page {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Where it leads, below the panel's path: with 303, so that the browser asks by GET.
    pub fn to(&self) -> Option<&str> {
        let location = self.header("location")?;
        assert_eq!(self.status, 303, "{location}");
        Some(location.strip_prefix(self.base).expect("a path of the panel's own"))
    }

    /// What stands between two marks.
    pub fn between(&self, before: &str, after: &str) -> &str {
        let (_, rest) =
            self.body.split_once(before).unwrap_or_else(|| panic!("no {before}: {self:?}"));
        rest.split_once(after).unwrap().0
    }

    /// All that stands between two marks.
    pub fn all(&self, before: &str, after: &str) -> Vec<String> {
        let parts = self.body.split(before).skip(1);
        parts.map(|part| part.split_once(after).unwrap().0.to_owned()).collect()
    }

    pub fn says(&self, text: &str) -> bool {
        self.body.contains(text)
    }

    /// Without what differs by nature: the token, and the seconds that are left.
    pub fn token(&self) -> String {
        self.between("name=\"form\" value=\"", "\"").to_owned()
    }
}

/// A browser without scripts.
#[derive(Clone)]
pub struct Browser {
    address: SocketAddr,
    base: &'static str,
    pub cookies: BTreeMap<String, String>,
    /// Sent with each request.
    pub headers: Vec<(String, String)>,
    pub page: Page,
}

impl Browser {
    pub async fn get(&mut self, path: &str) -> &Page {
        self.send("GET", path, None).await
    }

    /// Sends a form without a token.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> &Page {
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
        self.send("POST", path, Some(&body.join("&"))).await
    }

    /// Sends a form of the page that is open, with its token, and follows where it leads.
    pub async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> &Page {
        let token = self.page.token();
        let with_token = [&[("form", token.as_str())], fields].concat();
        self.post(path, &with_token).await;
        self.follow().await
    }

    /// Goes where the answer leads.
    pub async fn follow(&mut self) -> &Page {
        if let Some(to) = self.page.to().map(str::to_owned) {
            self.get(&to).await;
        }
        &self.page
    }

    /// The bytes of a request.
    pub fn request(&self, method: &str, path: &str, body: Option<&str>) -> String {
        let mut head =
            vec![format!("{method} {}{path} HTTP/1.1", self.base), "connection: close".to_owned()];
        if !self.headers.iter().any(|(name, _)| name == "host") {
            head.push(format!("host: {}", self.address));
        }
        for (name, value) in &self.headers {
            head.push(format!("{name}: {value}"));
        }
        if !self.cookies.is_empty() {
            let pairs: Vec<_> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
            head.push(format!("cookie: {}", pairs.join("; ")));
        }
        if let Some(body) = body {
            head.push("content-type: application/x-www-form-urlencoded".into());
            head.push(format!("content-length: {}", body.len()));
        }
        format!("{}\r\n\r\n{}", head.join("\r\n"), body.unwrap_or_default())
    }

    pub async fn send(&mut self, method: &str, path: &str, body: Option<&str>) -> &Page {
        let request = self.request(method, path, body);
        let answer = exchange(self.address, request.as_bytes()).await;
        self.page = read(&answer, self.base);
        for (name, value) in &self.page.headers {
            if name == "set-cookie" {
                let pair = value.split(';').next().unwrap();
                let (name, content) = pair.split_once('=').unwrap();
                if content.is_empty() {
                    self.cookies.remove(name);
                } else {
                    self.cookies.insert(name.into(), content.into());
                }
            }
        }
        &self.page
    }
}

/// Lets the paused clock go on in small steps, with real time between them. By itself it goes on to whatever is due
/// next, however far off, when nobody has anything to do, which is also so while bytes are on their way to a TCP
/// socket: a guard would end a test whose answer comes, and a limit a connection that has sent all.
pub fn steady() {
    tokio::spawn(async {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            // The clock stands while this runs, and sockets are looked at.
            let real = || std::thread::sleep(std::time::Duration::from_millis(1));
            let _ = tokio::task::spawn_blocking(real).await;
        }
    });
}

/// Sends bytes and reads until the other end closes.
pub async fn exchange(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // Who refuses a body does not read it to its end.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

fn read(answer: &[u8], base: &'static str) -> Page {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text:?}"));
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Page { status, headers, body: body.to_owned(), base }
}

fn percent(value: &str) -> String {
    value.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat()
}

/// The code of a secret as a page shows it, so many steps from the desk's first moment.
pub fn code_of(secret: &str, steps: i64) -> String {
    let plain: String = secret.split_whitespace().collect();
    let bytes = base32::decode(base32::Alphabet::Rfc4648 { padding: false }, &plain).unwrap();
    let seconds = NOW.seconds().checked_add_signed(steps * 30).unwrap();
    let totp = totp_rs::Builder::new()
        .with_secret(totp_rs::Secret::new(bytes.into()))
        .with_step_duration(30)
        .with_skew(0)
        .with_digits(6)
        .build_noncompliant();
    totp.generate(seconds).to_string()
}

/// Fails when this was traced.
pub fn assert_untold(secret: &str) {
    assert!(secret.len() >= 6);
    assert!(!traced().contains(secret), "{secret} was logged");
}
