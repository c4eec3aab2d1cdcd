//! Good configurations, and every mistake with the words it is named in.

use std::time::Duration;

use super::{
    Accounts, Config, ConfigErrors, KeySource, ListenerKind, LogTarget, NoticeTransport,
    PasswordSourceKind, TempFail,
};
use crate::{
    base::{RelayedMechanism, Service},
    decision::{
        names::{Idna, MasterPolicy, NameRules, Unicode},
        notice::NoticeKind,
        place::Binding,
        session::SessionPolicy,
    },
};

struct Fixed;

impl Accounts for Fixed {
    fn uid(&self, name: &str) -> Result<Option<u32>, String> {
        match name {
            "dovenull" => Ok(Some(101)),
            "broken" => Err("no answer".into()),
            _ => Ok(None),
        }
    }

    fn gid(&self, name: &str) -> Result<Option<u32>, String> {
        Ok((name == "postfix").then_some(202))
    }
}

const CLIENT: &str = "[passwords]\nupstream = \"/run/up\"\n\
                      [[listener]]\nname = \"a\"\nkind = \"client\"\nsocket = \"/run/a\"\n";

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(text, &Fixed)
}

fn mistakes(text: &str) -> Vec<String> {
    parse(text).unwrap_err().mistakes.iter().map(ToString::to_string).collect()
}

/// Puts lines into the only listener of a configuration.
fn with_listener(lines: &str) -> String {
    format!("{CLIENT}{lines}\n")
}

/// With passwords remembered for so long.
fn cached(time: &str) -> String {
    CLIENT.replace("[passwords]\n", &format!("[passwords]\ncache = \"{time}\"\n"))
}

#[test]
fn passwords_are_remembered_only_where_that_does_anything() {
    assert_eq!(parse(&cached("45s")).unwrap().passwords.cache_seconds, 45);
    let login = |source: &str, cache: &str| {
        format!(
            "[passwords]\nsource = \"{source}\"\nvouch_secret_file = \"/v\"\ncache = \"{cache}\"\n\
             [[listener]]\nname = \"a\"\nkind = \"login\"\nsocket = \"/run/a\"\nupstream = \"/run/up\"\n"
        )
    };
    assert!(parse(&login("store", "45s")).is_ok());
    assert!(parse(&login("dovecot", "0s")).is_ok());
    let said = mistakes(&login("dovecot", "45s"));
    assert!(said[0].contains("passwords.cache: has nothing to act on"), "{said:?}");
    assert_eq!(said.len(), 1);
}

/// Puts a line into the section of sessions.
fn sessions(line: &str) -> String {
    format!("[sessions]\n{line}\n{CLIENT}")
}

#[test]
fn a_short_session_is_idle_no_longer_than_it_lives() {
    let idle = |lines: &str| parse(&sessions(lines)).unwrap().sessions.idle_seconds;
    assert_eq!(idle("absolute = \"30m\""), 1_800);
    assert_eq!(idle("absolute = \"0s\""), 3_600, "off");
    assert_eq!(idle("absolute = \"0s\"\nidle = \"5h\""), 18_000, "off");
    assert!(parse(&sessions("groups = []")).unwrap().sessions.groups.is_empty());
}

#[test]
fn what_is_not_written_has_its_default() {
    let config = parse(CLIENT).unwrap();
    assert_eq!(config.store.directory.to_str(), Some("/var/lib/mail2fa/store"));
    assert_eq!(config.store.key, KeySource::File("/etc/mail2fa/key".into()));
    assert_eq!(config.store.cache_mib, 128);
    assert_eq!(config.passwords.source, PasswordSourceKind::Dovecot);
    assert_eq!(config.passwords.cache_seconds, 0);
    assert_eq!(config.names, NameRules::default());
    assert_eq!(config.totp.issuer, "Mail");
    assert_eq!(config.sessions, SessionPolicy::default());
    assert_eq!(config.notices.transport, NoticeTransport::Smtp);
    assert_eq!(config.control.socket.to_str(), Some("/run/mail2fa/control"));
    assert_eq!(config.refusals.delay, Duration::from_secs(2));
    assert_eq!((config.log.target, config.log.level.as_str()), (LogTarget::Auto, "info"));
    let [listener] = &config.listeners[..] else { panic!("one listener") };
    assert_eq!(listener.kind, ListenerKind::Client { temp_fail: TempFail::Answer });
    assert_eq!((listener.mode, listener.connections), (0o600, 4_096));
    assert_eq!((&listener.owner, &listener.group), (&None, &None));
}

#[test]
fn every_key_is_read() {
    let config = parse(
        r#"
        [store]
        directory = "/srv/s"
        key_credential = "k"
        cache_mib = 0x10
        [passwords]
        source = "store"
        vouch_secret_file = "/etc/v"
        cache = "5m"
        [passwords.hashing]
        memory_kib = 65_536
        passes = 3
        lanes = 4
        threads = 2
        queue = 7
        [names]
        format = "%n@%Ld"
        tag_separators = "+="
        unicode = "nfc"
        idna = "unicode"
        log_unknown = true
        default_realm = "Example.org"
        translate = "%@#@"
        master_separator = "*"
        master_without_factor = "allow"
        [mechanisms]
        pass = ["oauthbearer", "GSSAPI"]
        second_factor_elsewhere = ["gssapi"]
        [totp]
        issuer = "Ünïversity Mail"
        [sessions]
        absolute = "2h"
        idle = "90s"
        parallel = "0s"
        per_mailbox = 3
        binding = "network"
        prefix_v4 = 16
        prefix_v6 = 48
        groups = [["imap", "submission"], ["managesieve", "xmpp"]]
        [notices]
        from = "Mail <noreply@example.org>"
        reply_to = "help@example.org"
        envelope_sender = "bounces@example.org"
        domain = "example.org"
        language = "pt-br"
        texts = "/etc/texts"
        transport = "sendmail"
        smtp = "192.0.2.1:2525"
        smtp_in_clear = true
        sendmail = "/opt/sendmail"
        second_factor_off = false
        [control]
        socket = "/run/c"
        [refusals]
        delay = "1500ms"
        [log]
        target = "json"
        level = "warn,mail2fa::net=trace"
        [[listener]]
        name = "in"
        kind = "login"
        upstream = "/run/u"
        socket = "/run/s"
        owner = "dovenull"
        group = "77"
        mode = "0666"
        everyone = true
        connections = 9
        "#,
    )
    .unwrap();
    assert_eq!(config.store.key, KeySource::Credential("k".into()));
    assert_eq!(config.store.cache_mib, 16);
    assert_eq!(config.names.default_realm.as_deref(), Some("Example.org"));
    assert_eq!(config.names.format, "%{user | username}@%{user | domain | lower}".parse().unwrap());
    assert_eq!(config.names.tag_separators, ['+', '=']);
    assert_eq!((config.names.unicode, config.names.idna), (Unicode::Nfc, Idna::Unicode));
    assert_eq!(config.names.translate, [('%', '@'), ('#', '@')]);
    assert!(config.names.log_unknown);
    assert_eq!(config.names.master_without_factor, MasterPolicy::Allow);
    let (bearer, kerberos) = (RelayedMechanism::OAuthBearer, RelayedMechanism::GssApi);
    assert_eq!(config.mechanisms.passed(), [bearer, kerberos]);
    assert_eq!(config.mechanisms.with_factor_elsewhere(), [kerberos]);
    let sessions = &config.sessions;
    assert_eq!((sessions.absolute_seconds, sessions.idle_seconds), (7_200, 90));
    assert_eq!(config.passwords.cache_seconds, 300);
    assert_eq!((sessions.parallel_seconds, sessions.per_mailbox), (0, 3));
    assert_eq!(sessions.binding, Binding::Prefix { v4: 16, v6: 48 });
    let xmpp = Service::Other("xmpp".into());
    let groups = vec![vec![Service::Imap, Service::Smtp], vec![Service::Sieve, xmpp]];
    assert_eq!(sessions.groups, groups);
    assert_eq!(config.refusals.delay, Duration::from_millis(1_500));
    let [listener] = &config.listeners[..] else { panic!("one listener") };
    assert_eq!(listener.kind, ListenerKind::Login { upstream: "/run/u".into() });
    assert_eq!(listener.owner.as_ref().map(|owner| owner.uid), Some(101));
    assert_eq!(listener.group.as_ref().map(|group| group.gid), Some(77));
    assert_eq!((listener.mode, listener.connections), (0o666, 9));
    assert_eq!(Config::parse(&config.to_toml(), &Fixed).unwrap(), config, "show parses to itself");
}

#[test]
fn a_client_may_hear_of_temp_fail_by_the_end_of_its_connection() {
    let config = parse(&with_listener("temp_fail = \"close\"")).unwrap();
    let [listener] = &config.listeners[..] else { panic!("one listener") };
    assert_eq!(listener.kind, ListenerKind::Client { temp_fail: TempFail::Close });
    assert_eq!(Config::parse(&config.to_toml(), &Fixed).unwrap(), config, "show parses to itself");
}

#[test]
fn mistakes_in_names() {
    for (lines, wanted) in [
        ("translate = \"%\"", "must be pairs of characters"),
        ("translate = \"%@%a\"", "is translated twice"),
        ("translate = \"%##@\"", "makes '#' of another character and something else of it"),
        ("translate = \"@.\"", "translates '@': no name with it would stay the same"),
        ("translate = \"ab\"", "translates 'a'"),
        ("translate = \"ü@\"", "of ASCII characters"),
        ("master_separator = \"**\"", "exactly one character"),
        ("master_separator = \"*+\"", "exactly one character"),
        ("master_separator = \"\"", "exactly one character"),
        ("master_separator = \"a\"", "ASCII punctuation"),
        ("master_separator = \"+\"\ntag_separators = \"-+\"", "is one of tag_separators too"),
        ("tag_separators = \"@\"", "ASCII punctuation other than @"),
        ("tag_separators = true", "must be text"),
        ("default_realm = \"a@b\"", "without @"),
        ("default_realm = \"example.org.\"", "make another one of it"),
        ("default_realm = \"exämple.org\"", "names.unicode is \"refuse\""),
        ("default_realm = \"a*b\"\nmaster_separator = \"*\"", "names.master_separator in it"),
        ("default_realm = \"xn--a\"\nidna = \"ascii\"", "no internationalized domain"),
        ("format = \"%Uu\"", "must be %u, %n, %n@%d"),
        ("format = \"%{user | regexp('a', 'b')}\"", "must be %u, %n, %n@%d"),
        ("unicode = \"nfd\"", "is not \"refuse\" or \"as_typed\" or \"nfc\""),
        ("idna = true", "must be \"off\" or \"ascii\" or \"unicode\""),
        ("idna = \"unicode\"", "set unicode to \"nfc\""),
        ("lowercase = true", "unknown key"),
    ] {
        let found = mistakes(&format!("[names]\n{lines}\n{CLIENT}"));
        assert!(found.iter().any(|mistake| mistake.contains(wanted)), "{lines}: {found:?}");
    }
}

#[test]
fn the_realm_is_folded_like_the_name() {
    let config = parse(&format!("[names]\ndefault_realm = \"Example.ORG\"\n{CLIENT}")).unwrap();
    let once = config.names.canonical(b"Alice").unwrap();
    assert_eq!(once.as_str(), "alice@example.org");
    assert_eq!(config.names.canonical(once.as_str().as_bytes()).unwrap(), once);
}

#[test]
fn all_mistakes_at_once_in_the_order_of_the_file() {
    let found = mistakes(
        "[stor]\n\
         [store]\n\
         cache_mib = 0\n\
         key_fil = \"hunter2hunter2\"\n\
         [passwords]\n\
         source = \"dovcot\"\n\
         [refusals]\n\
         delay = 2\n\
         [[listener]]\n\
         kind = \"login\"\n\
         socket = \"run/x\"\n\
         mode = 600\n\
         owner = \"nobody-here\"\n",
    );
    let expected = [
        "line 1: stor: unknown key; did you mean store? Allowed here: store, passwords, names, \
         mechanisms, totp, sessions, throttle, panel, api, notices, audit, enforcement, webmail, \
         control, refusals, log, listener",
        "line 3: store.cache_mib: 0 is not a whole number from 1 to 65536",
        "line 4: store.key_fil: unknown key; did you mean key_file? Allowed here: key_file, \
         key_credential, directory, cache_mib",
        "line 6: passwords.source: \"dovcot\" is not \"dovecot\" or \"store\"",
        "line 8: refusals.delay: must be a duration with its unit, from \"0s\" to \"30s\", in \
         quotes",
        "line 9: listener[1].name: is missing; it has no default",
        "line 9: listener[1].upstream: is missing; it has no default",
        "line 11: listener[1].socket: must be an absolute path, from / on",
        "line 12: listener[1].mode: must be permission bits in octal, in quotes, \"0000\" to \
         \"0777\", e.g. \"0600\"",
        "line 13: listener[1].owner: there is no user \"nobody-here\" on this machine",
    ];
    assert_eq!(found, expected);
}

/// Puts a line into the section of notices.
fn notices(line: &str) -> String {
    format!("[notices]\n{line}\n{CLIENT}")
}

#[test]
fn owners_are_told_once_there_is_a_sender() {
    let told = |line: &str| {
        let config = parse(&notices(line)).unwrap().notices;
        (config.enabled, config.kinds.len())
    };
    let all = NoticeKind::ALL.len();
    assert_eq!(told(""), (false, all));
    assert_eq!(told("from = \"a@example.org\""), (true, all));
    assert_eq!(told("from = \"a@example.org\"\nenabled = false"), (false, all));
    assert_eq!(told("from = \"a@example.org\"\nwrong_codes = false"), (true, all - 1));
    let days = |line: &str| parse(&notices(line)).unwrap().notices.required_days.days().to_vec();
    assert_eq!(days(""), [14, 7, 3, 1]);
    assert_eq!(days("required_days = [1, 30]"), [30, 1]);
    let relay = |line: &str| parse(&notices(line)).unwrap().notices.relay.to_string();
    assert_eq!(relay(""), "127.0.0.1:25");
    for text in ["[::1]:2525", "127.0.0.2:25", "unix:/run/smtp"] {
        assert_eq!(relay(&format!("smtp = \"{text}\"")), text);
    }
}

#[test]
fn one_mistake_each() {
    let long = format!("socket = \"/{}\"", "x".repeat(107));
    let second = "[[listener]]\nname = \"b\"\nkind = \"client\"\nsocket = \"/run/b\"\n";
    let table: Vec<(String, &str)> = vec![
        (String::new(), "listener: there is no [[listener]]"),
        ("listener = 1".into(), "must be written with double brackets, [[listener]]"),
        ("listener = [1]".into(), "listener[1]: must be a table, not a number"),
        (format!("store = 1\n{CLIENT}"), "store: must be a table, [store], not a number"),
        (with_listener("connections = 16385"), "16385 is not a whole number from 1 to 16384"),
        (with_listener("connections = -1"), "-1 is not a whole number"),
        (with_listener("connections = \"1\""), "from 1 to 16384, not text"),
        (with_listener("mode = \"0999\""), "\"0999\" is not permission bits"),
        (with_listener("mode = \"1777\""), "\"1777\" is not permission bits"),
        (with_listener("mode = \"+600\""), "\"+600\" is not permission bits"),
        (with_listener("mode = \"0602\""), "lets every user of this machine try passwords"),
        (with_listener("owner = \"broken\""), "cannot be looked up: no answer"),
        (with_listener("group = \"4294967295\""), "there is no group"),
        (with_listener("upstream = \"/run/u\""), "belongs to listeners of kind \"login\""),
        (with_listener("temp_fail = \"535\""), "\"535\" is not \"answer\" or \"close\""),
        (
            with_listener("temp_fail = \"close\"")
                .replace("\"client\"", "\"login\"\nupstream = \"/run/u\""),
            "listener[1].temp_fail: belongs to listeners of kind \"client\"",
        ),
        (
            with_listener(second).replace("\"b\"", "\"a\""),
            "listener[2].name: is also the listener[1].name",
        ),
        (
            with_listener(second).replace("/run/b", "/run/./a"),
            "listener[2].socket: is the same path as listener[1].socket",
        ),
        (
            CLIENT.replace("/run/up", "/run/a"),
            "passwords.upstream: is the same path as listener[1].socket: mail2fa would ask itself",
        ),
        (
            CLIENT.replace("\"client\"", "\"login\"\nupstream = \"/run/a\""),
            "listener[1].upstream: is the same path as listener[1].socket",
        ),
        (CLIENT.replace("/run/a", "/run/mail2fa/control"), "is the same path as control.socket"),
        (CLIENT.replace("socket = \"/run/a\"", &long), "is 108 bytes long"),
        (CLIENT.replace("\"a\"", "\"a b\""), "at most 64 letters"),
        (CLIENT.replace("\"client\"", "\"cleint\""), "\"cleint\" is not \"login\" or \"client\""),
        (
            CLIENT.replace("upstream = \"/run/up\"", ""),
            "passwords.upstream: is missing: the listener \"a\"",
        ),
        (
            CLIENT
                .replace("\"client\"", "\"login\"\nupstream = \"/run/u\"")
                .replace("[passwords]", "[passwords]\nsource = \"store\""),
            "passwords.vouch_secret_file: is missing",
        ),
        (
            format!("[store]\nkey_file = \"/a\"\nkey_credential = \"b\"\n{CLIENT}"),
            "give either this or key_file",
        ),
        (format!("[store]\nkey_credential = \"/a\"\n{CLIENT}"), "not a path"),
        (format!("[totp]\nissuer = \"a:b\"\n{CLIENT}"), "must not contain a colon"),
        (format!("[totp]\nissuer = \"\"\n{CLIENT}"), "must not be empty"),
        (format!("[totp]\nissuer = \"a\\nb\"\n{CLIENT}"), "control characters"),
        (format!("[refusals]\ndelay = \"31s\"\n{CLIENT}"), "\"31s\" is not a duration"),
        (
            format!("[passwords.hashing]\nmemory_kib = 262144\npasses = 9\n{CLIENT}")
                .replacen("[passwords]\n", "", 1)
                .replace("upstream = \"/run/up\"\n", "")
                + "[passwords]\nupstream = \"/run/up\"\n",
            "passwords.hashing.passes: times memory_kib is 2359296, more than 2097152",
        ),
        (
            cached("301s"),
            "passwords.cache: \"301s\" is not a duration with its unit, from \"0s\" to \"5m\"",
        ),
        (cached("1500ms"), "passwords.cache: must be whole seconds"),
        (sessions("absolute = \"31days\""), "\"31days\" is not a duration"),
        (sessions("absolute = \"1500ms\""), "sessions.absolute: must be whole seconds"),
        (sessions("idle = \"13h\""), "sessions.idle: is longer than sessions.absolute"),
        (sessions("idle = \"0s\""), "sessions.idle: must be longer than \"0s\""),
        (sessions("parallel = \"61s\""), "\"61s\" is not a duration"),
        (sessions("per_mailbox = 33"), "33 is not a whole number from 1 to 32"),
        (sessions("binding = \"ip\""), "is not \"address\" or \"network\" or \"none\""),
        (sessions("prefix_v4 = 15"), "15 is not a whole number from 16 to 32"),
        (sessions("prefix_v6 = 129"), "129 is not a whole number from 32 to 128"),
        (sessions("groups = \"imap\""), "must be a list of lists of service names"),
        (sessions("groups = [\"imap\"]"), "must be a list of lists of service names"),
        (sessions("groups = [[]]"), "has a group without a service"),
        (sessions("groups = [[1]]"), "must be text, not a number"),
        (sessions("groups = [[\"IMAP\"]]"), "whose name is not of at most 32 small letters"),
        (sessions("groups = [[\"smtp\"], [\"imap\", \"submission\"]]"), "has smtp twice"),
        (sessions("groups = [[\"imap\", \"imap\"]]"), "has imap twice"),
        (format!("[log]\nlevel = \"loud\"\n{CLIENT}"), "\"loud\" is not a level"),
        (format!("[log]\nlevel = \"info,=debug\"\n{CLIENT}"), "\"=debug\" is not a level"),
        (format!("{CLIENT}[store\n"), "not valid TOML"),
    ];
    each_is_one_mistake(table);
}

#[test]
fn one_mistake_each_of_notices() {
    each_is_one_mistake(vec![
        (notices("enabled = true"), "notices.from: is missing"),
        (notices("from = \"Mail\""), "notices.from: must be a mail address"),
        (notices("from = \"a@b.org, c@d.org\""), "notices.from: must be a mail address"),
        (notices("envelope_sender = \"A <a@b.org>\""), "must be a bare mail address"),
        (notices("domain = \"@b.org\""), "notices.domain: must be a domain"),
        (notices("language = \"../x\""), "must be a language's tag"),
        (notices("transport = \"lmtp\""), "\"lmtp\" is not \"smtp\" or \"sendmail\""),
        (notices("smtp = \"localhost:25\""), "notices.smtp: must be an address with its port"),
        (notices("smtp = \"127.0.0.1:0\""), "notices.smtp: must be an address with its port"),
        (notices("smtp = \"unix:x\""), "notices.smtp: must be an absolute path"),
        (notices("smtp = \"192.0.2.1:25\""), "notices.smtp: is not on this machine"),
        (notices("test = false"), "notices.test: unknown key"),
        (notices("required_days = 7"), "notices.required_days: must be a list of 1 to 16"),
        (notices("required_days = []"), "notices.required_days: must be a list of 1 to 16"),
        (notices("required_days = [0]"), "notices.required_days: must be a list of 1 to 16"),
        (notices("required_days = [3, 3]"), "notices.required_days: must be a list of 1 to 16"),
        (notices("required_days = [366]"), "notices.required_days: must be a list of 1 to 16"),
    ]);
}

#[track_caller]
fn each_is_one_mistake(table: Vec<(String, &str)>) {
    for (text, expected) in table {
        let found = mistakes(&text);
        assert!(
            found.len() == 1 && found[0].contains(expected),
            "{text}\nexpected {expected:?}\nfound {found:#?}"
        );
    }
}

#[test]
fn values_that_may_be_secrets_are_not_quoted() {
    for line in ["key_file = \"hunter2\"", "key = \"hunter2\"", "key_credential = \"/hunter2\""] {
        let errors = parse(&format!("[store]\n{line}\n{CLIENT}")).unwrap_err();
        assert!(!errors.to_string().contains("hunter2"), "{errors}");
    }
}

#[test]
fn levels_are_what_the_log_takes() {
    for level in ["info", "off", "warn,mail2fa::net=debug", "mail2fa=trace", "info, mail2fa=off"] {
        parse(&format!("[log]\nlevel = \"{level}\"\n{CLIENT}")).unwrap();
        level.parse::<tracing_subscriber::filter::Targets>().unwrap();
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_value_makes_it_panic(key in "[a-z_.]{1,20}", value in "\\PC{0,20}") {
        let _ = parse(&format!("[listener]\n{key} = {value}\n[[listener]]\n{key} = \"{value}\""));
    }
}

#[test]
fn mechanisms_that_can_never_be_listed() {
    for (name, why) in [
        ("CRAM-MD5", "no code can be asked for"),
        ("digest-md5", "no code can be asked for"),
        ("SCRAM-SHA-1", "no code can be asked for"),
        ("SCRAM-SHA-256-PLUS", "no code can be asked for"),
        ("APOP", "no code can be asked for"),
        ("NTLM", "no code can be asked for"),
        ("OTP", "no code can be asked for"),
        ("EXTERNAL", "would open any of them"),
        ("ANONYMOUS", "proves nothing"),
        ("DOVECOT-TOKEN", "between its processes"),
        ("PLAIN", "always offered"),
        ("login", "always offered"),
        ("XOAUTH3", "does not know how to judge"),
    ] {
        for key in ["pass", "second_factor_elsewhere"] {
            let found = mistakes(&format!("[mechanisms]\n{key} = [{name:?}]\n{CLIENT}"));
            let [mistake] = &found[..] else { panic!("{found:?}") };
            let start = format!("line 2: mechanisms.{key}: has {name:?} in it, ");
            assert!(mistake.starts_with(&start) && mistake.contains(why), "{mistake}");
            assert!(mistake.ends_with("Allowed: OAUTHBEARER, XOAUTH2, GSSAPI, GSS-SPNEGO"));
        }
    }
}

#[test]
fn mechanisms_must_fit_together() {
    let text = |lines: &str| format!("[mechanisms]\n{lines}\n{CLIENT}");
    for (lines, expected) in [
        (
            "pass = \"XOAUTH2\"",
            "line 2: mechanisms.pass: must be a list of names, of OAUTHBEARER, XOAUTH2, GSSAPI, GSS-SPNEGO, not text",
        ),
        ("pass = [\"XOAUTH2\", \"xoauth2\"]", "line 2: mechanisms.pass: has XOAUTH2 twice"),
        (
            "second_factor_elsewhere = [\"GSSAPI\"]",
            "line 2: mechanisms.second_factor_elsewhere: has GSSAPI in it, which does not pass: list it in mechanisms.pass too",
        ),
    ] {
        assert_eq!(mistakes(&text(lines)), [expected]);
    }
    let alone = "[passwords]\nsource = \"store\"\n[mechanisms]\npass = [\"GSSAPI\"]\n\
                 [[listener]]\nname = \"a\"\nkind = \"client\"\nsocket = \"/run/a\"\n";
    let [mistake] = &mistakes(alone)[..] else { panic!("one mistake") };
    assert!(
        mistake.starts_with("mechanisms.pass: lists mechanisms, but nobody is there"),
        "{mistake}"
    );
}

mod enforcement;
mod panel;
mod place;
mod webmail;
