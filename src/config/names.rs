//! `[names]`: from text to checked rules. What the rules do is `decision::names`'s.
//!
//! Rules of which no name would come out the same twice are mistakes here; `decision::names` would
//! refuse every such name.

use super::{
    raw::{Report, Section},
    values,
};
use crate::decision::names::{Format, FormatError, Idna, MasterPolicy, NameRules, Unicode};

type Value<'a> = toml::de::DeValue<'a>;

const POLICIES: &[(&str, MasterPolicy)] =
    &[("refuse", MasterPolicy::Refuse), ("allow", MasterPolicy::Allow)];
const UNICODE: &[(&str, Unicode)] =
    &[("refuse", Unicode::Refuse), ("as_typed", Unicode::AsTyped), ("nfc", Unicode::Nfc)];
const IDNA: &[(&str, Idna)] =
    &[("off", Idna::Off), ("ascii", Idna::Ascii), ("unicode", Idna::Unicode)];

pub(super) fn names(mut section: Section<'_>, report: &mut Report) -> NameRules {
    let mut rules = NameRules {
        format: section.read("format", report, format).unwrap_or_default(),
        default_realm: None,
        translate: section.read("translate", report, translation).unwrap_or_default(),
        tag_separators: section.read("tag_separators", report, separators).unwrap_or_default(),
        master_separator: section.read("master_separator", report, character),
        master_without_factor: section
            .read("master_without_factor", report, values::choice(POLICIES))
            .unwrap_or_default(),
        unicode: section.read("unicode", report, values::choice(UNICODE)).unwrap_or_default(),
        idna: section.read("idna", report, values::choice(IDNA)).unwrap_or_default(),
        log_unknown: section.read("log_unknown", report, values::flag).unwrap_or(false),
    };
    let separator = rules.master_separator;
    if separator.is_some_and(|separator| rules.tag_separators.contains(&separator)) {
        let what = "is one of tag_separators too: where would the name end?".into();
        section.mistake("master_separator", what, report);
    }
    if rules.idna == Idna::Unicode && rules.unicode == Unicode::Refuse {
        let what = "\"unicode\" makes names that unicode = \"refuse\" refuses: set unicode to \
                    \"nfc\", or this to \"ascii\"";
        section.mistake("idna", what.into(), report);
    }
    let realm = section.read("default_realm", report, |value| realm(value, &rules));
    rules.default_realm = realm;
    section.finish(report);
    rules
}

fn format(value: &Value<'_>) -> Result<Format, String> {
    values::text(value)?.parse().map_err(|error: FormatError| error.to_string())
}

/// A domain that comes out of the other rules as it is, but for letter case.
fn realm(value: &Value<'_>, rules: &NameRules) -> Result<String, String> {
    let realm = values::filled(value)?;
    if realm.contains(|c: char| c == '@' || c.is_whitespace()) {
        return Err("must be a domain, without @ and spaces".into());
    }
    let with_realm = NameRules { default_realm: Some(realm.clone()), ..rules.clone() };
    match with_realm.canonical(b"x") {
        Ok(_) => Ok(realm),
        Err(error) => Err(format!("makes names that cannot be used: {error}")),
    }
}

/// Exactly one such character.
fn character(value: &Value<'_>) -> Result<char, String> {
    if values::text(value)?.chars().count() != 1 {
        let what = "must be exactly one character; of several Dovecot looks at the first only";
        return Err(what.into());
    }
    separators(value)?.first().copied().ok_or_else(|| "must not be empty".into())
}

/// ASCII punctuation, each once.
fn separators(value: &Value<'_>) -> Result<Vec<char>, String> {
    let mut separators = Vec::new();
    for c in values::text(value)?.chars() {
        if !c.is_ascii_punctuation() || c == '@' {
            return Err(format!("must be ASCII punctuation other than @, and {c:?} is not"));
        }
        if !separators.contains(&c) {
            separators.push(c);
        }
    }
    Ok(separators)
}

/// Translation pairs in Dovecot's form: `"%@"` or `"#@/@"`, each first character becomes the
/// second.
fn translation(value: &Value<'_>) -> Result<Vec<(char, char)>, String> {
    let characters: Vec<char> = values::text(value)?.chars().collect();
    let mut pairs: Vec<(char, char)> = Vec::new();
    for pair in characters.chunks(2) {
        let [from, to] = *pair else {
            return Err("must be pairs of characters, from and to, e.g. \"%@\"".into());
        };
        if !from.is_ascii_graphic() || !to.is_ascii_graphic() {
            return Err("must be of ASCII characters: Dovecot translates bytes".into());
        }
        if from == '@' || from.is_ascii_alphabetic() {
            return Err(format!("translates {from:?}: no name with it would stay the same"));
        }
        if pairs.iter().any(|(seen, _)| *seen == from) {
            return Err(format!("the character {from:?} is translated twice"));
        }
        pairs.push((from, to));
    }
    match pairs.iter().find(|(_, to)| pairs.iter().any(|(from, on)| from == to && from != on)) {
        Some((_, to)) => Err(format!("makes {to:?} of another character and something else of it")),
        None => Ok(pairs),
    }
}
