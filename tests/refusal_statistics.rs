//! The statistics of `benches/refusals` give what tables and SciPy give, and see what is there to be seen.
#![expect(clippy::unreadable_literal, reason = "figures as SciPy prints them")]

#[path = "../benches/refusals/statistics.rs"]
mod statistics;

use statistics::{Comparison, LEVEL, erfc, holm, kolmogorov_tail, quantile};

/// Numbers between 0 and 1 by the generator of the C standard's example, so that anybody can make them.
fn numbers(seed: u64, count: usize) -> Vec<f64> {
    let next = |x: &u64| Some((x * 1_103_515_245 + 12_345) % 2_147_483_648);
    let all = std::iter::successors(next(&seed), next).take(count);
    all.map(|x| f64::from(u32::try_from(x).unwrap_or_default()) / 2_147_483_648.0).collect()
}

fn near(found: f64, expected: f64, part: f64) {
    assert!((found - expected).abs() <= part * expected, "{found}, not {expected}");
}

#[test]
fn the_distributions_are_those_of_the_tables() {
    // Critical values of Kolmogorov's distribution: 10, 5, 1 and 0.1 %.
    for (lambda, tail) in [(1.2238, 0.1), (1.3581, 0.05), (1.6276, 0.01), (1.9495, 0.001)] {
        near(kolmogorov_tail(lambda), tail, 1e-3);
    }
    // scipy.special.kolmogorov.
    for (lambda, tail) in [(0.5, 0.9639452436648751), (0.8, 0.5441424115741981)] {
        near(kolmogorov_tail(lambda), tail, 1e-9);
    }
    near(kolmogorov_tail(0.1), 1.0, 1e-9);
    // scipy.special.erfc.
    for (x, tail) in [
        (0.0, 1.0),
        (0.5, 0.4795001221869535),
        (1.0, 0.15729920705028516),
        (2.0, 0.004677734981047266),
        (4.0, 1.541725790028002e-08),
    ] {
        near(erfc(x), tail, 2e-7);
    }
}

/// SciPy 1.17.1: `ks_2samp` and `mannwhitneyu(method="asymptotic", use_continuity=False)`.
#[test]
fn samples_are_compared_as_scipy_compares_them() {
    let (first, second) = (numbers(1, 400), numbers(2, 300));
    let shifted: Vec<f64> = first.iter().map(|x| x + 0.1).collect();
    let spread: Vec<f64> = first.iter().map(|x| 0.5 + (x - 0.5) * 1.6).collect();
    for (sample, ks_d, ks_p, auc, auc_p) in [
        (&first, 0.044166666666666674, 0.8786623013168399, 0.491325, 0.6941863383111961),
        (&shifted, 0.13666666666666666, 0.0030220565843874793, 0.584975, 0.00011746667504662007),
        (&spread, 0.205, 9.021629374370847e-07, 0.4825833333333333, 0.42988871147544794),
    ] {
        let found = Comparison::of(sample, &second);
        near(found.ks_d, ks_d, 1e-9);
        // SciPy's is the exact distribution here, ours the approximation for large samples.
        near(found.ks_p, ks_p, 0.15);
        near(found.auc, auc, 1e-9);
        near(found.auc_p, auc_p, 1e-6);
    }
}

/// What is there is seen, of a size that matters here: a twentieth of the spread, in 2,000 of each. And what is not
/// there is not: as often as chance has it and no more.
#[test]
fn a_shift_is_told_apart_and_chance_is_not() {
    let pairs = 200;
    let (mut seen, mut shifts) = (0, 0);
    for pair in 0..pairs {
        let (first, second) = (numbers(1_000 + pair, 2_000), numbers(9_000 + pair, 2_000));
        let apart = |first: &[f64]| {
            let found = Comparison::of(first, &second);
            holm(&[found.ks_p, found.auc_p]) > found.ks_p.min(found.auc_p)
        };
        seen += usize::from(apart(&first));
        let later: Vec<f64> = first.iter().map(|x| x + 0.05).collect();
        shifts += usize::from(apart(&later));
    }
    assert!(seen <= 6, "{seen} of {pairs} pairs of one distribution were told apart");
    assert!(shifts >= 190, "{shifts} of {pairs} shifts were seen");
}

/// Worked out by hand at the level of 0.01: 0.002 < 0.01 / 4, 0.003 < 0.01 / 3, 0.006 is not below 0.01 / 2.
#[test]
fn holm_bounds_the_family() {
    assert!((LEVEL - 0.01).abs() < 1e-12);
    near(holm(&[0.006, 0.002, 0.008, 0.003]), 0.005, 1e-9);
    near(holm(&[0.5; 4]), 0.0025, 1e-9);
    near(holm(&[0.001]), 0.01, 1e-9);
}

#[test]
fn quantiles_are_of_the_sorted_values() {
    let values = [5.0, 1.0, 4.0, 2.0, 3.0];
    for (part, expected) in [(0.0, 1.0), (0.5, 3.0), (1.0, 5.0)] {
        near(quantile(&values, part), expected, 1e-9);
    }
    assert!(quantile(&[], 0.5).abs() < 1e-9);
}
