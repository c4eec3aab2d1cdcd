//! Known answers for every scheme and suffix, and what must be refused.
//!
//! The hashes were made by `doveadm pw` of Dovecot 2.3.19 and, where Dovecot makes none, by
//! crypt(3) of libxcrypt 4.4.33. The one without `v=` is a test vector of the Argon2 reference
//! implementation.

use proptest::prelude::*;

use super::*;
use crate::password::Argon2Cost;

/// The password of all known answers but the last.
const PASSWORD: &[u8] = "sésame 12:7".as_bytes();

#[rustfmt::skip]
const KNOWN: &[(SchemeName, &str)] = &[
    (SchemeName::Argon2i, "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$WbiY0h8zVnQhwnFyuioSTw$bjlBVe+RGFYE00kgIc6K/lpejbmnUCRmKisywKR14UY"),
    (SchemeName::Argon2id, "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$DiU92jXYMtq2mAXJZRhEGA$qsKval58fKZ0RLLuTDzONENPZiqixNOPtWTe/DCRP0o"),
    (SchemeName::BlfCrypt, "{BLF-CRYPT}$2y$05$oSAkt1epUMuuYY9edN3EQe2ZNqaizgLaLrKr.NtvtTATtaubz/eeS"),
    (SchemeName::BlfCrypt, "{BLF-CRYPT}$2y$04$3N/mKsfjJIU.EhuKdXG0L.jqL9cfyG2/K2umY8lwO6fMpu9l6yhn6"),
    (SchemeName::BlfCrypt, "{CRYPT}$2y$05$vWs06zo9r7pLx9sR/iRYJOP6tnIHtJA3cW1ZrsGxKs6z/ZwZGiWWS"),
    (SchemeName::BlfCrypt, "{CRYPT}$2a$04$UP1RhC8N401AwgF4putrTO/0Aw8PSAGO.xZi9/NCG0bXsBySqq7Du"),
    (SchemeName::BlfCrypt, "{CRYPT}$2b$04$UP1RhC8N401AwgF4putrTO/0Aw8PSAGO.xZi9/NCG0bXsBySqq7Du"),
    (SchemeName::BlfCrypt, "{BLF-CRYPT.HEX}243279243035242e596e315a77524a6e4865676b33586c36497a7865654b4b66347775344854484e4e493248714141655752374f5969485078667a6d"),
    (SchemeName::Sha512Crypt, "{SHA512-CRYPT}$6$FuYqvKFbUjlSidyl$S93bnPspOH5ClzhfcP.HCOyFBxIvGqItqvjrfWEcf9G4eNqQR73u8lnSQ8wRaHupu6xV8JU1wnZjkO1zQQwF8."),
    (SchemeName::Sha512Crypt, "{SHA512-CRYPT}$6$rounds=1234$D.LEMj2XTaVp9ibO$ByDMZGHUzEpK.dVRzsnCe/75rod.3fbX1FCUAQONwJQ.WaVq/HQ2nML.4XAkc0urbdmsMcKNvKPuIx.3ivv0W/"),
    (SchemeName::Sha512Crypt, "{SHA512-CRYPT.B64}JDYkY2RiaEsyOVFva0dyRXBURyRDZ3RRdk5xYjRIeXZhbzVmZUhScmJ5enk2bHcwNmx0d2JlOUpzanB2Li9jc3dGa05kdUx1bWVhMHBDSzlkc251cHVWOHREV2hCbnlzZ1dXRUlCU1NsLg=="),
    (SchemeName::Sha512Crypt, "{CRYPT}$6$$Z8/sE5pys3x398y.pb2K1jrMC/XnYmlDC.7dtDkknHGd1fWWOarcjHgIs8KzEzlMd5INle7iA0nJb9CY/yGwA0"),
    (SchemeName::Sha512Crypt, "{crypt}$6$rounds=1000$$UM9MHCgnWn8qcFVQxByd3f0qCLBXXatdSEpZwO3Gd0800BEEWa8uAalCBjbuaRJb4OceRZDhnvsPflZSsEb8A0"),
    (SchemeName::Sha256Crypt, "{SHA256-CRYPT}$5$WbT4jow9szVulEMy$i9Ki3ViR1rLlXFnnjFFNjlfUZJ1WKVfu0DgcMKcpR74"),
    (SchemeName::Sha256Crypt, "{SHA256-CRYPT}$5$rounds=4321$xVZDFJanZkFhtByn$3A2NCu7g9sAaXR0hvyXPNBEeFggkploDhg6wOxQDflA"),
    (SchemeName::Sha256Crypt, "{SHA256-CRYPT.HEX}2435244655613366553933536f53496563575424437a637650436d6e446668316b4c615a48754b515078747838485547556d2e736b55754756546d5553722f"),
    (SchemeName::Sha256Crypt, "{CRYPT}$5$$8.COBsaAthBqy4OAmVn6RnyIIUDrf16PqMAL1g2eNT/"),
    (SchemeName::Sha256Crypt, "{SHA512-CRYPT}$5$rounds=1000$abcdefghijklmnop$kJE7seDe5mJFa673qQv1ppysDVDCZYZRZfTbbURYij6"),
    (SchemeName::Md5Crypt, "{MD5-CRYPT}$1$jVcrpF7Z$Y6n6zkgWocP.vrhqgkwmj."),
    (SchemeName::Md5Crypt, "{MD5}$1$80r/oVyo$p6ivEr5w5wSRQGytKGqXh0"),
    (SchemeName::Md5Crypt, "{CRYPT}$1$$sohjWGNEOdhh0tI8p/noc/"),
    (SchemeName::Yescrypt, "{CRYPT}$y$j9T$F5Jx5fExrKuPp53xLKQ..1$FTdAwUbfcy88.FcIha02KW6LW4kEeFQMIhtjsDlgR04"),
    (SchemeName::Yescrypt, "{CRYPT}$y$j75$saltsalt$dMfGmyPY8QBLAuNuFqx1CEZlSw/MCcqPOt/4UeU0yaB"),
    (SchemeName::Yescrypt, "{CRYPT}$y$j75$$GPgpvOgC.ql2.5PaCadR.VB8LU32.WdP.552B1BCHQ5"),
    (SchemeName::Pbkdf2, "{PBKDF2}$1$Q6gqy1D497iAt6af$5000$bf67e422100c9dbff2b20d23b2f8a7d4b08c8ac9"),
    (SchemeName::Pbkdf2, "{PBKDF2}$1$Ysfwniy3kRZB3zhc$77$ac828ca1d4b3019e464e36d7f755569ee8ca65cf"),
    (SchemeName::Pbkdf2, "{PBKDF2.HEX}24312471337669745a635a6b5541574c6b523724353030302431396562336539343136626637303063613930396334663566666165303537333764633230633034"),
    (SchemeName::Ssha512, "{SSHA512}6yTDiCgyShtWoHOfYFkr49/cAD90Z6noy3+i343q62Gfnue5pFUpRUFoNBMdGs6/Zn/6f6Op9cp6JiU1v5VWNK6Zugw="),
    (SchemeName::Ssha512, "{SSHA512.b64}5cI5+PaHIa25tsz/P0u9wk05BQgQJqRKpy0wAR3jfcRu1oWcN0taMOa11tEZV9xi7MVQYruZBhKC4l+qMWItzkJSO7w="),
    (SchemeName::Ssha256, "{SSHA256}XtH6YIkO6hiuOkAYA6g/XBe4CvZGnyDL3+bFTSeW/qlYCV6t"),
    (SchemeName::Ssha256, "{SSHA256.BASE64}U3PFuSUyQz94xfues6X/Z+MklAkr7727tpzDZNgj4LRhb4/d"),
    (SchemeName::Ssha, "{SSHA}E6ZBwC5So3v9Hjs3+WyPJk0f5PJB/vPk"),
    (SchemeName::Ssha, "{ssha.hex}e9e2d61bb4aeb86b5829e6be115357e0d314eee22d58ce60"),
    (SchemeName::Smd5, "{SMD5}pNmLINEen+MBnCcjAKS8B5yOjRg="),
    (SchemeName::Smd5, "{SMD5.HEX}7f2ca0cf0bbea7f3f488965fc93604a60e417cef"),
    (SchemeName::Sha512, "{SHA512}oR6bvKj36oiV/Be9IEnb/D6NUG8YfdFO+logyqliviENNgUjFr4LAsL+a82cl0zo+29pxZkGf2gsCjX+Hz8xCw=="),
    (SchemeName::Sha256, "{SHA256}oE+KbjF0WvFJx9cWuJ0g5J4OjIODohlm/nWHSJZIVSw="),
    (SchemeName::Sha, "{SHA}ZamYrwj1RH+vDo7t+VzRgQ6f0+Q="),
    (SchemeName::Sha, "{SHA1}ZamYrwj1RH+vDo7t+VzRgQ6f0+Q="),
    (SchemeName::Sha, "{SHA.HEX}65a998af08f5447faf0e8eedf95cd1810e9fd3e4"),
    (SchemeName::Sha, "{SHA}65A998AF08F5447FAF0E8EEDF95CD1810E9FD3E4"),
    (SchemeName::PlainMd5, "{PLAIN-MD5}474fddc3649d95523bbec4daa499ab2c"),
    (SchemeName::PlainMd5, "{MD5}474fddc3649d95523bbec4daa499ab2c"),
    (SchemeName::PlainMd5, "{PLAIN-MD5.B64}R0/dw2SdlVI7vsTapJmrLA=="),
    (SchemeName::PlainMd5, "{LDAP-MD5}R0/dw2SdlVI7vsTapJmrLA=="),
    (SchemeName::PlainMd5, "{LDAP-MD5.HEX}474fddc3649d95523bbec4daa499ab2c"),
    (SchemeName::Plain, "{PLAIN}sésame 12:7"),
    (SchemeName::Plain, "{CLEARTEXT}sésame 12:7"),
    (SchemeName::Plain, "{clear}sésame 12:7"),
    (SchemeName::Plain, "{PLAIN.B64}c8Opc2FtZSAxMjo3"),
];

/// One cheap hash of each kind, and how many of its bytes say what it costs.
const CHEAP: &[(usize, &str)] = &[
    (
        38,
        "{ARGON2I}$argon2i$v=16$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
    ),
    (17, "{CRYPT}$2y$04$3N/mKsfjJIU.EhuKdXG0L.jqL9cfyG2/K2umY8lwO6fMpu9l6yhn6"),
    (22, "{CRYPT}$5$rounds=1000$abcdefghijklmnop$kJE7seDe5mJFa673qQv1ppysDVDCZYZRZfTbbURYij6"),
    (11, "{CRYPT}$1$jVcrpF7Z$Y6n6zkgWocP.vrhqgkwmj."),
    (15, "{CRYPT}$y$j75$saltsalt$dMfGmyPY8QBLAuNuFqx1CEZlSw/MCcqPOt/4UeU0yaB"),
    (31, "{PBKDF2}$1$Ysfwniy3kRZB3zhc$77$ac828ca1d4b3019e464e36d7f755569ee8ca65cf"),
    (6, "{SSHA}E6ZBwC5So3v9Hjs3+WyPJk0f5PJB/vPk"),
    (5, "{SHA}ZamYrwj1RH+vDo7t+VzRgQ6f0+Q="),
    (7, "{PLAIN}sésame 12:7"),
];

fn verify(hash: &str, password: &[u8]) -> Verdict {
    StoredHash::parse(hash).unwrap().verify(password, &mut Scratch::default()).unwrap()
}

#[test]
fn known_answers() {
    for (name, hash) in KNOWN {
        assert_eq!(check_hash(hash), Ok(*name), "{hash}");
        assert_eq!(verify(hash, PASSWORD), Verdict::Right, "{hash}");
    }
}

#[test]
fn wrong_passwords_are_refused() {
    let wrong: [&[u8]; 6] = [b"", b"\0", b"sesame", "sésame 12:".as_bytes(), PASSWORD, PASSWORD];
    for (name, hash) in KNOWN {
        if matches!(name, SchemeName::Argon2i | SchemeName::Argon2id) {
            // Too slow without optimisation; the cheap one below stands for them.
            continue;
        }
        for (number, password) in wrong.into_iter().enumerate() {
            let mut password = password.to_vec();
            match number {
                4 => password.push(b'7'),
                5 => password.extend(b"\0and more"),
                _ => {}
            }
            assert_eq!(verify(hash, &password), Verdict::Wrong, "{hash} {number}");
        }
    }
}

#[test]
fn the_first_version_of_argon2() {
    for version in ["", "v=16$"] {
        let hash = format!(
            "{{ARGON2I}}$argon2i${version}m=256,t=2,p=1$c29tZXNhbHQ$\
             /U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY"
        );
        assert_eq!(verify(&hash, b"password"), Verdict::Right);
        assert_eq!(verify(&hash, b"passwords"), Verdict::Wrong);
    }
}

#[test]
fn bcrypt_counts_72_bytes() {
    let long = [b'a'; 80];
    let hash = format!(
        "{{BLF-CRYPT}}{}",
        ::bcrypt::hash_with_salt(&long[..72], 4, [7; 16])
            .unwrap()
            .format_for_version(::bcrypt::Version::TwoY)
    );
    assert_eq!(verify(&hash, &long), Verdict::Right);
    assert_eq!(verify(&hash, &long[..72]), Verdict::Right);
    assert_eq!(verify(&hash, &long[..71]), Verdict::Wrong);
}

#[test]
fn new_hashes_can_be_checked_with_the_same_memory() {
    let cost = Argon2Cost { memory_kib: 64, passes: 1, lanes: 2 };
    let mut scratch = Scratch::default();
    let first = create(cost, b"one", [1; SALT], &mut scratch).unwrap();
    let larger = Argon2Cost { memory_kib: 256, ..cost };
    let second = create(larger, b"two\0", [2; SALT], &mut scratch).unwrap();
    for (hash, right, wrong) in [(&first, &b"one"[..], &b"two\0"[..]), (&second, b"two\0", b"two")]
    {
        let hash = StoredHash::parse(hash.expose()).unwrap();
        assert_eq!(hash.verify(right, &mut scratch), Ok(Verdict::Right));
        assert_eq!(hash.verify(wrong, &mut scratch), Ok(Verdict::Wrong));
    }
}

#[test]
fn without_scheme_or_of_an_unknown_one() {
    for text in ["", "secret", "$6$salt$hash", "{PLAIN", "PLAIN}x", " {PLAIN}x"] {
        let error = check_hash(text).unwrap_err();
        assert_eq!(error, malformed("password", "it does not begin with its {SCHEME}"));
    }
    for (text, name) in [
        ("{SCRAM-SHA-256}x", "SCRAM-SHA-256"),
        ("{PLAIN.ROT13}x", "PLAIN.ROT13"),
        ("{}x", "of this hash"),
        ("{hunter2}x", "of this hash"),
        ("{DES-CRYPT}08KHKHS4h0sYo", "DES-CRYPT"),
        ("{CRYPT}08KHKHS4h0sYo", "CRYPT without a $ prefix (traditional DES)"),
        ("{CRYPT}$7$x", "CRYPT with the prefix $7$ (scrypt)"),
        ("{CRYPT}$2x$x", "CRYPT with the prefix $2x$"),
        ("{CRYPT}$hunter2$x", "CRYPT with an unknown prefix"),
    ] {
        assert_eq!(check_hash(text), Err(HashError::UnknownScheme(name.to_owned())), "{text}");
    }
}

/// None of these is computed: a test that did would not end for a long time.
#[test]
fn costs_beyond_the_bounds() {
    let digits = |length| "a".repeat(length);
    for hash in [
        "{ARGON2ID}$argon2id$v=19$m=262145,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        "{ARGON2ID}$argon2id$v=19$m=65536,t=33,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        "{ARGON2ID}$argon2id$v=19$m=8,t=4294967295,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAA".into(),
        "{ARGON2ID}$argon2id$v=19$m=65536,t=1,p=17$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        "{ARGON2ID}$argon2id$v=19$m=65536,t=0,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        "{ARGON2ID}$argon2id$v=19$m=65536,t=1,p=0$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        format!("{{BLF-CRYPT}}$2y$17${}", digits(53)),
        format!("{{BLF-CRYPT}}$2y$31${}", digits(53)),
        format!("{{BLF-CRYPT}}$2y$03${}", digits(53)),
        format!("{{BLF-CRYPT}}$2y$+5${}", digits(53)),
        format!("{{CRYPT}}$6$rounds=2000001$salt${}", digits(86)),
        format!("{{CRYPT}}$5$rounds=999$salt${}", digits(43)),
        format!("{{CRYPT}}$5$rounds=99999999999$salt${}", digits(43)),
        format!("{{PBKDF2}}$1$salt$10000001${}", digits(40)),
        format!("{{PBKDF2}}$1$salt$0${}", digits(40)),
        format!("{{CRYPT}}$y$jFT$salt....${}", digits(43)),
        format!("{{CRYPT}}$y$jzT$salt....${}", digits(43)),
        format!("{{CRYPT}}$y$j9zzzzz$salt....${}", digits(43)),
        // One lane more, and more time than crypt_gensalt(3) ever asks for.
        format!("{{CRYPT}}$y$j75..$salt....${}", digits(43)),
        format!("{{CRYPT}}$y$j75/z$salt....${}", digits(43)),
    ] {
        assert!(matches!(check_hash(&hash), Err(HashError::Malformed { .. })), "{hash}");
    }
}

#[test]
fn not_of_their_form() {
    for hash in [
        "{PLAIN}",
        "{PLAIN.HEX}4",
        "{PLAIN.B64}*",
        "{SHA}ZamYrwj1RH+vDo7t+VzRgQ6f0+Q=x",
        "{SHA}AAAA",
        "{SHA}ZamYrwj1RH+vDo7t+VzRgQ6f0+Q",
        "{SHA}ZamYrwj1RH+vDo7t+VzRgQ6f0+Q=\n",
        "{SSHA}ZamYrwj1RH+vDo7t+VzRgQ6f0+Q=",
        "{MD5}nothing",
        "{MD5-CRYPT}474fddc3649d95523bbec4daa499ab2c",
        "{MD5-CRYPT}$1$longersalt$Y6n6zkgWocP.vrhqgkwmj.",
        "{MD5-CRYPT}$1$jVcrpF7Z$Y6n6zkgWocP.vrhqgkwmj.$ignored",
        "{CRYPT}$6$salt$",
        "{CRYPT}$5$rounds=1000",
        "{CRYPT}$5$säaltsalt$i9Ki3ViR1rLlXFnnjFFNjlfUZJ1WKVfu0DgcMKcpR74",
        "{BLF-CRYPT}$2y$04$3N/mKsfjJIU.EhuKdXG0L.jqL9cfyG2/K2umY8lwO6fMpu9l6yhné",
        "{PBKDF2}$2$salt$77$ac828ca1d4b3019e464e36d7f755569ee8ca65cf",
        "{PBKDF2}$1$salt$77$ac828ca1d4b3019e464e36d7f755569ee8ca65",
        "{ARGON2ID}$argon2d$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAA",
        "{ARGON2ID}$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AAAA",
        "{ARGON2ID}$argon2id$v=19$m=64,t=1,p=1,data=AAAA$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAA",
        "{ARGON2ID}$argon2id$v=20$m=64,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        assert!(matches!(check_hash(hash), Err(HashError::Malformed { .. })), "{hash}");
    }
    assert!(check_hash(&format!("{{PLAIN}}{}", "x".repeat(HASH_BYTES))).is_err());
}

#[test]
fn debug_shows_nothing() {
    let hash = StoredHash::parse("{PLAIN}hunter2").unwrap();
    assert_eq!(format!("{hash:?}"), "StoredHash(PLAIN)");
}

/// A hash whose last digit of base 64 has two bits left over, without that digit and what follows it.
const BITS_LEFT_OVER: &str = "{SHA}ZamYrwj1RH+vDo7t+VzRgQ6f0+";

#[test]
fn bits_left_over_do_not_count() {
    for (end, verdict) in [
        ("P=", Verdict::Wrong),
        ("Q=", Verdict::Right),
        ("R=", Verdict::Right),
        ("S=", Verdict::Right),
        ("T=", Verdict::Right),
        ("U=", Verdict::Wrong),
    ] {
        assert_eq!(verify(&format!("{BITS_LEFT_OVER}{end}"), PASSWORD), verdict, "{end}");
    }
}

/// Whether two texts are that hash, with other bits left over.
fn differs_in_bits_left_over(one: &str, other: &str) -> bool {
    let is_it = |text: &str| {
        text.strip_prefix(BITS_LEFT_OVER).is_some_and(|end| ["Q=", "R=", "S=", "T="].contains(&end))
    };
    is_it(one) && is_it(other)
}

/// Changes a text in one place; `place` is taken modulo its length.
fn mutate(text: &str, from: usize, place: usize, change: &Change) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let place = from + place % (chars.len() - from);
    match change {
        Change::Cut => chars.truncate(place),
        Change::Remove => drop(chars.remove(place)),
        Change::Insert(other) => chars.insert(place, *other),
        Change::Replace(other) => chars[place] = *other,
    }
    chars.into_iter().collect()
}

#[derive(Clone, Debug)]
enum Change {
    Cut,
    Remove,
    Insert(char),
    Replace(char),
}

fn change() -> impl Strategy<Value = Change> {
    let other = || prop_oneof![any::<char>(), "[ -~]".prop_map(|s| s.chars().next().unwrap())];
    prop_oneof![
        Just(Change::Cut),
        Just(Change::Remove),
        other().prop_map(Change::Insert),
        other().prop_map(Change::Replace),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn garbled_hashes_are_read_without_panic(
        which in 0..KNOWN.len(),
        changes in prop::collection::vec((any::<usize>(), change()), 1..4),
    ) {
        let mut text = KNOWN[which].1.to_owned();
        for (place, change) in &changes {
            if !text.is_empty() {
                text = mutate(&text, 0, *place, change);
            }
        }
        let _ = check_hash(&text);
    }

    #[test]
    fn any_text_is_read_without_panic(scheme in 0..KNOWN.len(), text: String) {
        let _ = check_hash(&text);
        let (scheme, _) = KNOWN[scheme].1.split_once('}').unwrap();
        let _ = check_hash(&format!("{scheme}}}{text}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn garbled_hashes_are_computed_without_panic(
        which in 0..CHEAP.len(),
        place: usize,
        change in change(),
    ) {
        let (from, text) = CHEAP[which];
        let garbled = mutate(text, from, place, &change);
        if let Ok(hash) = StoredHash::parse(&garbled) {
            let verdict = hash.verify(PASSWORD, &mut Scratch::default());
            // The letter case of hexadecimal does not count.
            if garbled.to_lowercase() != text.to_lowercase() && !differs_in_bits_left_over(&garbled, text) {
                prop_assert_ne!(verdict, Ok(Verdict::Right));
            }
        }
    }
}
