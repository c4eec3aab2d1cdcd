//! One text of a notice: a subject, an empty line, and what follows, with placeholders in braces.
//!
//! # Security
//!
//! The text is the administrator's, bounded and checked as a whole before it is used. The values are
//! not: see [`plain`].

use crate::{
    base::limits::{NOTICE_SUBJECT_BYTES, NOTICE_TEXT_BYTES, NOTICE_VALUE_CHARACTERS},
    decision::notice::{NoticeKind, Placeholder},
};

/// A checked text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    subject: Vec<Part>,
    body: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Placeholder),
}

/// What stands in for the placeholders.
pub trait Values {
    /// The value, as it was typed or measured.
    fn value(&self, placeholder: Placeholder) -> String;
}

/// What is wrong with a text, and in which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub(super) line: usize,
    pub(super) what: String,
}

impl Template {
    /// Reads a text: `Subject: …`, an empty line, the rest.
    ///
    /// # Errors
    ///
    /// The first mistake: a placeholder that this kind does not have, one that is not closed, no
    /// subject, control characters, too long.
    pub fn parse(text: &str, kind: NoticeKind) -> Result<Self, Wrong> {
        let wrong = |line: usize, what: String| Err(Wrong { line, what });
        if text.len() > NOTICE_TEXT_BYTES {
            return wrong(1, format!("the text is longer than {NOTICE_TEXT_BYTES} bytes"));
        }
        let text = text.replace("\r\n", "\n");
        let mut lines = text.split('\n');
        let first = lines.next().unwrap_or_default();
        let Some(subject) = first.strip_prefix("Subject: ").map(str::trim) else {
            return wrong(1, "must be \"Subject: \" and the subject".into());
        };
        if subject.is_empty() || subject.len() > NOTICE_SUBJECT_BYTES {
            return wrong(1, format!("a subject has 1 to {NOTICE_SUBJECT_BYTES} bytes"));
        }
        if lines.next() != Some("") {
            return wrong(2, "must be empty: it parts subject and text".into());
        }
        let rest: Vec<&str> = lines.collect();
        let body = rest.join("\n");
        if body.trim().is_empty() {
            return wrong(3, "there is no text".into());
        }
        Ok(Self { subject: parts(subject, 1, kind)?, body: parts(&body, 3, kind)? })
    }

    /// The subject, in one line.
    pub fn subject(&self, values: &dyn Values) -> String {
        fill(&self.subject, values)
    }

    /// The text, with `\n` at the end of lines.
    pub fn body(&self, values: &dyn Values) -> String {
        fill(&self.body, values)
    }

    /// The placeholders that it uses.
    pub fn uses(&self, placeholder: Placeholder) -> bool {
        self.subject.iter().chain(&self.body).any(|part| *part == Part::Value(placeholder))
    }
}

/// Cuts a text at its placeholders; `line` is the number of its first line.
fn parts(text: &str, line: usize, kind: NoticeKind) -> Result<Vec<Part>, Wrong> {
    let at = |before: &str| line + before.matches('\n').count();
    let bad = |c: char| c.is_control() && c != '\n' && c != '\t';
    if let Some((before, _)) = text.split_once(bad) {
        return Err(Wrong { line: at(before), what: "has a control character in it".into() });
    }
    let (mut parts, mut done) = (Vec::new(), String::new());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        done.push_str(before);
        let here = at(&done);
        let Some((word, behind)) = after.split_once('}') else {
            return Err(Wrong { line: here, what: "has a { without its }".into() });
        };
        let known = kind.placeholders().iter().find(|known| known.as_str() == word);
        let Some(known) = known else {
            return Err(Wrong { line: here, what: unknown(word, kind) });
        };
        parts.push(Part::Text(before.to_owned()));
        parts.push(Part::Value(*known));
        done.push_str(word);
        rest = behind;
    }
    parts.push(Part::Text(rest.to_owned()));
    parts.retain(|part| *part != Part::Text(String::new()));
    Ok(parts)
}

fn unknown(word: &str, kind: NoticeKind) -> String {
    let short: String = word.chars().take(40).collect();
    let allowed: Vec<String> =
        kind.placeholders().iter().map(|known| format!("{{{}}}", known.as_str())).collect();
    format!("has the unknown placeholder {{{short}}}; allowed here: {}", allowed.join(", "))
}

fn fill(parts: &[Part], values: &dyn Values) -> String {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Text(fixed) => text.push_str(fixed),
            Part::Value(placeholder) => text.push_str(&shown(*placeholder, values)),
        }
    }
    text
}

fn shown(placeholder: Placeholder, values: &dyn Values) -> String {
    let value = plain(&values.value(placeholder));
    match placeholder {
        // Words of the one who logged in, or who has the mailbox open: no link may come of them.
        Placeholder::AppPassword | Placeholder::Service => {
            value.replace(['.', ':', '/', '@', '<', '>', '\\'], "\u{b7}")
        }
        Placeholder::Mailbox
        | Placeholder::Time
        | Placeholder::Address
        | Placeholder::Left
        | Placeholder::Date
        | Placeholder::Days => value,
    }
}

/// A value as it may stand in a mail: one line, bounded, nothing that turns the direction of writing.
fn plain(value: &str) -> String {
    let replaced = |c: char| {
        let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}');
        let hidden = matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}');
        if c.is_control() || turns || hidden { '\u{fffd}' } else { c }
    };
    value.chars().take(NOTICE_VALUE_CHARACTERS).map(replaced).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(&'static str);

    impl Values for Fixed {
        fn value(&self, _: Placeholder) -> String {
            self.0.to_owned()
        }
    }

    fn parse(text: &str) -> Result<Template, (usize, String)> {
        Template::parse(text, NoticeKind::AppPasswordAdded)
            .map_err(|wrong| (wrong.line, wrong.what))
    }

    #[test]
    fn placeholders_are_filled() {
        let text = "Subject: To {mailbox}\n\n{time}: {app_password}}\n{mailbox}";
        let template = parse(text).unwrap();
        assert_eq!(template.subject(&Fixed("x")), "To x");
        assert_eq!(template.body(&Fixed("x")), "x: x}\nx");
        assert!(template.uses(Placeholder::Time) && !template.uses(Placeholder::Left));
        assert_eq!(parse(&text.replace('\n', "\r\n")), Ok(template), "lines as Windows ends them");
        // What stands in a value is not looked at again.
        assert_eq!(parse(text).unwrap().subject(&Fixed("{time}")), "To {time}");
    }

    #[test]
    fn every_mistake_is_named_with_its_line() {
        let long = format!("Subject: x\n\n{}", "x".repeat(NOTICE_TEXT_BYTES));
        let table = [
            ("", 1, "must be \"Subject: \""),
            ("Hello\n\nyou", 1, "must be \"Subject: \""),
            ("Subject:   \n\nx", 1, "a subject has"),
            ("Subject: x\nyou", 2, "must be empty"),
            ("Subject: x\n\n \n", 3, "there is no text"),
            ("Subject: x\n\na\n{left}", 4, "unknown placeholder {left}; allowed here: {mailbox}, "),
            ("Subject: {Mailbox}\n\na", 1, "unknown placeholder {Mailbox}"),
            ("Subject: x\n\n{mailbox} {\n", 3, "has a { without its }"),
            ("Subject: x\n\n{mailbox}\nb\u{7}", 4, "has a control character"),
            (&long, 1, "the text is longer than"),
        ];
        for (text, line, words) in table {
            let (found, what) = parse(text).unwrap_err();
            assert!(found == line && what.contains(words), "{text:?}: {found}: {what}");
        }
    }

    #[test]
    fn a_value_is_one_line_and_no_link() {
        let text = "Subject: {app_password}\n\n{app_password} {mailbox}";
        let subject = |value| parse(text).unwrap().subject(&Fixed(value));
        assert_eq!(subject("x\r\nBcc: y"), "x\u{fffd}\u{fffd}Bcc\u{b7} y");
        assert_eq!(
            subject("see https://evil.example"),
            "see https\u{b7}\u{b7}\u{b7}evil\u{b7}example"
        );
        assert_eq!(subject("\u{202e}gpj"), "\u{fffd}gpj");
        assert_eq!(subject("K-9 (phone)"), "K-9 (phone)");
        let long: &'static str = "x".repeat(1_000).leak();
        assert_eq!(subject(long).len(), NOTICE_VALUE_CHARACTERS);
    }
}
