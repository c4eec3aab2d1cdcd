//! The texts of the pages, one Fluent file for each language, and which language a visitor gets.
//!
//! A language has every text or is not offered: a missing or broken one is found at start and in a test.
//!
//! # Security
//!
//! Texts are files of ours or the administrator's; what is put into them is escaped by the page, like all
//! else. The visitor chooses among known languages only.

use std::collections::BTreeMap;

use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};
use fluent_langneg::{NegotiationStrategy, negotiate_languages, parse_accepted_languages};
use unic_langid::LanguageIdentifier;

/// The languages that come with the program; the first one is what others are compared with.
const FIRST: (&str, &str) = ("en", include_str!("texts/en.ftl"));
const OTHERS: [(&str, &str); 0] = [];

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
        pattern.map_or_else(
            || id.to_owned(),
            |pattern| {
                let mut errors = Vec::new();
                self.bundle.format_pattern(pattern, Some(arguments), &mut errors).into_owned()
            },
        )
    }
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
