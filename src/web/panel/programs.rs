//! Where a mail program wants its app password.

use maud::{Markup, html};

use crate::web::language::Texts;

/// The program's name, which is the same in all languages, and the id of the text.
const PROGRAMS: [(&str, &str); 5] = [
    ("Thunderbird", "program-thunderbird"),
    ("Apple Mail (iPhone, iPad, Mac)", "program-apple-mail"),
    ("Outlook", "program-outlook"),
    ("K-9 Mail, Thunderbird for Android, FairEmail", "program-k9"),
    ("Gmail", "program-gmail"),
];

pub(super) fn instructions(texts: &Texts) -> Markup {
    html! {
        section.card {
            h2 { (texts.get("programs-title")) }
            p { (texts.get("programs-text")) }
            @for (name, id) in PROGRAMS {
                details {
                    summary { (name) }
                    p { (texts.get(id)) }
                }
            }
        }
    }
}
