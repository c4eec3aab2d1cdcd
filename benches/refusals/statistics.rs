//! Two tests of whether two samples come from one distribution, and what many tests at once need.

/// How often a whole table may say "told apart" by chance.
pub const LEVEL: f64 = 0.01;

/// One sample against another.
pub struct Comparison {
    /// Kolmogorov and Smirnov: the greatest distance of the two distribution functions.
    pub ks_d: f64,
    /// How probable a distance as great is by chance.
    pub ks_p: f64,
    /// Mann and Whitney: how probable it is that one of the first sample is the slower of two; what somebody
    /// who guesses by the slower one gets right. 0.5 is a coin.
    pub auc: f64,
    /// How probable that is by chance.
    pub auc_p: f64,
}

impl Comparison {
    /// Compares; the samples need no order.
    pub fn of(first: &[f64], second: &[f64]) -> Self {
        let mut all: Vec<(f64, bool)> = first.iter().map(|time| (*time, true)).collect();
        all.extend(second.iter().map(|time| (*time, false)));
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (n, m) = (count(first.len()), count(second.len()));
        let (mut seen_first, mut seen_second, mut ks_d, mut wins) = (0.0, 0.0, 0.0_f64, 0.0);
        for ties in all.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
            let own = count(ties.iter().filter(|(_, is_first)| *is_first).count());
            let others = count(ties.len()) - own;
            wins += own * (seen_second + others / 2.0);
            seen_first += own;
            seen_second += others;
            ks_d = ks_d.max((seen_first / n - seen_second / m).abs());
        }
        let auc = wins / (n * m);
        let deviation = ((n + m + 1.0) / (12.0 * n * m)).sqrt();
        let auc_p = erfc((auc - 0.5).abs() / deviation / std::f64::consts::SQRT_2);
        Self { ks_d, ks_p: kolmogorov(ks_d, n * m / (n + m)), auc, auc_p }
    }
}

/// The probability of a distance as great, with Stephens' correction for small samples.
fn kolmogorov(distance: f64, size: f64) -> f64 {
    kolmogorov_tail((size.sqrt() + 0.12 + 0.11 / size.sqrt()) * distance)
}

/// The tail of Kolmogorov's distribution.
pub fn kolmogorov_tail(lambda: f64) -> f64 {
    if lambda < 0.2 {
        return 1.0;
    }
    let mut sum = 0.0;
    let mut sign = 1.0;
    for term in 1..=100 {
        let k = f64::from(term);
        sum += sign * (-2.0 * k * k * lambda * lambda).exp();
        sign = -sign;
    }
    (2.0 * sum).clamp(0.0, 1.0)
}

/// Abramowitz and Stegun 7.1.26 with the relative accuracy of its successor in "Numerical Recipes" 6.2.
pub fn erfc(x: f64) -> f64 {
    const TERMS: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let t = 1.0 / (1.0 + 0.5 * x);
    let polynomial = TERMS.iter().rev().fold(0.0, |sum, term| sum * t + term);
    t * (polynomial - x * x).exp()
}

/// The bound below which values are significant, so that a family of tests errs with [`LEVEL`] (Holm).
pub fn holm(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let bounds = (1..=sorted.len()).rev().map(|left| LEVEL / count(left));
    let mut bound = LEVEL / count(sorted.len().max(1));
    for (value, next) in sorted.iter().zip(bounds) {
        bound = next;
        if *value >= next {
            break;
        }
    }
    bound
}

/// Of values without order; 0 of none.
pub fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let before = |index: &usize| count(*index) < part * count(sorted.len().saturating_sub(1));
    let index = (0..sorted.len()).take_while(before).count();
    sorted.get(index).copied().unwrap_or_default()
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}
