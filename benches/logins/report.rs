//! Medians and the printed table.

use std::time::Duration;

use crate::load::Run;

/// The runs of one subject in one shape.
#[derive(Debug, Default)]
pub struct Series {
    rates: Vec<f64>,
    medians: Vec<f64>,
    tails: Vec<f64>,
    logins: usize,
    cpu: Duration,
}

impl Series {
    /// Adds a run and the processor time that the servers used for it; gives its logins a second.
    pub fn add(&mut self, mut run: Run, cpu: Duration) -> f64 {
        run.latencies.sort_unstable();
        let rate = count(run.logins) / run.elapsed.as_secs_f64();
        self.rates.push(rate);
        self.medians.push(quantile(&run.latencies, 50));
        self.tails.push(quantile(&run.latencies, 99));
        self.logins += run.logins;
        self.cpu += cpu;
        rate
    }

    /// A row of the table.
    pub fn row(&self, name: &str, ratio: Option<f64>) -> String {
        let cpu = self.cpu.as_secs_f64() * 1e6 / count(self.logins.max(1));
        let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        format!(
            "{name:<52} {:>9.0} {:>8.3} {:>8.3} {cpu:>7.1} {ratio:>7}\n",
            median(&self.rates),
            median(&self.medians) / 1e6,
            median(&self.tails) / 1e6,
        )
    }
}

/// The head of the table.
pub fn head(shape: &str) -> String {
    format!(
        "\n{shape}\n{:<52} {:>9} {:>8} {:>8} {:>7} {:>7}\n",
        "", "logins/s", "p50 ms", "p99 ms", "CPU us", "ratio"
    )
}

/// The middle value; 0 of none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = sorted.get(middle).copied().unwrap_or_default();
    if sorted.len() % 2 == 1 {
        return upper;
    }
    let lower = middle.checked_sub(1).and_then(|below| sorted.get(below)).copied();
    f64::midpoint(lower.unwrap_or(upper), upper)
}

/// Of sorted values, in nanoseconds.
fn quantile(sorted: &[u64], percent: usize) -> f64 {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().map_or(0.0, |nanos| Duration::from_nanos(nanos).as_secs_f64() * 1e9)
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}
