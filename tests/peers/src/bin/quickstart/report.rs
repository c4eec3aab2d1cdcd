//! One line per step: what was tried, whether it came out right, and what the client said.

use std::io::Write as _;

use anyhow::Result;
use peers::{Answer, Verdict};

/// Counts the steps and remembers whether one went wrong.
#[derive(Debug, Default)]
pub(crate) struct Report {
    steps: u32,
    wrong: u32,
}

/// The words of a client are cut here, for the terminal's sake.
const WORDS_CHARS: usize = 100;

impl Report {
    /// A login that must end as `wanted`.
    pub(crate) fn login(&mut self, what: &str, wanted: Verdict, answer: &Answer) {
        self.step(what, answer.verdict == wanted, &answer.words);
        if answer.verdict != wanted {
            println!("{}", answer.output);
        }
    }

    /// Something that must work; gives what it made.
    pub(crate) fn done<T>(&mut self, what: &str, result: Result<T>, said: &str) -> Result<T> {
        match &result {
            Ok(_) => self.step(what, true, said),
            Err(error) => self.step(what, false, &format!("{error:#}")),
        }
        result
    }

    /// Any other step.
    pub(crate) fn step(&mut self, what: &str, right: bool, said: &str) {
        self.steps += 1;
        if !right {
            self.wrong += 1;
        }
        let mark = if right { "ok  " } else { "FAIL" };
        println!("{mark} {:2}. {what}: {}", self.steps, shortened(said));
        let _ = std::io::stdout().flush();
    }

    /// Whether every step came out right; there must have been some.
    pub(crate) fn all_right(&self) -> bool {
        self.steps > 0 && self.wrong == 0
    }

    /// The closing line.
    pub(crate) fn close(&self) {
        println!("{} passed, {} failed", self.steps - self.wrong, self.wrong);
    }
}

/// Without the long list of IMAP capabilities that comes with "Logged in".
fn shortened(said: &str) -> String {
    let said = match (said.find("[CAPABILITY"), said.find("] ")) {
        (Some(start), Some(end)) if start < end => {
            format!("{}{}", &said[..start], &said[end + 2..])
        }
        _ => said.to_owned(),
    };
    if said.chars().count() <= WORDS_CHARS {
        return said;
    }
    said.chars().take(WORDS_CHARS).chain(['…']).collect()
}
