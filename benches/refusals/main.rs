//! Whether refusals can be told apart by the time they take, whatever is wrong with the login.
//!
//!     cargo bench --bench refusals [-- [--quick] [--assert] [--source store|dovecot] [--each NUMBER]
//!                                     [--connections NUMBER] [--delay-ms NUMBER]]
//!
//! Refusals of all kinds are asked for in random order over many connections at once, at both kinds of
//! listener and with both password sources, with the default of `refusals.delay` (`--quick`: an eighth of it). The
//! times of each kind are compared with those of unknown mailboxes by two tests. Three controls show
//! that the tests are worth something: without `refusals.delay` kinds must be told apart, two halves of one kind
//! must not, and below each table stands how much slower a kind must be to be told apart. The exit code
//! says what came out only with `--assert`. What the figures mean stands in docs/performance.md.

mod kinds;
mod load;
#[path = "../support/process.rs"]
mod process;
mod servers;
mod statistics;

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use self::{
    kinds::{Door, Kind, Source},
    statistics::{Comparison, LEVEL},
};

/// What the command line takes.
const KNOWN: &str = "--quick, --assert, --source store or dovecot, --each NUMBER, --connections \
                     NUMBER, --delay-ms NUMBER";

/// Refusals of each kind and listener, connections, the delay, and refusals for the control without one: by
/// default, with the delay that the configuration has by default, and with `--quick`.
const WHOLE: (usize, usize, u64, usize) = (2_000, 512, 2_000, 300);
const QUICK: (usize, usize, u64, usize) = (80, 96, 250, 40);
/// Connections of the control without a delay: few, so that the time of a refusal is that of its own work.
const CONTROL_CONNECTIONS: usize = 4;
/// By how much a kind is made slower to see when it is told apart, milliseconds.
const SLOWER_MS: [f64; 9] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];

/// Kinds that are compared with unknown mailboxes.
const OTHERS: usize = Kind::ALL.len() - 1;

struct Options {
    assert: bool,
    source: Option<Source>,
    each: usize,
    connections: usize,
    delay_ms: u64,
    control: usize,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        // The servers of the benchmark itself.
        ["--serve", config] => return Ok(mail2fa::runtime::serve(Path::new(config))?),
        ["--upstream", client, login] => {
            return servers::serve_upstream(Path::new(client), Path::new(login));
        }
        arguments if !arguments.contains(&"--bench") => {
            println!("refusals: run it with cargo bench --bench refusals");
            return Ok(());
        }
        _ => {}
    }
    if cfg!(debug_assertions) {
        bail!("without optimisation the figures say nothing: run cargo bench --bench refusals");
    }
    measure(&options(&arguments)?)
}

fn options(arguments: &[String]) -> Result<Options> {
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let (each, connections, delay_ms, control) = if quick { QUICK } else { WHOLE };
    let mut options = Options { assert: false, source: None, each, connections, delay_ms, control };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--bench" | "--quick" => {}
            "--assert" => options.assert = true,
            "--each" => options.each = rest.next().context("--each NUMBER")?.parse()?,
            "--connections" => {
                options.connections = rest.next().context("--connections NUMBER")?.parse()?;
            }
            "--delay-ms" => options.delay_ms = rest.next().context("--delay-ms NUMBER")?.parse()?,
            "--source" => {
                let name = rest.next().context("--source which?")?;
                let known = Source::ALL.into_iter().find(|source| source.name() == name);
                options.source = Some(known.context("--source takes store or dovecot")?);
            }
            other => bail!("unknown argument {other}; known: {KNOWN}"),
        }
    }
    ensure!(options.each >= 20 && options.connections > 0, "too few say nothing");
    Ok(options)
}

fn measure(options: &Options) -> Result<()> {
    let mut verdicts = Vec::new();
    for source in Source::ALL {
        if options.source.is_some_and(|only| only != source) {
            continue;
        }
        let stand = servers::Stand::start(source, options.delay_ms, options.each)?;
        for door in Door::ALL {
            let delay = options.delay_ms;
            let title = format!("{}, {} listener, {delay} ms", source.name(), door.name());
            let times = load::run(&stand, door, options.each, options.connections)?;
            let told_apart = report(&title, &times)?;
            verdicts
                .push((told_apart == 0, format!("{title}: told apart: {told_apart} of {OTHERS}")));
        }
        stand.check_reasons(2 * options.each)?;
        drop(stand);
        let stand = servers::Stand::start(source, 0, options.control)?;
        for door in Door::ALL {
            let title = format!("{}, {} listener, WITHOUT a delay", source.name(), door.name());
            let times = load::run(&stand, door, options.control, CONTROL_CONNECTIONS)?;
            let told_apart = report(&title, &times)?;
            verdicts
                .push((told_apart > 2, format!("{title}: told apart: {told_apart} of {OTHERS}")));
        }
    }
    println!();
    for (expected, text) in &verdicts {
        println!("{:<12} {text}", if *expected { "as expected" } else { "UNEXPECTED" });
    }
    ensure!(!options.assert || verdicts.iter().all(|(expected, _)| *expected), "not as expected");
    Ok(())
}

/// Prints the table; gives how many comparisons tell a kind from unknown mailboxes.
fn report(title: &str, times: &[(Kind, Vec<f64>)]) -> Result<usize> {
    let (_, unknown) =
        times.iter().find(|(kind, _)| *kind == Kind::Unknown).context("no unknown mailboxes")?;
    println!("\n{title}");
    println!(
        "{:<22} {:>6} {:>9} {:>9} {:>9} {:>7} {:>8} {:>7} {:>8}",
        "", "n", "p5 ms", "median", "p95 ms", "KS D", "p", "AUC", "p"
    );
    let halves: (Vec<f64>, Vec<f64>) = (
        unknown.iter().step_by(2).copied().collect(),
        unknown.iter().skip(1).step_by(2).copied().collect(),
    );
    let mut rows = vec![("unknown, two halves", &halves.0, Comparison::of(&halves.0, &halves.1))];
    for (kind, own) in times {
        rows.push((kind.name(), own, Comparison::of(own, unknown)));
    }
    // The row of unknown mailboxes against themselves is there for its quantiles.
    let judged = |name: &str| name != Kind::Unknown.name();
    let (ks, auc): (Vec<f64>, Vec<f64>) = rows
        .iter()
        .filter(|(name, ..)| judged(name))
        .map(|(_, _, comparison)| (comparison.ks_p, comparison.auc_p))
        .unzip();
    let threshold = statistics::holm(&[&ks[..], &auc].concat());
    let is_apart = |comparison: &Comparison| comparison.ks_p.min(comparison.auc_p) < threshold;
    let mut told_apart = 0;
    for (name, own, comparison) in &rows {
        let apart = judged(name) && is_apart(comparison);
        // Two halves of one kind are a control, not a kind.
        told_apart += usize::from(apart && !name.ends_with("halves"));
        println!("{}{}", line(name, own, comparison), if apart { "  TOLD APART" } else { "" });
    }
    println!(
        "told apart: {told_apart} of {OTHERS}; smallest p: Kolmogorov-Smirnov {:.2e}, Mann-Whitney {:.2e}; told \
         apart is what is below {threshold:.1e}, {LEVEL} for the whole table (Holm)",
        smallest(&ks),
        smallest(&auc),
    );
    println!("{}", power(&halves, threshold));
    Ok(told_apart)
}

fn smallest(values: &[f64]) -> f64 {
    values.iter().copied().fold(1.0, f64::min)
}

fn line(name: &str, own: &[f64], comparison: &Comparison) -> String {
    let quantile = |part| statistics::quantile(own, part) * 1e3;
    format!(
        "{name:<22} {:>6} {:>9.2} {:>9.2} {:>9.2} {:>7.3} {:>8.4} {:>7.3} {:>8.4}",
        own.len(),
        quantile(0.05),
        quantile(0.5),
        quantile(0.95),
        comparison.ks_d,
        comparison.ks_p,
        comparison.auc,
        comparison.auc_p,
    )
}

/// How much slower one half of a kind must be to be told apart from the other: what these samples could
/// show.
fn power(halves: &(Vec<f64>, Vec<f64>), threshold: f64) -> String {
    let shows = |ms: &&f64| {
        let slower: Vec<f64> = halves.0.iter().map(|time| time + **ms / 1e3).collect();
        let comparison = Comparison::of(&slower, &halves.1);
        comparison.ks_p.min(comparison.auc_p) < threshold
    };
    match SLOWER_MS.iter().find(shows) {
        Some(ms) => format!("half of a kind that is {ms} ms slower than the other is told apart"),
        None => "no half of a kind that is 5 ms slower than the other is told apart".into(),
    }
}
