//! What `[panel]` and `[api]` have in common: where they listen, what would go over the network in the clear,
//! and what counts after a reload.

use super::*;
use crate::config::PlaceConfig;

const BOTH: [&str; 2] = ["panel", "api"];
const FILES: &str = "certificate = \"/c.pem\"\nkey = \"/k.pem\"";
const LOOPBACK: &str = "listen = \"127.0.0.1:8426\"";
const ANYWHERE: &str = "listen = \"192.0.2.1:8426\"";
const BEHIND: &str = "listen = \"192.0.2.1:8426\"\nbehind_proxy = true";

fn with(of: &str, keys: &str, tls: &str) -> String {
    format!("[{of}]\n{keys}\n[{of}.tls]\n{tls}\n{CLIENT}")
}

fn read(of: &str, keys: &str, tls: &str) -> PlaceConfig {
    let config = parse(&with(of, keys, tls)).unwrap();
    config.panel.map(|panel| panel.place).or(config.api).unwrap()
}

#[test]
fn what_is_secret_leaves_the_machine_in_tls_only() {
    for of in BOTH {
        for listen in [
            LOOPBACK,
            "listen = \"127.255.0.9:1\"",
            "listen = \"[::1]:1\"",
            "listen = \"[::ffff:127.0.0.1]:1\"",
            "listen = \"/run/mail2fa-x/socket\"",
        ] {
            assert!(read(of, listen, "").tls.is_none(), "{of} {listen}");
        }
        let files = read(of, ANYWHERE, FILES).tls.unwrap();
        assert_eq!((files.certificate, files.key), ("/c.pem".into(), "/k.pem".into()));
        assert!(read(of, "listen = \"[::]:8426\"", FILES).tls.is_some());
        assert!(read(of, BEHIND, "").tls.is_none());
        assert!(read(of, LOOPBACK, FILES).tls.is_some());
    }
}

/// All addresses, private ones, those of a link, and other spellings of them.
#[test]
fn what_is_not_loopback_is_refused_in_the_clear() {
    for of in BOTH {
        for address in [
            "192.0.2.1:8426",
            "0.0.0.0:8426",
            "[::]:8426",
            "[::ffff:0.0.0.0]:8426",
            "[::ffff:192.0.2.1]:8426",
            "[::127.0.0.1]:8426",
            "[2001:db8::1]:8426",
            "10.0.0.1:8426",
            "172.17.0.2:8426",
            "192.168.1.1:8426",
            "[fd00::1]:8426",
            "169.254.0.1:8426",
            "[fe80::1%2]:8426",
            "[::ffff:10.0.0.1]:8426",
        ] {
            let keys = format!("listen = \"{address}\"");
            let found = mistakes(&with(of, &keys, ""));
            let begins = format!("line 2: {of}.listen: passwords, codes and tokens would go over");
            assert!(found.len() == 1 && found[0].starts_with(&begins), "{address}: {found:#?}");
            for allowed in
                ["127.0.0.1", "[::1]", "Unix socket", "tls.certificate", "`behind_proxy = true`"]
            {
                assert!(found[0].contains(allowed), "{allowed}: {found:#?}");
            }
            read(of, &keys, FILES);
            read(of, &format!("{keys}\nbehind_proxy = true"), "");
        }
    }
}

/// What systemd hands over is judged alike, whatever the configuration listens to.
#[test]
fn another_address_is_judged_by_the_same_rule() {
    let (other, near) = ("192.0.2.1:1".parse().unwrap(), "[::ffff:127.0.0.1]:1".parse().unwrap());
    for of in BOTH {
        for listen in [LOOPBACK, "listen = \"/run/x\""] {
            let place = read(of, listen, "");
            assert!(place.in_clear(&other) && !place.in_clear(&near));
            assert!(place.in_clear(&"0.0.0.0:1".parse().unwrap()));
            let behind = read(of, &format!("{listen}\nbehind_proxy = true"), "");
            assert!(!behind.in_clear(&other));
        }
        assert!(!read(of, LOOPBACK, FILES).in_clear(&other));
    }
}

#[test]
fn one_mistake_each() {
    for of in BOTH {
        let named = |what: &str| format!("{of}.{what}");
        let table = [
            (with(of, ANYWHERE, "certificate = \"/c\""), named("tls.key: is missing: cert")),
            (with(of, LOOPBACK, "certificate = \"/c\""), named("tls.key: is missing: cert")),
            (with(of, LOOPBACK, "key = \"/k\""), named("tls.certificate: is missing: key is")),
            (
                with(of, LOOPBACK, "certificate = \"c\"\nkey = \"/k\""),
                named("tls.certificate: must be an absolute"),
            ),
            (with(of, LOOPBACK, &format!("{FILES}\nciphers = 1")), named("tls.ciphers: unknown")),
            (with(of, "listen = \"/run/x\"", FILES), named("tls: is for an address")),
            (with(of, BEHIND, FILES), named("behind_proxy: says that a proxy does TLS")),
            (format!("[{of}]\n{LOOPBACK}\ntls = true\n{CLIENT}"), named("tls: must be a table")),
            (with(of, "listen = \"8426\"", ""), named("listen: must be an address with its port")),
        ];
        for (text, expected) in table {
            each_is_one_mistake(vec![(text, expected.as_str())]);
        }
    }
}

#[test]
fn a_new_certificate_needs_no_restart() {
    for of in BOTH {
        let old = read(of, ANYWHERE, FILES);
        let restart = |keys: &str, tls: &str| {
            PlaceConfig::needs_restart(Some(&old), Some(&read(of, keys, tls)))
        };
        assert!(!restart(ANYWHERE, FILES));
        assert!(!restart(ANYWHERE, "certificate = \"/d\"\nkey = \"/e\""));
        assert!(restart(LOOPBACK, FILES) && restart(LOOPBACK, ""));
        assert!(restart(BEHIND, ""));
        let (plain, files) = (read(of, LOOPBACK, ""), read(of, LOOPBACK, FILES));
        assert!(PlaceConfig::needs_restart(Some(&plain), Some(&files)));
        assert!(PlaceConfig::needs_restart(Some(&old), None));
        assert!(PlaceConfig::needs_restart(None, Some(&old)));
    }
    assert!(!PlaceConfig::needs_restart(None, None));
}

/// A section that was meant to be used and is not; a header, and what says no more than the defaults, may stay.
#[test]
fn what_is_set_without_a_place_to_listen_is_a_mistake() {
    let missing = |of: &str| format!("{of}.listen: is missing, and without it nothing else");
    let mut texts = Vec::new();
    for of in BOTH {
        texts.push((with(of, "", FILES), missing(of)));
        texts.push((with(of, "behind_proxy = true", ""), missing(of)));
        assert!(parse(&with(of, "behind_proxy = false", "")).is_ok());
    }
    let panel = [
        "base_path = \"/2fa\"",
        "https = false",
        "origin = \"https://x\"",
        "proxies = [\"192.0.2.1\"]",
        "name = \"x\"",
        "logo = \"/x.png\"",
        "accent = \"#1f5fbf\"",
        "accent_dark = \"#8ab8ff\"",
        "idle = \"1m\"",
    ];
    texts.extend(panel.map(|key| (with("panel", key, ""), missing("panel"))));
    each_is_one_mistake(texts.iter().map(|(text, what)| (text.clone(), what.as_str())).collect());
    let defaults = "https = true\nbase_path = \"/\"\nname = \"Mail\"\nproxies = []\nidle = \"15m\"";
    assert!(parse(&with("panel", defaults, "")).unwrap().panel.is_none());
    let error = parse(&with("api", "behind_proxy = true", "")).unwrap_err();
    assert_eq!(error.mistakes[0].line, Some(1), "the section's");
}

#[test]
fn two_listeners_in_one_place_are_a_mistake() {
    let both = |panel: &str, api: &str| {
        format!("[panel]\nlisten = \"{panel}\"\n[api]\nlisten = \"{api}\"\n{CLIENT}")
    };
    let behind = |panel: &str, api: &str| {
        both(panel, api).replace("[api]", "behind_proxy = true\n[api]\nbehind_proxy = true")
    };
    let same = "api.listen: is the same address as panel.listen";
    each_is_one_mistake(vec![
        (both("127.0.0.1:8425", "127.0.0.1:8425"), same),
        (both("[::1]:8425", "[0:0::1]:8425"), same),
        (both("127.0.0.1:8425", "[::ffff:127.0.0.1]:8425"), same),
        (behind("0.0.0.0:8425", "127.0.0.1:8425"), same),
        (behind("127.0.0.1:8425", "0.0.0.0:8425"), same),
        (behind("[::]:8425", "127.0.0.1:8425"), same),
        (behind("[::1]:8425", "[::]:8425"), same),
        (both("/run/x", "/run//x"), "api.listen: is the same path as panel.listen"),
        (both("/run/x", "/run/mail2fa/control"), "control.socket: is the same path as api.listen"),
    ]);
    let error = parse(&both("/run/x", "/run/x")).unwrap_err();
    assert_eq!(error.mistakes[0].line, Some(4));
    for (panel, api) in [
        ("127.0.0.1:8425", "127.0.0.1:8426"),
        ("127.0.0.1:8425", "127.0.0.2:8425"),
        ("127.0.0.1:8425", "[::1]:8425"),
        ("0.0.0.0:8425", "[::1]:8425"),
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("/run/x", "/run/y"),
    ] {
        assert!(parse(&behind(panel, api)).is_ok(), "{panel} {api}");
    }
}
