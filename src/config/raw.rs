//! The configuration file as written: TOML with the place of every value, read key by key.
//!
//! It knows nothing of what the keys mean; `check` does. It notes every mistake and goes on, so
//! that one run shows them all: syntax errors, unknown keys, values of the wrong type.
//!
//! # Security
//!
//! The text is the administrator's. Nothing in it is skipped: what is not known is a mistake.

use std::borrow::Cow;

use toml::de::{DeTable, DeValue};

use super::mistakes::Mistake;

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub mistakes: Vec<Mistake>,
}

/// Where a key is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub key: String,
    pub line: Option<usize>,
}

impl Report {
    /// Notes a mistake at a place.
    pub fn at(&mut self, place: &Place, what: String) {
        self.mistakes.push(Mistake { key: place.key.clone(), line: place.line, what });
    }
}

/// A parsed file.
pub(super) struct Document<'a> {
    text: &'a str,
    root: toml::Spanned<DeTable<'a>>,
}

impl<'a> Document<'a> {
    /// Parses TOML; syntax errors go to the report, what could be read is returned.
    pub fn parse(text: &'a str, report: &mut Report) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let line = error.span().map(|span| line_at(text, span.start));
            let what = format!("not valid TOML: {}", error.message());
            report.mistakes.push(Mistake { key: String::new(), line, what });
        }
        Self { text, root }
    }

    /// The top level.
    pub fn root(&self) -> Section<'_> {
        Section {
            text: self.text,
            path: String::new(),
            line: None,
            table: Some(self.root.get_ref()),
            known: Vec::new(),
        }
    }
}

/// One table of the file, or the absence of it: then every key has its default.
pub(super) struct Section<'a> {
    text: &'a str,
    path: String,
    line: Option<usize>,
    table: Option<&'a DeTable<'a>>,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// Reads a key. `None` if it is not there or wrong; a wrong one is in the report.
    pub fn read<T>(
        &mut self,
        key: &'static str,
        report: &mut Report,
        parse: impl FnOnce(&DeValue<'a>) -> Result<T, String>,
    ) -> Option<T> {
        let (value, line) = self.value(key)?;
        match parse(value) {
            Ok(value) => Some(value),
            Err(what) => {
                report.mistakes.push(Mistake { key: self.key(key), line: Some(line), what });
                None
            }
        }
    }

    /// Reads a key that has no default.
    pub fn required<T>(
        &mut self,
        key: &'static str,
        report: &mut Report,
        parse: impl FnOnce(&DeValue<'a>) -> Result<T, String>,
    ) -> Option<T> {
        if self.value(key).is_none() {
            self.mistake(key, "is missing; it has no default".into(), report);
        }
        self.read(key, report, parse)
    }

    /// A sub-table.
    pub fn section(&mut self, key: &'static str, report: &mut Report) -> Section<'a> {
        let mut section = Section {
            text: self.text,
            path: self.key(key),
            line: None,
            table: None,
            known: Vec::new(),
        };
        if let Some((value, line)) = self.value(key) {
            section.line = Some(line);
            section.table = value.as_table();
            if section.table.is_none() {
                let what = format!("must be a table, [{}], not {}", self.key(key), kind(value));
                self.mistake(key, what, report);
            }
        }
        section
    }

    /// An array of tables, `[[key]]`.
    pub fn sections(&mut self, key: &'static str, report: &mut Report) -> Vec<Section<'a>> {
        let path = self.key(key);
        let Some((value, _)) = self.value(key) else { return Vec::new() };
        let Some(array) = value.as_array() else {
            let what = format!("must be written with double brackets, [[{path}]]");
            self.mistake(key, what, report);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (index, element) in array.iter().enumerate() {
            let path = format!("{path}[{}]", index + 1);
            let line = Some(line_at(self.text, element.span().start));
            match element.get_ref().as_table() {
                Some(table) => sections.push(Section {
                    text: self.text,
                    path,
                    line,
                    table: Some(table),
                    known: Vec::new(),
                }),
                None => report.mistakes.push(Mistake {
                    key: path,
                    line,
                    what: format!("must be a table, not {}", kind(element.get_ref())),
                }),
            }
        }
        sections
    }

    /// Reads all keys of a section whose keys are names that nobody knows beforehand.
    pub fn each(
        self,
        report: &mut Report,
        mut parse: impl FnMut(&str, &DeValue<'a>) -> Result<(), String>,
    ) {
        for (name, value) in self.table.into_iter().flatten() {
            if let Err(what) = parse(name.get_ref(), value.get_ref()) {
                let line = Some(line_at(self.text, name.span().start));
                let key = self.key(&printable(name.get_ref()));
                report.mistakes.push(Mistake { key, line, what });
            }
        }
    }

    /// Notes a mistake about a key of this section, at its line if it is there.
    pub fn mistake(&mut self, key: &'static str, what: String, report: &mut Report) {
        let place = self.place(key);
        report.at(&place, what);
    }

    /// Where a key is, for a mistake that can be seen only later.
    pub fn place(&mut self, key: &'static str) -> Place {
        let line = self.value(key).map(|(_, line)| line).or(self.line);
        Place { key: self.key(key), line }
    }

    /// Whether a key stands in the file.
    pub fn has(&mut self, key: &'static str) -> bool {
        self.value(key).is_some()
    }

    /// To be called when all keys were read: whatever is left over is unknown.
    pub fn finish(self, report: &mut Report) {
        let Some(table) = self.table else { return };
        for (key, _) in table {
            let name: &Cow<'_, str> = key.get_ref();
            if self.known.iter().any(|known| known == name) {
                continue;
            }
            let hint = self
                .known
                .iter()
                .find(|known| is_near(known, name))
                .map_or_else(|| ".".to_owned(), |near| format!("; did you mean {near}?"));
            report.mistakes.push(Mistake {
                key: self.key(&printable(name)),
                line: Some(line_at(self.text, key.span().start)),
                what: format!("unknown key{hint} Allowed here: {}", self.known.join(", ")),
            });
        }
    }

    fn value(&mut self, key: &'static str) -> Option<(&'a DeValue<'a>, usize)> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        let (name, value) = self.table?.iter().find(|(name, _)| name.get_ref() == key)?;
        Some((value.get_ref(), line_at(self.text, name.span().start)))
    }

    fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

/// The type of a value, for messages.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

fn printable(name: &str) -> String {
    name.chars().take(40).map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect()
}

/// Whether two names differ by at most two edits (Levenshtein).
fn is_near(a: &str, b: &str) -> bool {
    let b: Vec<char> = b.chars().take(40).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for ((cb, above_left), above) in b.iter().zip(&row).zip(row.iter().skip(1)) {
            let left = next.last().copied().unwrap_or_default();
            next.push((above_left + usize::from(ca != *cb)).min(left + 1).min(above + 1));
        }
        row = next;
    }
    row.last().is_some_and(|distance| *distance <= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names() {
        assert!(is_near("listener", "listner"));
        assert!(is_near("mode", "Mode"));
        assert!(!is_near("socket", "upstream"));
    }
}
