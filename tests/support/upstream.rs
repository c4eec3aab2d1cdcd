//! A Dovecot auth made of a script: it keeps every line it receives, and says what it is told to.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::Notify,
    task::JoinHandle,
    time::timeout,
};

use super::{ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, PATIENCE};

/// What Dovecot 2.3 says after the client's VERSION and CPID.
pub const GREETING_23: &str = "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\n\
    MECH\tCRAM-MD5\tdictionary\tactive\nMECH\tEXTERNAL\nSPID\t4242\nCUID\t77\n\
    COOKIE\t00112233445566778899aabbccddeeff\nDONE\n";
/// The same of Dovecot 2.4.
pub const GREETING_24: &str = "VERSION\t1\t4\nMECH\tPLAIN\tplaintext\nMECH\tEXTERNAL\n\
    MECH\tDOVECOT-TOKEN\tprivate\nMECH\tLOGIN\tplaintext\nSPID\t4242\nCUID\t77\n\
    COOKIE\t00112233445566778899aabbccddeeff\nDONE\n";

/// What a script does with a line.
#[derive(Clone, Debug)]
pub enum Act {
    Say(String),
    Close,
}

/// A line that came, cut at its TABs.
#[derive(Clone, Debug)]
pub struct Line {
    /// On which connection, from 0.
    pub connection: usize,
    pub words: Vec<String>,
}

impl Line {
    pub fn verb(&self) -> &str {
        &self.words[0]
    }

    pub fn id(&self) -> &str {
        &self.words[1]
    }

    pub fn text(&self) -> String {
        self.words.join("\t")
    }

    /// The PLAIN message of an AUTH: name and password.
    pub fn credentials(&self) -> (String, String) {
        let response = self.words.last().and_then(|word| word.strip_prefix("resp=")).unwrap();
        let message = String::from_utf8(STANDARD.decode(response).unwrap()).unwrap();
        let parts: Vec<&str> = message.split('\0').collect();
        (parts[1].to_owned(), parts[2].to_owned())
    }
}

type Script = Arc<dyn Fn(&Line) -> Vec<Act> + Send + Sync>;

struct State {
    greeting: String,
    script: Script,
    lines: Vec<Line>,
    connections: usize,
    open: usize,
    forgetful: bool,
}

struct Shared {
    state: Mutex<State>,
    changed: Notify,
    nudge: Notify,
}

/// The upstream; it ends when it is dropped.
pub struct Upstream {
    path: PathBuf,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Upstream {
    /// Knows Alice and Bob, and speaks 2.3.
    pub fn start(path: &Path) -> Self {
        let state = State {
            greeting: GREETING_23.into(),
            script: Arc::new(passwords),
            lines: Vec::new(),
            connections: 0,
            open: 0,
            forgetful: false,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Notify::new(),
            nudge: Notify::new(),
        });
        let task = listen(path, &shared);
        Self { path: path.into(), shared, task }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says to new connections.
    pub fn greet(&self, greeting: impl Into<String>) {
        self.shared.state.lock().unwrap().greeting = greeting.into();
    }

    /// What it does from now on.
    pub fn script(&self, script: impl Fn(&Line) -> Vec<Act> + Send + Sync + 'static) {
        self.shared.state.lock().unwrap().script = Arc::new(script);
    }

    /// Answers every AUTH like this; `#` stands for its id.
    pub fn answer(&self, answer: &'static str) {
        self.script(move |line| match line.verb() {
            "AUTH" => vec![Act::Say(answer.replace('#', line.id()))],
            _ => vec![],
        });
    }

    /// Takes everything and says nothing more.
    pub fn silent(&self) {
        self.script(|_| vec![]);
    }

    /// Takes everything, says nothing and keeps nothing, for tests that look at the memory.
    pub fn forgetful(&self) {
        self.silent();
        self.keep_nothing();
    }

    /// Keeps no more lines.
    pub fn keep_nothing(&self) {
        self.shared.state.lock().unwrap().forgetful = true;
    }

    /// Runs the script with the line NUDGE on each connection, as if a peer had said it.
    pub fn nudge(&self) {
        self.shared.nudge.notify_waiters();
    }

    /// Ends every connection and stops listening.
    pub async fn stop(&mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
        std::fs::remove_file(&self.path).unwrap();
    }

    pub fn start_again(&mut self) {
        self.task = listen(&self.path, &self.shared);
    }

    /// All lines, the handshakes included.
    pub fn lines(&self) -> Vec<Line> {
        self.shared.state.lock().unwrap().lines.clone()
    }

    /// The lines of one verb, whole.
    pub fn said(&self, verb: &str) -> Vec<String> {
        self.lines().iter().filter(|line| line.verb() == verb).map(Line::text).collect()
    }

    /// Waits until that many lines of this verb have come.
    pub async fn wait(&self, verb: &str, count: usize) -> Vec<String> {
        self.until(|_| self.said(verb).len() >= count).await;
        self.said(verb)
    }

    /// Waits until that many connections are open.
    pub async fn wait_open(&self, open: usize) {
        self.until(|state| state.0 == open).await;
    }

    pub fn connections(&self) -> usize {
        self.shared.state.lock().unwrap().connections
    }

    async fn until(&self, done: impl Fn((usize, usize)) -> bool) {
        let wait = async {
            loop {
                let changed = self.shared.changed.notified();
                let counts = {
                    let state = self.shared.state.lock().unwrap();
                    (state.open, state.connections)
                };
                if done(counts) {
                    return;
                }
                changed.await;
            }
        };
        let waited = timeout(PATIENCE, wait).await;
        assert!(waited.is_ok(), "the upstream only got {:#?}", self.lines());
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The script that checks passwords.
pub fn passwords(line: &Line) -> Vec<Act> {
    if line.verb() != "AUTH" {
        return vec![];
    }
    let (name, password) = line.credentials();
    let known = [(ALICE, ALICE_PASSWORD), (BOB, BOB_PASSWORD)];
    let verb = if known.contains(&(&name, &password)) { "OK" } else { "FAIL" };
    vec![Act::Say(format!("{verb}\t{}\tuser={name}\n", line.id()))]
}

/// The script that believes a vouch.
pub fn believes(line: &Line) -> Vec<Act> {
    match line.verb() {
        "AUTH" => {
            let name = line.words.iter().find_map(|word| word.strip_prefix("cert_username="));
            let (id, name) = (line.id(), name.unwrap_or_default());
            let secret = super::VOUCH_SECRET;
            vec![Act::Say(format!(
                "OK\t{id}\tuser={name}\tforward_vouch={secret}\toriginal_user=\tuserdb_quota=1G\n"
            ))]
        }
        _ => vec![],
    }
}

fn listen(path: &Path, shared: &Arc<Shared>) -> JoinHandle<()> {
    let listener = UnixListener::bind(path).unwrap();
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        // Connections end with the listener.
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(connection(stream, Arc::clone(&shared)));
        }
    })
}

/// Counts an open connection.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.state.lock().unwrap().open -= 1;
        self.0.changed.notify_waiters();
    }
}

async fn connection(stream: UnixStream, shared: Arc<Shared>) {
    let (number, greeting) = {
        let mut state = shared.state.lock().unwrap();
        state.connections += 1;
        state.open += 1;
        (state.connections - 1, state.greeting.clone())
    };
    shared.changed.notify_waiters();
    let _open = Open(Arc::clone(&shared));
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    if write.write_all(greeting.as_bytes()).await.is_err() {
        return;
    }
    let mut text = Vec::new();
    loop {
        let line = tokio::select! {
            read = read.read_until(b'\n', &mut text) => {
                if !matches!(read, Ok(count) if count > 0) {
                    return;
                }
                let line = String::from_utf8_lossy(&text).into_owned();
                text.clear();
                line
            }
            () = shared.nudge.notified() => "NUDGE".into(),
        };
        let words = line.trim_end_matches('\n').split('\t').map(str::to_owned).collect();
        let line = Line { connection: number, words };
        let script = {
            let mut state = shared.state.lock().unwrap();
            if !state.forgetful {
                state.lines.push(line.clone());
            }
            Arc::clone(&state.script)
        };
        shared.changed.notify_waiters();
        for act in script(&line) {
            match act {
                Act::Say(text) if write.write_all(text.as_bytes()).await.is_ok() => {}
                Act::Say(_) | Act::Close => return,
            }
        }
    }
}
