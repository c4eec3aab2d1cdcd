//! All texts of notices: the built-in ones, and files in a folder that take their place.
//!
//! A folder holds one folder for each language, `nl`, with files named by the kind, `test.txt`. For the
//! built-in languages a file that is missing is the built-in text; another language has all of them.
//!
//! # Security
//!
//! The files are the administrator's, bounded in size and number, and read at start and reload only. A
//! file that nobody would read, because its name is mistyped, is a mistake.

use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

use super::template::Template;
use crate::{
    base::limits::{NOTICE_LANGUAGES, NOTICE_TEXT_BYTES},
    decision::notice::{Language, NoticeKind},
};

/// The languages that come with mail2fa.
pub const BUILT_IN: [&str; 5] = ["en", "nl", "de", "fr", "es"];

/// The built-in text of a kind; `None` for other languages.
pub fn built_in(language: &str, kind: NoticeKind) -> Option<&'static str> {
    let texts = match language {
        "en" => EN,
        "nl" => NL,
        "de" => DE,
        "fr" => FR,
        "es" => ES,
        _ => return None,
    };
    texts.into_iter().find(|(of, _)| *of == kind).map(|(_, text)| text)
}

/// The texts of one built-in language.
type BuiltIn = [(NoticeKind, &'static str); NoticeKind::ALL.len()];

/// The texts of one folder, by kind.
macro_rules! texts {
    ($language:literal) => {
        [
            (
                NoticeKind::SecondFactorOn,
                include_str!(concat!("texts/", $language, "/second_factor_on.txt")),
            ),
            (
                NoticeKind::SecondFactorOff,
                include_str!(concat!("texts/", $language, "/second_factor_off.txt")),
            ),
            (
                NoticeKind::SecondFactorMoved,
                include_str!(concat!("texts/", $language, "/second_factor_moved.txt")),
            ),
            (
                NoticeKind::SecondFactorRequired,
                include_str!(concat!("texts/", $language, "/second_factor_required.txt")),
            ),
            (
                NoticeKind::AppPasswordAdded,
                include_str!(concat!("texts/", $language, "/app_password_added.txt")),
            ),
            (
                NoticeKind::RecoveryCodeUsed,
                include_str!(concat!("texts/", $language, "/recovery_code_used.txt")),
            ),
            (
                NoticeKind::RecoveryCodesReplaced,
                include_str!(concat!("texts/", $language, "/recovery_codes_replaced.txt")),
            ),
            (
                NoticeKind::WrongCodes,
                include_str!(concat!("texts/", $language, "/wrong_codes.txt")),
            ),
            (NoticeKind::Test, include_str!(concat!("texts/", $language, "/test.txt"))),
        ]
    };
}

const EN: BuiltIn = texts!("en");
const NL: BuiltIn = texts!("nl");
const DE: BuiltIn = texts!("de");
const FR: BuiltIn = texts!("fr");
const ES: BuiltIn = texts!("es");

/// What is wrong with a folder of texts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {what}")]
pub struct TextMistake {
    /// The file or folder, below the folder of texts, with the line if there is one: `nl/test.txt:3`.
    pub file: String,
    /// What is wrong.
    pub what: String,
}

/// Checked texts, all kinds for each language.
#[derive(Clone, Debug)]
pub struct Texts(BTreeMap<Language, Vec<(NoticeKind, Template)>>);

impl Texts {
    /// The built-in texts, and over them those of a folder.
    ///
    /// # Errors
    ///
    /// All mistakes in the folder.
    pub fn load(folder: Option<&Path>) -> Result<Self, Vec<TextMistake>> {
        let mut mistakes = Vec::new();
        let mut own = Vec::new();
        if let Some(folder) = folder {
            match languages(folder) {
                Ok(found) => own = found,
                Err(mistake) => mistakes.push(mistake),
            }
        }
        let built_in = BUILT_IN.iter().filter_map(|tag| Language::parse(tag));
        let mut all: Vec<Language> = built_in.chain(own.iter().cloned()).collect();
        all.sort();
        all.dedup();
        let mut texts = BTreeMap::new();
        for language in all {
            let folder = folder.filter(|_| own.contains(&language));
            let templates = of_language(&language, folder, &mut mistakes);
            texts.insert(language, templates);
        }
        if mistakes.is_empty() { Ok(Self(texts)) } else { Err(mistakes) }
    }

    /// The text of a kind in a language.
    pub fn get(&self, language: &Language, kind: NoticeKind) -> Option<&Template> {
        self.0.get(language)?.iter().find(|(of, _)| *of == kind).map(|(_, template)| template)
    }

    /// The languages there are, in the order of their tags.
    pub fn languages(&self) -> impl Iterator<Item = &Language> {
        self.0.keys()
    }
}

fn mistake(file: impl Into<String>, what: impl Into<String>) -> TextMistake {
    TextMistake { file: file.into(), what: what.into() }
}

/// The languages that have a folder.
fn languages(folder: &Path) -> Result<Vec<Language>, TextMistake> {
    let unread = |error| mistake(folder.display().to_string(), format!("cannot be read: {error}"));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !path.is_dir() || name.starts_with('.') {
            continue;
        }
        let language = Language::parse(&name).ok_or_else(|| {
            mistake(&name, "a folder of texts is named by its language, such as en or pt-br")
        })?;
        found.push(language);
    }
    if found.len() > NOTICE_LANGUAGES {
        let what = format!("has more than {NOTICE_LANGUAGES} languages");
        return Err(mistake(folder.display().to_string(), what));
    }
    Ok(found)
}

fn of_language(
    language: &Language,
    folder: Option<&Path>,
    mistakes: &mut Vec<TextMistake>,
) -> Vec<(NoticeKind, Template)> {
    let folder = folder.map(|folder| folder.join(language.as_str()));
    if let Some(folder) = &folder {
        strangers(language, folder, mistakes);
    }
    let mut templates = Vec::new();
    for kind in NoticeKind::ALL {
        let name = format!("{language}/{}.txt", kind.as_str());
        let own = folder.as_ref().map(|folder| folder.join(format!("{}.txt", kind.as_str())));
        let text = match own.filter(|path| path.exists()) {
            Some(path) => read(&path),
            None => built_in(language.as_str(), kind)
                .map(str::to_owned)
                .ok_or_else(|| "is missing; this language has no built-in texts".to_owned()),
        };
        match text {
            Err(what) => mistakes.push(mistake(name, what)),
            Ok(text) => match Template::parse(&text, kind) {
                Ok(template) => templates.push((kind, template)),
                Err(wrong) => mistakes.push(mistake(format!("{name}:{}", wrong.line), wrong.what)),
            },
        }
    }
    templates
}

/// Texts whose names are those of no kind.
fn strangers(language: &Language, folder: &Path, mistakes: &mut Vec<TextMistake>) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            mistakes.push(mistake(language.as_str(), format!("cannot be read: {error}")));
            return;
        }
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(kind) = name.strip_suffix(".txt").filter(|name| !name.starts_with('.')) else {
            continue;
        };
        if NoticeKind::ALL.iter().all(|known| known.as_str() != kind) {
            let known: Vec<_> = NoticeKind::ALL.iter().map(|kind| kind.as_str()).collect();
            let what = format!("no notice has this name; there are {}", known.join(", "));
            mistakes.push(mistake(format!("{language}/{name}"), what));
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    let unread = |error: std::io::Error| format!("cannot be read: {error}");
    let limit = u64::try_from(NOTICE_TEXT_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unread)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(unread)?;
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())
}
