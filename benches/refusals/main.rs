//! Whether refusals can be told apart by the time they take, whatever is wrong with the login.
//!
//!     cargo bench --bench refusals [-- [--quick] [--assert] [--source store|dovecot] [--each NUMBER]
//!                                     [--connections NUMBER]]
//!
//! Refusals of all kinds are asked for in random order over many connections at once, at both kinds of
//! listener and with both password sources. The times of each kind are compared with those of unknown
//! mailboxes by two tests. Two controls show that the tests are worth something: without
//! `refusals.delay` kinds must be told apart, and two halves of one kind must not. The exit code says what came
//! out only with `--assert`. What the figures mean stands in docs/performance.md.

mod kinds;
mod load;
mod servers;
mod statistics;

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use self::{
    kinds::{Kind, Source},
    load::Door,
    statistics::{Comparison, LEVEL},
};

/// What the command line takes.
const KNOWN: &str =
    "--quick, --assert, --source store or dovecot, --each NUMBER, --connections NUMBER";

/// The delay under measurement; the default is ten times as long, and has as many more hashes' room.
const DELAY_MS: u64 = 250;
/// Refusals of each kind for the control without a delay, and its connections: few, so that the time of a
/// refusal is that of its own work.
const CONTROL: (usize, usize) = (150, 4);

struct Options {
    assert: bool,
    source: Option<Source>,
    each: usize,
    connections: usize,
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
    let mut options = Options { assert: false, source: None, each: 2_000, connections: 128 };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--bench" => {}
            "--quick" => options.each = 150,
            "--assert" => options.assert = true,
            "--each" => options.each = rest.next().context("--each NUMBER")?.parse()?,
            "--connections" => {
                options.connections = rest.next().context("--connections NUMBER")?.parse()?;
            }
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
        let stand = servers::Stand::start(source, DELAY_MS, options.each)?;
        for door in Door::ALL {
            let title = format!("{}, {} listener", source.name(), door.name());
            let times = load::run(&stand, door, options.each, options.connections)?;
            let told_apart = report(&title, &times)?;
            verdicts.push((told_apart == 0, format!("{title}: {told_apart} told apart")));
        }
        stand.check_reasons(2 * options.each)?;
        drop(stand);
        let stand = servers::Stand::start(source, 0, CONTROL.0)?;
        for door in Door::ALL {
            let title = format!("{}, {} listener, WITHOUT a delay", source.name(), door.name());
            let times = load::run(&stand, door, CONTROL.0, CONTROL.1)?;
            let told_apart = report(&title, &times)?;
            verdicts.push((told_apart > 2, format!("{title}: {told_apart} told apart")));
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
    let values: Vec<f64> = rows
        .iter()
        .filter(|(name, ..)| judged(name))
        .flat_map(|(_, _, comparison)| [comparison.ks_p, comparison.auc_p])
        .collect();
    let threshold = statistics::holm(&values);
    let mut told_apart = 0;
    for (name, own, comparison) in &rows {
        let apart = judged(name) && comparison.ks_p.min(comparison.auc_p) < threshold;
        told_apart += usize::from(apart);
        let quantile = |part| statistics::quantile(own, part) * 1e3;
        println!(
            "{name:<22} {:>6} {:>9.2} {:>9.2} {:>9.2} {:>7.3} {:>8.4} {:>7.3} {:>8.4}{}",
            own.len(),
            quantile(0.05),
            quantile(0.5),
            quantile(0.95),
            comparison.ks_d,
            comparison.ks_p,
            comparison.auc,
            comparison.auc_p,
            if apart { "  TOLD APART" } else { "" }
        );
    }
    println!("told apart: p below {threshold:.1e}, which is {LEVEL} for the whole table (Holm)");
    Ok(told_apart)
}
