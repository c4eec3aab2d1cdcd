//! The texts of the pages, one Fluent file for each language, and which language a visitor gets.
//!
//! A language has every text or is not offered: a missing or broken one is found at start and in a test.
//!
//! # Security
//!
//! Texts are files of ours or the administrator's; what is put into them is escaped by the page, like all
//! else. The visitor chooses among known languages only.

use std::{borrow::Cow, collections::BTreeMap};

use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};
use fluent_langneg::{NegotiationStrategy, negotiate_languages, parse_accepted_languages};
use unic_langid::LanguageIdentifier;

/// The languages that come with the program; the first one is what others are compared with.
const FIRST: (&str, &str) = ("en", include_str!("texts/en.ftl"));
const OTHERS: [(&str, &str); 4] = [
    ("de", include_str!("texts/de.ftl")),
    ("es", include_str!("texts/es.ftl")),
    ("fr", include_str!("texts/fr.ftl")),
    ("nl", include_str!("texts/nl.ftl")),
];

/// Why the texts cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("texts of language {language}: {why}")]
pub struct TextError {
    /// Which.
    pub language: String,
    /// What is wrong.
    pub why: String,
}

/// One language.
pub struct Texts {
    /// Its tag, for the page's `lang`.
    pub tag: LanguageIdentifier,
    bundle: FluentBundle<FluentResource>,
}

/// All languages.
pub struct Languages {
    /// The one for who accepts none of the others.
    first: Texts,
    others: Vec<Texts>,
}

impl Texts {
    fn parse(tag: &str, source: &str) -> Result<Self, TextError> {
        let error = |why: String| TextError { language: tag.to_owned(), why };
        let tag: LanguageIdentifier =
            tag.parse().map_err(|_| error("is not the tag of a language".into()))?;
        let resource = FluentResource::try_new(source.to_owned())
            .map_err(|(_, errors)| error(format!("{errors:?}")))?;
        let mut bundle = FluentBundle::new_concurrent(vec![tag.clone()]);
        // The marks would stand in e-mail addresses that people copy.
        bundle.set_use_isolating(false);
        if tag.language == "fr" {
            bundle.set_transform(Some(french_spaces));
        }
        bundle.add_resource(resource).map_err(|errors| error(format!("{errors:?}")))?;
        Ok(Self { tag, bundle })
    }

    /// A text without places to fill.
    pub fn get(&self, id: &str) -> String {
        self.fill(id, &FluentArgs::new())
    }

    /// A text with its places filled.
    pub fn fill(&self, id: &str, arguments: &FluentArgs<'_>) -> String {
        let pattern = self.bundle.get_message(id).and_then(|message| message.value());
        debug_assert!(pattern.is_some(), "no text {id}");
        pattern.map_or_else(
            || id.to_owned(),
            |pattern| {
                let mut errors = Vec::new();
                let text = self.bundle.format_pattern(pattern, Some(arguments), &mut errors);
                debug_assert!(errors.is_empty(), "{id}: {errors:?}");
                text.into_owned()
            },
        )
    }
}

/// French has a space before some marks and inside its quotation marks, at which no line may end.
fn french_spaces(text: &str) -> Cow<'_, str> {
    const PAIRS: [(&str, &str); 6] = [
        (" :", "\u{a0}:"),
        (" ;", "\u{a0};"),
        (" ?", "\u{a0}?"),
        (" !", "\u{a0}!"),
        (" »", "\u{a0}»"),
        ("« ", "«\u{a0}"),
    ];
    if !PAIRS.iter().any(|(plain, _)| text.contains(plain)) {
        return Cow::Borrowed(text);
    }
    let changed = |text: String, (plain, kept): (&str, &str)| text.replace(plain, kept);
    Cow::Owned(PAIRS.into_iter().fold(text.to_owned(), changed))
}

impl Languages {
    /// Those that come with the program.
    ///
    /// # Errors
    ///
    /// [`TextError`] if one of them cannot be read.
    pub fn built_in() -> Result<Self, TextError> {
        let others = OTHERS.iter().map(|(tag, source)| Texts::parse(tag, source));
        Ok(Self {
            first: Texts::parse(FIRST.0, FIRST.1)?,
            others: others.collect::<Result<_, _>>()?,
        })
    }

    /// The language for a visitor: the chosen one if there is such, else the best of what the browser
    /// accepts, else the first.
    pub fn choose(&self, chosen: Option<&str>, accepted: Option<&str>) -> &Texts {
        let chosen = chosen.and_then(|tag| self.all().find(|texts| texts.tag == tag));
        let wanted = parse_accepted_languages(accepted.unwrap_or_default());
        let offered: Vec<_> = self.all().map(|texts| texts.tag.clone()).collect();
        let best = negotiate_languages(&wanted, &offered, None, NegotiationStrategy::Lookup);
        let best = best.first().and_then(|best| self.all().find(|texts| texts.tag == **best));
        chosen.or(best).unwrap_or(&self.first)
    }

    fn all(&self) -> impl Iterator<Item = &Texts> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Every language by its tag, with its own name.
    pub fn names(&self) -> BTreeMap<String, String> {
        self.all().map(|texts| (texts.tag.to_string(), texts.get("language-name"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, BTreeSet},
        fs,
        path::Path,
    };

    use super::*;
    use crate::web::page::with;

    /// Each id of a file, with the names that are filled in.
    fn ids(source: &str) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut ids = BTreeMap::new();
        let mut id = "";
        for line in source.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            if let Some((name, _)) = line.split_once(" = ").filter(|_| !line.starts_with(' ')) {
                id = name;
                assert!(ids.insert(id, BTreeSet::new()).is_none(), "{id} twice");
            }
            let names = line.split('$').skip(1);
            let names = names.map(|rest| rest.split([' ', '}']).next().unwrap());
            ids.get_mut(id).unwrap().extend(names);
        }
        ids
    }

    #[test]
    fn every_language_has_what_english_has() {
        let english = ids(FIRST.1);
        assert!(english.len() > 150);
        for (tag, source) in OTHERS {
            let other = ids(source);
            for (id, names) in &english {
                assert_eq!(other.get(id), Some(names), "{tag}: {id}");
            }
            assert_eq!(other.len(), english.len(), "{tag} has more");
        }
    }

    /// All of the pages, as Rust writes them.
    fn pages(folder: &Path, text: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pages(&path, text);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                text.push_str(&fs::read_to_string(&path).unwrap());
            }
        }
    }

    /// That each one which is asked for is there is asserted in `fill`.
    #[test]
    fn every_text_is_used() {
        let mut text = String::new();
        pages(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web"), &mut text);
        for id in ids(FIRST.1).into_keys() {
            assert!(text.contains(&format!("\"{id}\"")), "{id} is on no page");
        }
    }

    #[test]
    fn numbers_have_their_plurals() {
        let languages = Languages::built_in().unwrap();
        for (tag, one, many) in [
            ("en", "try once more", "try 3 more times"),
            ("de", "noch einen Versuch", "noch 3 Versuche"),
            ("nl", "nog \u{e9}\u{e9}n keer", "nog 3 keer"),
            ("fr", "1 essai.", "3 essais"),
            ("es", "una vez m\u{e1}s", "3 veces m\u{e1}s"),
        ] {
            let texts = languages.choose(Some(tag), None);
            assert!(texts.fill("code-wrong-left", &with("left", 1)).contains(one), "{tag}");
            assert!(texts.fill("code-wrong-left", &with("left", 3)).contains(many), "{tag}");
        }
    }

    #[test]
    fn no_french_line_begins_with_a_mark() {
        let languages = Languages::built_in().unwrap();
        let french = languages.choose(Some("fr"), None);
        let text = french.fill("app-shown-text", &with("name", "Mail"));
        assert!(text.contains("«\u{a0}Mail\u{a0}»"), "{text}");
        assert!(french.get("error-prefix").ends_with("\u{a0}:"));
        assert_eq!(languages.choose(None, None).get("error-prefix"), "Error:");
    }

    #[test]
    #[should_panic(expected = "no text")]
    fn an_unknown_text_is_a_mistake() {
        Languages::built_in().unwrap().choose(None, None).get("no-such-text");
    }
}
