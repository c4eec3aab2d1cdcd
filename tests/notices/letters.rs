//! The mail itself: headers, encoding, addresses, and what somebody typed.

use super::*;
use base64::{Engine, engine::general_purpose::STANDARD};
use mail2fa::notice::LetterError;

fn write(letters: &Letters, name: &str, what: What) -> Result<Letter, LetterError> {
    let at = UnixMillis::from_seconds(NOW);
    letters.write(&Notice { mailbox: Mailbox::new(name).unwrap(), at, what }, Some(9))
}

fn parts(letter: &Letter) -> (String, String) {
    let text = String::from_utf8(letter.bytes.clone()).unwrap();
    assert!(text.is_ascii(), "{text}");
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "bare line ends: {text:?}");
    let (headers, body) = text.split_once("\r\n\r\n").unwrap();
    (headers.to_owned(), body.to_owned())
}

/// Undoes quoted-printable.
fn unquoted(text: &str) -> String {
    let text = text.replace("=\r\n", "");
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        if byte == b'=' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            let digits = std::str::from_utf8(&digits).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// The value of a header, unfolded, with its base64 words decoded (RFC 2047).
fn header(headers: &str, name: &str) -> String {
    let unfolded = headers.replace("\r\n ", " ");
    let found: Vec<&str> =
        unfolded.lines().filter_map(|line| line.strip_prefix(&format!("{name}: "))).collect();
    assert_eq!(found.len(), 1, "{name} in {headers}");
    let (mut value, mut encoded_before) = (String::new(), true);
    for word in found[0].split(' ') {
        let encoded = word.strip_prefix("=?utf-8?b?").and_then(|word| word.strip_suffix("?="));
        // A space between two encoded words is none.
        if !(encoded_before && (encoded.is_some() || value.is_empty())) {
            value.push(' ');
        }
        match encoded {
            Some(word) => {
                value.push_str(&String::from_utf8(STANDARD.decode(word).unwrap()).unwrap());
            }
            None => value.push_str(word),
        }
        encoded_before = encoded.is_some();
    }
    value
}

#[test]
fn a_mail_says_what_it_is() {
    let letter = write(&letters(), ALICE, What::SecondFactorOff).unwrap();
    let (headers, body) = parts(&letter);
    assert_eq!(header(&headers, "From"), "\"Example Mail\" <noreply@example.org>");
    assert_eq!(header(&headers, "To"), ALICE);
    assert_eq!(header(&headers, "Subject"), format!("2-factor authentication is off for {ALICE}"));
    assert_eq!(header(&headers, "Date"), "Fri, 15 Jan 2027 08:00:00 +0000");
    assert_eq!(header(&headers, "Auto-Submitted"), "auto-generated");
    assert_eq!(header(&headers, "Content-Language"), "en");
    assert_eq!(header(&headers, "MIME-Version"), "1.0");
    assert_eq!(header(&headers, "Content-Type"), "text/plain; charset=utf-8");
    let id = header(&headers, "Message-ID");
    assert!(id.ends_with("@example.org>") && id.len() == 32 + 14, "{id}");
    assert!(!headers.contains("Reply-To"), "{headers}");
    assert!(body.contains("on 2027-01-15 08:00 UTC.\r\n"), "{body}");
    assert_eq!(letter.envelope.from(), None, "bounces go nowhere");
    assert_eq!(letter.envelope.to().iter().map(ToString::to_string).collect::<Vec<_>>(), [ALICE]);
}

#[test]
fn two_mails_have_two_ids() {
    let letters = letters();
    let id = || header(&parts(&write(&letters, ALICE, What::Test).unwrap()).0, "Message-ID");
    assert_ne!(id(), id());
}

#[test]
fn answers_and_bounces_go_where_the_configuration_says() {
    let mut letters = letters();
    letters.sender.reply_to = Some("help@example.org".parse().unwrap());
    letters.sender.envelope = Some("bounces@example.org".parse().unwrap());
    let letter = write(&letters, ALICE, What::Test).unwrap();
    assert_eq!(header(&parts(&letter).0, "Reply-To"), "help@example.org");
    assert_eq!(letter.envelope.from().unwrap().to_string(), "bounces@example.org");
}

#[test]
fn other_languages_are_encoded() {
    for (language, subject, words) in [
        ("de", "Ein Wiederherstellungscode von ", "Übrige Codes: 9"),
        ("fr", "Un code de secours de ", "a été utilisé"),
        ("es", "Se ha usado un código de recuperación de ", "Códigos restantes:  9"),
        ("nl", "Er is een herstelcode van ", "Herstelcodes over:   9"),
    ] {
        let mut letters = letters();
        letters.language = Language::parse(language).unwrap();
        letters.sender.from = "Pošta <noreply@example.org>".parse().unwrap();
        let letter = write(&letters, ALICE, What::RecoveryCodeUsed(origin())).unwrap();
        let (headers, body) = parts(&letter);
        assert!(header(&headers, "Subject").starts_with(subject), "{headers}");
        assert!(header(&headers, "From").contains("Pošta"), "{headers}");
        let body = match header(&headers, "Content-Transfer-Encoding").as_str() {
            "base64" => {
                String::from_utf8(STANDARD.decode(body.replace("\r\n", "")).unwrap()).unwrap()
            }
            "quoted-printable" => unquoted(&body),
            _ => body,
        };
        let all = format!("{} {body}", header(&headers, "Subject"));
        assert!(all.contains(words) && all.contains("192.0.2.7"), "{all}");
    }
}

#[test]
fn names_become_addresses_or_nothing() {
    let mut letters = letters();
    let write = |letters: &Letters, name: &str| write(letters, name, What::Test);
    assert_eq!(write(&letters, "alice").unwrap_err(), LetterError::NoDomain);
    letters.domain = Some("example.org".into());
    let to = |name: &str| write(&letters, name).unwrap().envelope.to()[0].to_string();
    assert_eq!(to("alice"), ALICE);
    assert_eq!(to("alice+tag@sub.example.org"), "alice+tag@sub.example.org");
    assert_eq!(to("-oQ/tmp@example.org"), "-oQ/tmp@example.org", "after -- it is no option");
    for name in [
        "alice@",
        "@example.org",
        "a@b@example.org",
        "alice@example.org>,<eve@example.org",
        "alice,eve@example.org",
        "alice@exa_mple..org",
        "a..b@example.org",
        "x(comment)@example.org",
        "alice@example.org;eve",
    ] {
        let refused = write(&letters, name);
        assert!(matches!(refused, Err(LetterError::NotAnAddress(_))), "{name}: {refused:?}");
    }
}

#[test]
fn a_name_that_somebody_typed_stays_in_its_place() {
    let name = "x\r\nBcc: eve@evil.example\r\n\r\nhttps://evil.example/\u{202e}".to_owned();
    let letter = write(&letters(), ALICE, What::AppPasswordAdded { name }).unwrap();
    let (headers, body) = parts(&letter);
    assert!(!headers.contains("Bcc") && !body.contains("\r\nBcc"), "{headers}{body}");
    assert!(!unquoted(&body).contains("evil.example"), "{body}");
    let service = Service::parse("http://evil.example");
    let what = What::WrongCode(Origin { service, address: NetAddress::parse("x") });
    let (_, body) = parts(&write(&letters(), ALICE, what).unwrap());
    assert!(!unquoted(&body).contains("evil.example"), "{body}");
    assert!(body.contains("unknown"), "{body}");
}

/// A clock beyond reason makes no mail impossible.
#[test]
fn any_time_can_be_written() {
    for at in [0, u64::MAX / 1_000] {
        let at = UnixMillis::from_seconds(at);
        let notice = Notice { mailbox: Mailbox::new(ALICE).unwrap(), at, what: What::Test };
        letters().write(&notice, None).unwrap();
    }
}

/// A notice from while the clock had lost its time does not come from 1970, where spam filters wait for it.
#[test]
fn a_time_that_is_not_known_is_not_told() {
    let at = UnixMillis::from_seconds(59);
    let mailbox = Mailbox::new(ALICE).unwrap();
    let letter =
        letters().write(&Notice { mailbox, at, what: What::SecondFactorOff }, None).unwrap();
    let (headers, body) = parts(&letter);
    assert!(!headers.contains("1970") && !body.contains("1970"), "{headers}\n{body}");
    assert!(unquoted(&body).contains("on ?"), "{body}");
}
