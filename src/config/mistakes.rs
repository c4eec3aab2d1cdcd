//! What is wrong with a configuration: every mistake, not just the first.
//!
//! # Security
//!
//! A mistake quotes a value only where it cannot be a secret that was put into the wrong place:
//! names of choices and numbers, never paths, never the value of an unknown key.

use std::{fmt, path::PathBuf};

/// One mistake, with the place to look at and what is allowed there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Path of the key, `listener[1].mode`; empty if the mistake is not about a key.
    pub key: String,
    /// Line in the file, from 1, where known.
    pub line: Option<usize>,
    /// What is wrong and what is allowed.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.what)
    }
}

/// All mistakes of one configuration, in the order of the file; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors {
    /// The file, where there is one.
    pub path: Option<PathBuf>,
    /// The mistakes.
    pub mistakes: Vec<Mistake>,
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{}: ", path.display())?,
            None => f.write_str("configuration: ")?,
        }
        match self.mistakes.len() {
            1 => f.write_str("one mistake")?,
            count => write!(f, "{count} mistakes")?,
        }
        for mistake in &self.mistakes {
            write!(f, "\n  {mistake}")?;
        }
        Ok(())
    }
}

impl ConfigErrors {
    /// A single mistake that is not about a key: the file cannot be read.
    pub(super) fn about_the_file(what: String) -> Self {
        Self { path: None, mistakes: vec![Mistake { key: String::new(), line: None, what }] }
    }
}
