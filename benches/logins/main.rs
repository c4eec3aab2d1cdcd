//! Logins a second and latency through a `client` listener, beside Dovecot's own auth service.
//!
//!     cargo bench --bench logins [-- [--quick] [--only CASE] [--shape SHAPE] [--rounds NUMBER]
//!                                    [--disk DIR] [--log LEVEL] [--no-throttle] [--no-audit]
//!                                    [--password-cache TIME]]
//!
//! The servers are processes of their own; the load generator is this one. Each case is measured
//! next to Dovecot, turn about, several rounds, and the ratio printed is the median of the rounds'
//! ratios. Every login must be accepted, or the benchmark fails. What the cases are and what the
//! figures mean stands in docs/performance.md.

mod accounts;
mod load;
mod peers;
#[path = "../support/process.rs"]
mod process;
mod report;

use std::{
    fmt::Write as _,
    io::Write as _,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use mail2fa::runtime::compose;

use self::{
    accounts::{CodedLogins, Hashes, Kind, PlainLogins, SignedInLogins},
    load::{PIPELINED, SINGLE, Shape},
    peers::Daemon,
    process::Server,
    report::Series,
};

/// What the command line takes.
const KNOWN: &str = "--quick, --only CASE, --shape SHAPE, --rounds NUMBER, --disk DIR, --log LEVEL, \
                     --no-throttle, --no-audit, --password-cache TIME";

/// What is asked for on the command line.
struct Options {
    quick: bool,
    only: Option<String>,
    shape: Option<String>,
    rounds: Option<usize>,
    /// Where the stores lie.
    disk: PathBuf,
    log: String,
    /// Whether mail2fa throttles, as it does unless it is told not to.
    throttle: bool,
    /// Whether logins go into the audit trail, as they do unless it is told not to.
    audit: bool,
    /// How long a password that was right need not be checked again: `passwords.cache`.
    cache: String,
}

/// How much is done.
struct Size {
    mailboxes: usize,
    rounds: usize,
    pipelined: usize,
    single: usize,
}

const FULL: Size = Size { mailboxes: 20_000, rounds: 7, pipelined: 4_000, single: 400 };
const QUICK: Size = Size { mailboxes: 4_000, rounds: 3, pipelined: 1_000, single: 150 };

/// Logins of one uncounted run: few enough that no code expires, however slow the machine.
const WARM_UP: usize = 1_000;

/// One case of mail2fa.
struct Case {
    name: &'static str,
    title: &'static str,
    kind: Kind,
    hashes: Hashes,
    /// What the ratio should not be below, pipelined.
    expected: f64,
}

const CASES: [Case; 6] = [
    Case {
        name: "store",
        title: "mail2fa, own passwords",
        kind: Kind::Plain,
        hashes: Hashes::Stored,
        expected: 1.0,
    },
    Case {
        name: "store-code",
        title: "mail2fa, own passwords, code burned durably",
        kind: Kind::Coded,
        hashes: Hashes::Stored,
        expected: 0.7,
    },
    Case {
        name: "dovecot",
        title: "mail2fa, asking Dovecot",
        kind: Kind::Plain,
        hashes: Hashes::Elsewhere,
        expected: 1.0,
    },
    Case {
        name: "dovecot-code",
        title: "mail2fa, asking Dovecot, code burned durably",
        kind: Kind::Coded,
        hashes: Hashes::Elsewhere,
        expected: 0.7,
    },
    Case {
        name: "store-session",
        title: "mail2fa, own passwords, sign-in that lives",
        kind: Kind::SignedIn,
        hashes: Hashes::Stored,
        expected: 1.0,
    },
    Case {
        name: "dovecot-session",
        title: "mail2fa, asking Dovecot, sign-in that lives",
        kind: Kind::SignedIn,
        hashes: Hashes::Elsewhere,
        expected: 1.0,
    },
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        // The servers of the benchmark itself.
        ["--serve", config] => return Ok(mail2fa::runtime::serve(Path::new(config))?),
        ["--echo", socket] => return peers::serve_echo(Path::new(socket)),
        arguments if !arguments.contains(&"--bench") => {
            println!("logins: run it with cargo bench --bench logins");
            return Ok(());
        }
        _ => {}
    }
    if cfg!(debug_assertions) {
        bail!("without optimisation the figures say nothing: run cargo bench --bench logins");
    }
    measure(&options(&arguments)?)
}

fn options(arguments: &[String]) -> Result<Options> {
    let mut options = Options {
        quick: false,
        only: None,
        shape: None,
        rounds: None,
        disk: env!("CARGO_TARGET_TMPDIR").into(),
        log: "info".into(),
        throttle: true,
        audit: true,
        cache: "0s".into(),
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--bench" => {}
            "--quick" => options.quick = true,
            "--only" => options.only = Some(rest.next().context("--only what?")?.clone()),
            "--shape" => options.shape = Some(rest.next().context("--shape which?")?.clone()),
            "--rounds" => options.rounds = Some(rest.next().context("--rounds N")?.parse()?),
            "--disk" => options.disk = rest.next().context("--disk DIR")?.into(),
            "--no-throttle" => options.throttle = false,
            "--no-audit" => options.audit = false,
            "--password-cache" => options.cache.clone_from(rest.next().context("how long?")?),
            "--log" => options.log.clone_from(rest.next().context("--log which level?")?),
            other => bail!("unknown argument {other}; known: {KNOWN}"),
        }
    }
    let known = CASES.map(|case| case.name);
    if let Some(only) = &options.only {
        ensure!(known.contains(&only.as_str()), "--only takes one of {}", known.join(", "));
    }
    let known = SHAPES.map(|shape| shape.name);
    if let Some(shape) = &options.shape {
        ensure!(known.contains(&shape.as_str()), "--shape takes one of {}", known.join(", "));
    }
    Ok(options)
}

/// The two places where files go: sockets need short paths, the stores a real disk.
struct Places {
    short: tempfile::TempDir,
    disk: tempfile::TempDir,
}

fn measure(options: &Options) -> Result<()> {
    let mut size = if options.quick { QUICK } else { FULL };
    size.rounds = options.rounds.unwrap_or(size.rounds).max(1);
    let places = Places {
        short: tempfile::Builder::new().prefix("mail2fa-logins-").tempdir()?,
        disk: tempfile::Builder::new().prefix("logins-").tempdir_in(&options.disk)?,
    };
    // Dovecot's auth runs under a user of its own and must get at its passwd-file.
    std::fs::set_permissions(places.short.path(), std::fs::Permissions::from_mode(0o755))?;
    let passwd_file = places.short.path().join("passwd");
    accounts::write_passwd_file(&passwd_file, size.mailboxes)?;
    let (_dovecot, upstream) = peers::dovecot(places.short.path(), &passwd_file)?;
    let (_echo, echo) = peers::echo(places.short.path())?;
    println!(
        "mail2fa {}, log level {}; {} mailboxes, {} rounds; fdatasync of the store's disk: {:.2} ms",
        env!("CARGO_PKG_VERSION"),
        options.log,
        size.mailboxes,
        size.rounds,
        fdatasync(places.disk.path())?.as_secs_f64() * 1e3
    );
    let mut bench = Bench {
        shape: options.shape.clone(),
        dovecot: Subject::new(upstream)?,
        echo: Subject::new(echo)?,
        plain: PlainLogins::new(size.mailboxes),
        beside: Default::default(),
        size,
    };
    let chosen = |case: &&Case| options.only.as_deref().is_none_or(|only| only == case.name);
    let mut subjects = Vec::new();
    for hashes in [Hashes::Stored, Hashes::Elsewhere] {
        if CASES.iter().filter(chosen).any(|case| case.hashes == hashes) {
            subjects.push((hashes, bench.daemon(&places, hashes, options)?));
        }
    }
    let mut results = Vec::new();
    for case in CASES.iter().filter(chosen) {
        let Some((_, (_, subject))) = subjects.iter().find(|(hashes, _)| *hashes == case.hashes)
        else {
            continue;
        };
        results.push((case, bench.case(case, subject)?));
    }
    bench.print(&results)
}

/// Somebody who answers logins.
struct Subject {
    socket: PathBuf,
    pid: u32,
}

impl Subject {
    fn new(socket: PathBuf) -> Result<Self> {
        let pid = load::server_pid(&socket)?;
        Ok(Self { socket, pid })
    }
}

/// What a case came to: for each shape its own series and the ratios to Dovecot of all rounds.
type Outcome = [(Series, Vec<f64>); SHAPES.len()];

const SHAPES: [Shape; 2] = [PIPELINED, SINGLE];

struct Bench {
    /// The only shape that is measured, if one was asked for.
    shape: Option<String>,
    size: Size,
    dovecot: Subject,
    echo: Subject,
    plain: PlainLogins,
    beside: [Series; SHAPES.len()],
}

impl Bench {
    /// A daemon with a store of its own.
    fn daemon(
        &self,
        places: &Places,
        hashes: Hashes,
        options: &Options,
    ) -> Result<(Server, Subject)> {
        let name = match hashes {
            Hashes::Stored => "own",
            Hashes::Elsewhere => "relay",
        };
        let (store, key) = (places.disk.path().join(name), places.short.path().join(name));
        let key = key.with_extension("key");
        let begun = Instant::now();
        accounts::fill_store(&store, &key, self.size.mailboxes, hashes)?;
        let filled = begun.elapsed();
        let daemon = Daemon {
            root: places.short.path(),
            name,
            store: &store,
            key: &key,
            hashes,
            upstream: &self.dovecot.socket,
            log: &options.log,
            throttle: options.throttle,
            audit: options.audit,
            cache: &options.cache,
        };
        let begun = Instant::now();
        let (server, socket) = daemon.start()?;
        println!(
            "store of {name:?}: filled in {:.1} s, daemon ready in {:.1} s",
            filled.as_secs_f64(),
            begun.elapsed().as_secs_f64()
        );
        Ok((server, Subject::new(socket)?))
    }

    fn case(&mut self, case: &Case, subject: &Subject) -> Result<Outcome> {
        let clock = compose::clock();
        let mut coded = CodedLogins::new(Kind::Coded, self.size.mailboxes);
        let mut signed_in = match case.kind {
            Kind::SignedIn => Some(SignedInLogins::new(self.size.mailboxes, &*clock)?),
            Kind::Plain | Kind::Coded => None,
        };
        let mut requests = |plain: &mut PlainLogins, count| match case.kind {
            Kind::Plain => Ok(plain.take(count)),
            Kind::Coded => coded.take(count, &*clock),
            Kind::SignedIn => {
                Ok(signed_in.as_mut().map(|strings| strings.take(count)).unwrap_or_default())
            }
        };
        let mut pids = vec![subject.pid];
        if case.hashes == Hashes::Elsewhere {
            pids.push(self.dovecot.pid);
        }
        // Every mailbox once, uncounted: the caches are as full as they are going to be.
        for _ in 0..self.size.mailboxes / WARM_UP {
            let some = requests(&mut self.plain, WARM_UP)?;
            load::run(&subject.socket, PIPELINED, &some)
                .with_context(|| format!("warming up: {}", case.title))?;
        }
        let mut outcome = Outcome::default();
        let counts = [self.size.pipelined, self.size.single];
        for (((shape, count), (series, ratios)), beside) in
            SHAPES.into_iter().zip(counts).zip(&mut outcome).zip(&mut self.beside)
        {
            if self.shape.as_deref().is_some_and(|only| only != shape.name) {
                continue;
            }
            for round in 0..self.size.rounds {
                let theirs = self.plain.take(count);
                let ours = requests(&mut self.plain, count)?;
                let measure_theirs = |beside: &mut Series| {
                    timed(&self.dovecot.socket, &[self.dovecot.pid], shape, &theirs, beside)
                        .context("Dovecot")
                };
                let measure_ours = |series: &mut Series| {
                    timed(&subject.socket, &pids, shape, &ours, series).context(case.title)
                };
                let (own, reference) = if round % 2 == 0 {
                    let reference = measure_theirs(beside)?;
                    (measure_ours(series)?, reference)
                } else {
                    let own = measure_ours(series)?;
                    (own, measure_theirs(beside)?)
                };
                ratios.push(own / reference);
            }
        }
        Ok(outcome)
    }

    fn print(&mut self, results: &[(&Case, Outcome)]) -> Result<()> {
        let mut text = String::new();
        for (index, (shape, count)) in
            SHAPES.into_iter().zip([self.size.pipelined, self.size.single]).enumerate()
        {
            if self.shape.as_deref().is_some_and(|only| only != shape.name) {
                continue;
            }
            let mut ceiling = Series::default();
            for _ in 0..self.size.rounds {
                let requests = self.plain.take(count);
                timed(&self.echo.socket, &[self.echo.pid], shape, &requests, &mut ceiling)?;
            }
            text.push_str(&report::head(shape.title));
            text.push_str(&ceiling.row("nothing but OK (what the load generator allows)", None));
            if let Some(beside) = self.beside.get(index) {
                text.push_str(&beside.row("Dovecot's auth, password alone", None));
            }
            for (case, outcome) in results {
                if let Some((series, ratios)) = outcome.get(index) {
                    text.push_str(&series.row(case.title, Some(report::median(ratios))));
                }
            }
        }
        text.push_str("\nexpected, pipelined:\n");
        for (case, [(_, ratios), _]) in results {
            let (ratio, expected) = (report::median(ratios), case.expected);
            let verdict = if ratio >= expected { "reached" } else { "MISSED" };
            writeln!(text, "  {verdict:<8} {ratio:.2} of {expected:.1}  {}", case.title)?;
        }
        std::io::stdout().write_all(text.as_bytes())?;
        Ok(())
    }
}

/// Measures one run; gives its logins a second.
fn timed(
    socket: &Path,
    pids: &[u32],
    shape: Shape,
    requests: &[Vec<u8>],
    series: &mut Series,
) -> Result<f64> {
    let used = || pids.iter().map(|pid| peers::cpu_time(*pid)).sum::<Result<Duration>>();
    let before = used()?;
    let run = load::run(socket, shape, requests)?;
    Ok(series.add(run, used()?.saturating_sub(before)))
}

/// What making a small write durable costs where the store lies, the middle of a hundred.
fn fdatasync(dir: &Path) -> Result<Duration> {
    let mut file = std::fs::File::create(dir.join("probe"))?;
    let mut times = Vec::new();
    for _ in 0..100 {
        file.write_all(&[7; 4_096])?;
        let begun = Instant::now();
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times.get(times.len() / 2).copied().context("no probe")
}
