//! What forms have in common: the field for a code, the token, and why something was not accepted.

use maud::{Markup, html};

use crate::{
    base::{Secret, limits::STEP_SECONDS},
    decision::refusal::Refusal,
    service::{admin::AdminError, owner::OwnerError},
    web::{
        language::Texts,
        page::{Message, with},
        visitor::{Owner, Visitor},
    },
};

/// A field for a code.
pub(super) struct CodeField<'a> {
    /// Its name in the form, and in the page.
    pub name: &'a str,
    /// The id of its label's text.
    pub label: &'a str,
    /// The id of its hint's text.
    pub hint: &'a str,
    /// Whether it is the first one to be filled in.
    pub first: bool,
    /// What is wrong with what was typed.
    pub error: Option<&'a str>,
}

impl CodeField<'_> {
    /// The field, for the six digits of an app.
    pub fn digits(&self, texts: &Texts) -> Markup {
        self.draw(texts, "numeric", 16)
    }

    fn draw(&self, texts: &Texts, keyboard: &str, longest: u8) -> Markup {
        let (hint, error) = (format!("{}-hint", self.name), format!("{}-error", self.name));
        let described = match self.error {
            Some(_) => format!("{error} {hint}"),
            None => hint.clone(),
        };
        html! {
            div.field {
                label for=(self.name) { (texts.get(self.label)) }
                p.hint id=(hint) { (texts.get(self.hint)) }
                @if let Some(text) = self.error { p.wrong id=(error) { (text) } }
                input.code id=(self.name) name=(self.name) type="text" inputmode=(keyboard)
                    autocomplete="one-time-code" autocapitalize="none" spellcheck="false"
                    aria-describedby=(described) aria-invalid=[self.error.map(|_| "true")]
                    required autofocus[self.first] maxlength=(longest);
            }
        }
    }
}

/// The field for a fresh code of somebody who has a second factor, or for a recovery code: phones show
/// another keyboard for that, so it is another field.
pub(super) fn challenge(visitor: &Visitor, error: Option<&str>, first: bool) -> Markup {
    let texts = visitor.texts();
    let recovery = visitor.wants_recovery();
    let field = CodeField {
        name: "code",
        label: if recovery { "recovery-label" } else { "code-label" },
        hint: if recovery { "recovery-hint" } else { "code-hint" },
        first,
        error,
    };
    html! {
        @if recovery {
            (field.draw(texts, "text", 32))
            p.other { a href="?" { (texts.get("code-instead")) } }
        } @else {
            (field.digits(texts))
            (seconds_left(visitor))
            p.other { a href="?recovery" { (texts.get("recovery-instead")) } }
        }
    }
}

/// How long the code of this moment is good: a number that a script keeps right.
pub(super) fn seconds_left(visitor: &Visitor) -> Markup {
    let Some(now) = visitor.panel.owner.time() else { return html! {} };
    let left = STEP_SECONDS - now.seconds() % STEP_SECONDS;
    let texts = visitor.texts();
    let live = texts.fill("seconds-live", &with("seconds", "%"));
    html! {
        p.countdown data-left=(left) data-live=(live) {
            progress max=(STEP_SECONDS) value=(left) aria-hidden="true" {}
            span { (texts.fill("seconds-static", &with("seconds", left))) }
        }
    }
}

/// The address of a form that keeps which kind of code it takes.
pub(super) fn action(visitor: &Visitor, path: &str) -> String {
    let kind = if visitor.wants_recovery() { "?recovery" } else { "" };
    format!("{}{kind}", visitor.settings().path(path))
}

/// The hidden field that every form of somebody who is signed in carries.
pub(super) fn token(owner: &Owner) -> Markup {
    let token = owner.cases().form_token(&owner.visit);
    html! { input type="hidden" name="form" value=(token); }
}

/// What was typed as a code, without the spaces in which apps and people group it.
pub(super) fn typed(code: String) -> Secret {
    let code = zeroize::Zeroizing::new(code);
    let plain: Vec<u8> = code.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    Secret::from_vec(plain)
}

/// What the field says of a refused code or change; `None` where the whole page must say it.
pub(super) fn explain(texts: &Texts, error: &OwnerError) -> Option<String> {
    let text = match error {
        OwnerError::Code(Refusal::Throttled) => texts.get("code-throttled"),
        OwnerError::Code(Refusal::UsedCode) => texts.get("code-used"),
        OwnerError::Code(_) => texts.get("code-wrong"),
        OwnerError::Change(AdminError::BadCode) => texts.get("code-malformed"),
        OwnerError::Change(AdminError::WrongCode { left }) => {
            texts.fill("code-wrong-left", &with("left", *left))
        }
        OwnerError::Change(AdminError::TooManyAppPasswords { most }) => {
            texts.fill("app-too-many", &with("most", *most))
        }
        OwnerError::Ended
        | OwnerError::NeedsPassword
        | OwnerError::Unavailable(_)
        | OwnerError::Change(_) => return None,
    };
    Some(text)
}

/// The message over a form that was not accepted.
pub(super) fn message(texts: &Texts, error: Option<&str>) -> Option<Message> {
    error.map(|_| Message::Error(texts.get("form-refused")))
}
