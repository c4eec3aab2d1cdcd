//! How long the server takes for each page of the User Panel, and what a page weighs.
//!
//!     cargo bench --bench pages [-- --disk DIR]
//!
//! The daemon is a process of its own with its store on disk; pages are fetched one after the other over
//! one connection, so a time is that of the whole answer on loopback. Password hashing is in no page that is
//! measured: one logs in first. What the figures mean stands in docs/performance.md.

mod http;

use std::{
    fmt::Write as _,
    io::Write as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use mail2fa::runtime::compose;

use self::http::Browser;

/// Times that each page is fetched.
const ROUNDS: usize = 1_000;

const MAILBOX: &str = "alice@example.org";
const PASSWORD: &str = "T9D3K!px";

/// App passwords of the mailbox; each of them is also an event of its recent activity.
const APP_PASSWORDS: usize = 20;

/// The pages of somebody who has a second factor, in the order of the menu.
const PAGES: [&str; 13] = [
    "",
    "factor/disable",
    "phone",
    "phone/scan",
    "app-passwords",
    "app-passwords/new",
    "sign-ins",
    "recovery-codes",
    "recovery-codes/new",
    "activity",
    "nothing-here",
    "panel.css",
    "panel.js",
];

fn main() -> Result<()> {
    let disk = disk()?;
    let folder = tempfile::tempdir_in(&disk)?;
    let daemon = Daemon::start(folder.path())?;
    let mut browser = Browser::new(daemon.port);
    let mut table = format!(
        "{ROUNDS} times each, one after the other; weights in bytes\n\
         {:<28}{:>9}{:>9}{:>9}{:>9}\n",
        "page", "p50 ms", "p99 ms", "max ms", "weight"
    );
    measure(&mut table, &mut browser, "login", "login")?;
    daemon.enrol()?;
    log_in(&mut browser, &daemon)?;
    browser.submit("phone/begin", "")?;
    for page in PAGES {
        let name = if page.is_empty() { "2-Factor Auth" } else { page };
        measure(&mut table, &mut browser, page, name)?;
    }
    print!("{table}");
    Ok(())
}

/// Where the store lies: `--disk`, or the folder for temporary files.
fn disk() -> Result<PathBuf> {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.as_slice() {
        [] => Ok(std::env::temp_dir()),
        [flag, folder] if flag == "--disk" => Ok(folder.into()),
        _ => bail!("usage: cargo bench --bench pages -- [--disk DIR]"),
    }
}

fn measure(table: &mut String, browser: &mut Browser, path: &str, name: &str) -> Result<()> {
    let mut times = Vec::with_capacity(ROUNDS);
    let mut weight = 0;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let page = browser.get(path)?;
        times.push(start.elapsed());
        ensure!(matches!(page.status, 200 | 404), "{path}: {}", page.status);
        weight = page.body.len();
    }
    times.sort_unstable();
    let at = |part: usize| {
        let time = times.get((times.len() - 1) * part / 100).copied().unwrap_or_default();
        time.as_secs_f64() * 1_000.0
    };
    writeln!(table, "{name:<28}{:>9.3}{:>9.3}{:>9.3}{weight:>9}", at(50), at(99), at(100))?;
    Ok(())
}

fn log_in(browser: &mut Browser, daemon: &Daemon) -> Result<()> {
    browser.post("login", &format!("name={MAILBOX}&password={}", "T9D3K%21px"))?;
    // The code of the enrolment is used: the one of the next step counts as well.
    browser.post("login/code", &format!("code={}", daemon.code(1)?))?;
    let page = browser.get("")?;
    ensure!(page.status == 200, "not logged in: {}", page.status);
    Ok(())
}

/// mail2fa with a panel. Dropping it ends it.
struct Daemon {
    child: Child,
    config: PathBuf,
    port: u16,
    secret: std::cell::OnceCell<String>,
}

impl Daemon {
    fn start(root: &Path) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = root.join("mail2fa.toml");
        let at = root.display();
        std::fs::write(
            &config,
            format!(
                "[store]\ndirectory = \"{at}/store\"\nkey_file = \"{at}/key\"\n\
                 [passwords]\nsource = \"store\"\n\
                 [control]\nsocket = \"{at}/control\"\n\
                 [log]\ntarget = \"plain\"\nlevel = \"warn\"\n\
                 [panel]\nlisten = \"127.0.0.1:{port}\"\nhttps = false\n\
                 [[listener]]\nname = \"bench\"\nkind = \"client\"\nsocket = \"{at}/client\"\n"
            ),
        )?;
        run(&config, &["init"], "")?;
        let child = command(&config, &["serve"]).stdin(Stdio::null()).spawn()?;
        let daemon = Self { child, config, port, secret: std::cell::OnceCell::new() };
        let start = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            ensure!(start.elapsed() < Duration::from_secs(30), "the panel does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(daemon)
    }

    /// Makes the mailbox and all it has.
    fn enrol(&self) -> Result<()> {
        run(&self.config, &["mailbox", "add", MAILBOX, "--password-stdin"], PASSWORD)?;
        let told = run(&self.config, &["--json", "totp", "enable", MAILBOX], "")?;
        let told: serde_json::Value = serde_json::from_str(&told)?;
        let secret =
            told.get("secret").and_then(|secret| secret.as_str()).context("no secret")?.to_owned();
        self.secret.set(secret).ok().context("enrolled twice")?;
        run(&self.config, &["totp", "confirm", MAILBOX, &self.code(0)?], "")?;
        for number in 0..APP_PASSWORDS {
            let name = format!("Program number {number}");
            run(&self.config, &["app-password", "add", MAILBOX, &name], "")?;
        }
        Ok(())
    }

    /// The code of a step, so many from now.
    fn code(&self, steps: u64) -> Result<String> {
        let secret = self.secret.get().context("not enrolled")?;
        let bytes = base32::decode(base32::Alphabet::Rfc4648 { padding: false }, secret)
            .context("the secret is not base32")?;
        let now = compose::clock().now()?.seconds();
        let totp = totp_rs::Builder::new()
            .with_secret(totp_rs::Secret::new(bytes.into()))
            .with_step_duration(30)
            .with_digits(6)
            .build_noncompliant();
        Ok(totp.generate(now + 30 * steps).to_string())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(config: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mail2fa"));
    command.arg("--config").arg(config).args(arguments);
    command
}

fn run(config: &Path, arguments: &[&str], input: &str) -> Result<String> {
    let mut child = command(config, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        writeln!(pipe, "{input}")?;
    }
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "mail2fa {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}
