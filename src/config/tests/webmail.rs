//! `[[webmail]]` and the links of `[panel]`: what is read, and every mistake in it.

use super::*;
use crate::decision::webmail::WebmailRule;

const LOGIN: &str = "[passwords]\nupstream = \"/u\"\nvouch_secret_file = \"/s\"\n\
                     [[listener]]\nname = \"l\"\nkind = \"login\"\nsocket = \"/run/l\"\n\
                     upstream = \"/run/d-login\"\n";

fn webmail(lines: &str) -> String {
    format!("[[webmail]]\n{lines}\n{CLIENT}")
}

#[test]
fn every_key_is_read_and_shown() {
    let short = parse(&webmail("name = \"r\"\nnetworks = [\"127.0.0.1\"]")).unwrap();
    let rule = &short.webmail["r"];
    assert_eq!(rule.services, [Service::Imap, Service::Sieve, Service::Smtp]);
    assert_eq!((rule.idle_seconds, rule.absolute_seconds), (3_600, 43_200));
    assert!(!rule.from_browser);
    let full = "name = \"round-cube.1\"\ntoken = \"Round.cube-1\"\nservices = [\"imap\", \"submission\", \"jmap\"]\n\
                networks = [\"192.0.2.0/24\", \"2001:db8::1\"]\nfrom_browser = true\nidle = \"10m\"\n\
                absolute = \"7days\"\n[[webmail]]\nname = \"b\"\ntoken = \"t\"\nnetworks = [\"::1\"]\nabsolute = \"5m\"";
    let config = parse(&webmail(full)).unwrap();
    let networks = ["192.0.2.0/24", "2001:db8::1"];
    let networks = networks.map(|text| crate::decision::place::Network::parse(text).unwrap());
    assert_eq!(
        config.webmail["round-cube.1"],
        WebmailRule {
            token: Some("Round.cube-1".into()),
            services: vec![Service::Imap, Service::Smtp, Service::parse("jmap")],
            networks: networks.to_vec(),
            from_browser: true,
            idle_seconds: 600,
            absolute_seconds: 604_800,
        }
    );
    assert_eq!(config.webmail["b"].idle_seconds, 300, "no longer than it lives");
    assert_eq!(parse(&config.to_toml()).unwrap(), config);
    let login = format!("[[webmail]]\nname = \"r\"\nnetworks = [\"::1\"]\n{LOGIN}");
    assert_eq!(parse(&login).unwrap().webmail.len(), 1);
}

#[test]
fn every_mistake_is_named() {
    let name = "name = \"r\"";
    let networks = "networks = [\"127.0.0.1\"]";
    for (lines, expected) in [
        (networks.to_owned(), "webmail[1].name"),
        (name.to_owned(), "webmail[1].networks"),
        (format!("name = \"R x\"\n{networks}"), "small letters"),
        (format!("{name}\nnetworks = []"), "of 1 to 64"),
        (format!("{name}\nnetworks = [\"x\"]"), "a list of addresses"),
        (format!("{name}\nnetworks = \"::1\""), "a list of addresses"),
        (format!("{name}\nnetworks = [\"10.0.0.0/8\"]"), "more than a webmail's hosts"),
        (format!("{name}\nnetworks = [\"0.0.0.0/0\"]"), "more than a webmail's hosts"),
        (format!("{name}\n{networks}\nservices = []"), "one service or more"),
        (format!("{name}\n{networks}\nservices = [\"smtp\", \"submission\"]"), "smtp twice"),
        (format!("{name}\n{networks}\nservices = [\"IMAP\"]"), "small letters"),
        (
            format!("{name}\n{networks}\nservices = [\"imaps\"]"),
            "imaps, which mail servers call imap",
        ),
        (format!("{name}\n{networks}\nidle = \"2h\"\nabsolute = \"1h\""), "is longer than"),
        (format!("{name}\n{networks}\nabsolute = \"8days\""), "webmail[1].absolute"),
        (format!("{name}\n{networks}\nidle = \"0s\""), "webmail[1].idle"),
        (format!("{name}\n{networks}\nfrom_browser = 1"), "true or false"),
        (format!("{name}\n{networks}\nfrom_browser = true"), "webmail[1].token: is missing"),
        (
            format!("{name}\n{networks}\n[[webmail]]\nname = \"b\"\ntoken = \"t\"\n{networks}"),
            "webmail[1].token: is missing",
        ),
        (
            format!("{name}\ntoken = \"t\"\n{networks}\n[[webmail]]\nname = \"b\"\n{networks}"),
            "webmail[2].token: is missing",
        ),
        (format!("{name}\n{networks}\ntoken = \"\""), "webmail[1].token"),
        (format!("{name}\n{networks}\ntoken = \"a b\""), "the name of an API token"),
        (format!("{name}\n{networks}\nnetwork = 1"), "did you mean networks?"),
        (
            format!("{name}\n{networks}\n[[webmail]]\n{name}\n{networks}"),
            "the same as webmail[1].name",
        ),
    ] {
        let found = mistakes(&webmail(&lines)).join("\n");
        assert!(found.contains(expected), "{lines}: {found}");
    }
    let many = format!("{name}\n{networks}\n[[webmail]]\n").repeat(17);
    let found = mistakes(&webmail(&format!("{many}name = \"x\"\n{networks}"))).join("\n");
    assert!(found.contains("more than 16"), "{found}");
    let found = mistakes(&webmail(&name.replace("name", "[webmail.r]\nname"))).join("\n");
    assert!(!found.is_empty());
    let nobody = LOGIN.replace("vouch_secret_file = \"/s\"\n", "");
    let found = mistakes(&format!("[[webmail]]\n{name}\n{networks}\n{nobody}")).join("\n");
    assert!(found.contains("passwords.vouch_secret_file: is missing"), "{found}");
}

#[test]
fn links_begin_with_the_origin() {
    let panel = |lines: &str| format!("[panel]\nlisten = \"127.0.0.1:1\"\n{lines}\n{CLIENT}");
    let link = |lines: &str| parse(&panel(lines)).unwrap().panel.unwrap().link("abc");
    assert_eq!(link(""), "/link?t=abc");
    let origin = "origin = \"https://mail.example.org:8443\"\nbase_path = \"/a\"";
    assert_eq!(link(origin), "https://mail.example.org:8443/a/link?t=abc");
    assert_eq!(link("https = false\norigin = \"http://[::1]\""), "http://[::1]/link?t=abc");
    for (https, other) in [("", "http"), ("https = false\n", "https")] {
        let found = mistakes(&panel(&format!("{https}origin = \"{other}://a\""))).join("\n");
        assert!(found.contains(&format!("begins with {other}://, and panel.https is")), "{found}");
    }
    for wrong in ["https://", "https://a/", "a", "https://a b", "https://a\\\"b"] {
        let found = mistakes(&panel(&format!("origin = \"{wrong}\""))).join("\n");
        assert!(found.contains("scheme and host"), "{wrong}: {found}");
    }
}
