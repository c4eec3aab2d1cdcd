//! A secret on a page: the QR code, a link for a phone that shows this page itself, and the text to type.
//!
//! # Security
//!
//! The QR code is drawn here, as a part of the page: it is at no address that could be fetched again, and
//! no other machine ever sees the secret.

use maud::{Markup, PreEscaped, html};
use qrcode::{EcLevel, QrCode, render::svg};

use crate::{service::admin::Enrolment, web::language::Texts};

/// Characters between two spaces.
const GROUP: usize = 4;

pub(super) fn show(texts: &Texts, enrolment: &Enrolment) -> Markup {
    html! {
        p { (texts.get("scan-text")) }
        div.scan {
            @if let Some(picture) = draw(enrolment.otpauth_uri.expose()) {
                div.qr role="img" aria-label=(texts.get("scan-picture")) { (PreEscaped(picture)) }
            }
            (by_hand(texts, enrolment))
        }
    }
}

/// For who cannot scan.
fn by_hand(texts: &Texts, enrolment: &Enrolment) -> Markup {
    html! {
        div {
            p { a.button href=(enrolment.otpauth_uri.expose()) { (texts.get("scan-link")) } }
            details open {
                summary { (texts.get("scan-by-hand")) }
                p.hint { (texts.get("scan-by-hand-text")) }
                p.copy {
                    code id="secret" { (groups(enrolment.secret.expose())) }
                    button type="button" hidden data-copy="secret" data-done=(texts.get("copy-done")) {
                        (texts.get("copy-button"))
                    }
                }
                dl {
                    dt { (texts.get("scan-account")) }
                    dd { (enrolment.mailbox) }
                    dt { (texts.get("scan-kind")) }
                    dd { (texts.get("scan-kind-text")) }
                }
            }
        }
    }
}

/// `abcdefgh` as `abcd efgh`.
fn groups(secret: &str) -> String {
    let mut text = String::new();
    for (place, character) in secret.chars().enumerate() {
        if place > 0 && place % GROUP == 0 {
            text.push(' ');
        }
        text.push(character);
    }
    text
}

/// The picture, as an element of a page. A name may be too long for one; then there is the text.
fn draw(uri: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(uri, EcLevel::M).ok()?;
    let drawn = code
        .render::<svg::Color<'_>>()
        .min_dimensions(240, 240)
        .dark_color(svg::Color("#000"))
        .light_color(svg::Color("#fff"))
        .build();
    drawn.find("<svg").and_then(|begin| drawn.get(begin..).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_an_element_without_header_script_or_style() {
        let drawn =
            draw("otpauth://totp/Mail:alice@example.org?secret=GEZDGNBV&issuer=Mail").unwrap();
        assert!(drawn.starts_with("<svg") && drawn.ends_with("</svg>"), "{drawn}");
        for word in ["<?xml", "style=", "<script", "<style", "href"] {
            assert!(!drawn.contains(word), "{word}");
        }
        assert_eq!(draw(&"x".repeat(5_000)), None);
    }

    #[test]
    fn a_secret_is_read_in_groups() {
        assert_eq!(groups("GEZDGNBVGY"), "GEZD GNBV GY");
    }
}
