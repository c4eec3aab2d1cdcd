//! Webmails' tokens, in words of the simulation's own: what is said of a webmail, who was given which
//! token on what, and what one opens. Reckoned from docs/webmail.md, not from the code under test.

use mail2fa::{
    decision::{
        outcome::Outcome,
        place::Network,
        record::MailboxRecord,
        refusal::Refusal,
        webmail::{MintedOn, WebmailRule},
    },
    service::webmail::Exchanged,
};

use super::{
    books::{Book, Good, OPEN},
    dice::Dice,
    enforced::{By, NETS, Net},
    judge::right_password,
    people::ENROLLERS,
    places::{ELSEWHERE, EXCHANGE, HOMES, Place, service},
    world::{Login, Rules, World},
    writes::unchanged,
};

/// How long a login may take, seconds: `LOGIN_SECONDS` of the daemon.
const LOGIN_SECONDS: u64 = 90;
/// Tokens of one mailbox: `WEBMAIL_TOKENS` of the daemon; and with its sign-ins: `SESSIONS`.
const MOST: (usize, usize) = (16, 32);

/// The names that webmails may have.
const NAMES: [&str; 2] = ["roundcube", "snappy"];

/// What the administrator says of a webmail.
#[derive(Clone, Debug)]
pub struct Webmail {
    pub name: &'static str,
    /// The API token that asks for it; none for any.
    pub key: Option<&'static str>,
    services: Vec<usize>,
    net: Net,
    from_browser: bool,
    idle: u64,
    absolute: u64,
}

impl Webmail {
    /// What is configured.
    pub fn roll(dice: &mut Dice) -> Vec<Self> {
        let mut all = Vec::new();
        for name in NAMES {
            let there = !dice.one_in(3);
            let (key, services) = (dice.below(3), dice.below(3));
            let one = Self {
                name,
                key: [None, Some("one"), Some("two")][usize::try_from(key).unwrap()],
                services: [vec![0], vec![0, 1, 3], vec![0, 1, 2, 3]]
                    [usize::try_from(services).unwrap()]
                .clone(),
                net: NETS[dice.index(NETS.len())],
                from_browser: dice.one_in(4),
                idle: dice.weighed(&[(4, 600), (2, 60), (2, 3_600)]),
                absolute: dice.weighed(&[(4, 3_600), (2, 300), (2, 36_000)]),
            };
            all.extend(there.then_some(one));
        }
        all
    }

    pub fn theirs(&self) -> (String, WebmailRule) {
        let rule = WebmailRule {
            token: self.key.map(str::to_owned),
            services: self.services.iter().map(|number| service(*number)).collect(),
            networks: vec![Network::parse(self.net.0).unwrap()],
            from_browser: self.from_browser,
            idle_seconds: self.idle,
            absolute_seconds: self.absolute,
        };
        (self.name.to_owned(), rule)
    }

    fn is_at(&self, place: Place) -> bool {
        place.address.starts_with(self.net.1)
    }
}

/// A token.
#[derive(Clone, Debug)]
pub struct Token {
    /// The number of its session.
    pub id: u64,
    /// What the webmail was given, if the answer arrived.
    pub text: Option<String>,
    pub webmail: &'static str,
    pub browser: Place,
    /// A code was shown.
    pub full: bool,
    /// Milliseconds of the server's clock.
    pub opened: u64,
    pub last_use: u64,
    /// Seconds, as was said when it was minted.
    pub absolute: u64,
    pub idle: u64,
    pub from: u64,
    pub until: u64,
    /// It may have had to make room.
    pub doubtful: bool,
    pub login: u64,
}

impl Token {
    /// Whether it lives at a moment under these rules, by the clock.
    pub fn lives(&self, at: u64, rules: &Rules) -> bool {
        let Some(rule) = rules.webmails.iter().find(|rule| rule.name == self.webmail) else {
            return false;
        };
        let absolute = self.absolute.min(rule.absolute) * 1_000;
        let idle = self.idle.min(rule.idle) * 1_000;
        at + LOGIN_SECONDS * 1_000 >= self.opened
            && at < self.opened + absolute
            && at < self.last_use + idle
    }

    /// The same with something to spare: uses are noted now and then only.
    pub fn surely(&self, at: u64, rules: &Rules) -> bool {
        let spare = self.idle * 1_000 / 8 + 1_000;
        !self.doubtful
            && at >= self.opened
            && self.lives(at, rules)
            && self.lives(at + spare, rules)
    }

    pub fn surely_lives(&self, login: &Login) -> bool {
        self.surely(login.arrival, &login.rules)
    }

    /// Whether it is for this door.
    pub fn opens(&self, login: &Login) -> bool {
        let Some(rule) = login.rules.webmails.iter().find(|rule| rule.name == self.webmail) else {
            return false;
        };
        let webmail = rule.is_at(login.via) || rule.is_at(login.place);
        let browser = rule.from_browser
            && !login.place.narrow.is_empty()
            && login.via == login.place
            && login.place == self.browser;
        rule.services.contains(&login.service) && (webmail || browser)
    }
}

impl Book {
    /// The token that was typed, open or not.
    pub fn token(&self, typed: &str) -> Option<&Token> {
        self.tokens.iter().find(|token| token.text.as_deref() == Some(typed))
    }

    pub fn token_mut(&mut self, typed: &str) -> Option<&mut Token> {
        self.tokens.iter_mut().find(|token| token.text.as_deref() == Some(typed))
    }

    /// Whether so many more sign-ins and tokens are more than there is room for.
    pub fn crowded(&self, more: usize) -> bool {
        let tokens = self.tokens.iter().filter(|token| token.until == OPEN).count();
        let sign_ins = self.sign_ins.iter().filter(|sign_in| sign_in.until == OPEN).count();
        tokens + sign_ins + more > MOST.1
    }
}

impl World {
    /// Somebody at the form of a webmail.
    pub fn at_webmail(&mut self) -> Login {
        let mut dice = Dice::new(self.dice.next());
        let name = (*dice.pick(&ENROLLERS).unwrap()).to_owned();
        let browser = if dice.one_in(4) {
            ELSEWHERE[dice.index(ELSEWHERE.len())]
        } else {
            HOMES[dice.index(HOMES.len())]
        };
        let mut login = self.arriving(&name, browser);
        let names: Vec<_> = login.rules.webmails.iter().map(|webmail| webmail.name).collect();
        login.webmail = dice.pick(&names).copied().unwrap_or(NAMES[0]);
        login.service = EXCHANGE;
        let password = self.password(&mut dice, &name);
        let secret = self.book(&name).now().secret;
        let sets = &self.book(&name).sets;
        let recovery = sets.iter().rfind(|set| set.until == OPEN);
        let recovery = recovery.and_then(|set| dice.pick(&set.codes).cloned());
        let factor = match (dice.below(12), secret) {
            (1, _) => Some(format!("{:06}", dice.below(1_000_000))),
            (2, _) => recovery,
            (0, _) | (_, None) => None,
            (n, Some(secret)) => {
                let digits = super::places::code(&secret, self.now / 30_000 + (n % 3) - 1);
                Some(if n == 3 { format!("{} {}", &digits[..3], &digits[3..]) } else { digits })
            }
        };
        login.typed = match &factor {
            Some(factor) => format!("{password}\0{factor}"),
            None => password.clone(),
        };
        login.apart = Some((password, factor));
        login
    }

    /// An exchange looks at the mailbox before its login begins: what is right is right by that moment, and
    /// by the settings that hold then.
    pub fn login_comes(&mut self) {
        let (now, era, rules) = (self.now, self.era, std::sync::Arc::clone(&self.rules));
        let Some(login) = self.login().filter(|login| login.apart.is_some() && !login.clocked)
        else {
            return;
        };
        (login.clocked, login.arrival, login.era, login.rules) = (true, now, era, rules);
        let mut login = login.clone();
        login.good = self.good(&login);
        self.login().into_iter().for_each(|own| own.clone_from(&login));
    }

    /// Somebody with a token, or with what looks like one.
    pub fn token_bearer(&mut self, dice: &mut Dice, login: &mut Login) {
        let names = ENROLLERS.iter().map(|name| (*name).to_owned());
        let all: Vec<(String, Token)> = names
            .flat_map(|name| {
                let tokens = self.book(&name).tokens.iter().rev().take(6).cloned();
                tokens.map(|token| (name.clone(), token)).collect::<Vec<_>>()
            })
            .filter(|(_, token)| token.text.is_some())
            .collect();
        let open: Vec<_> = all.iter().filter(|(_, token)| token.until == OPEN).cloned().collect();
        let chosen = if dice.one_in(4) { &all } else { &open };
        let Some((name, token)) = dice.pick(chosen).cloned() else {
            login.typed = format!("m2fw_1_{}_w", "a".repeat(28));
            return;
        };
        let text = token.text.unwrap();
        for own in [&mut login.authcid, &mut login.user, &mut login.opened] {
            own.clone_from(&name);
        }
        login.typed = match dice.below(12) {
            0 => text.to_uppercase(),
            1 => text.replacen(&format!("_{}_", token.id), &format!("_{}_", token.id + 1), 1),
            2 => format!("{}a_w", &text[..text.len() - 3]),
            3 => {
                let other = (*dice.pick(&ENROLLERS).unwrap()).to_owned();
                for own in [&mut login.authcid, &mut login.user, &mut login.opened] {
                    own.clone_from(&other);
                }
                text
            }
            4 if dice.one_in(2) => {
                login.authzid.clone_from(&name);
                login.authcid = "chief@example.org".into();
                login.user.clone_from(&login.authcid);
                text
            }
            _ => text,
        };
        let rule = login.rules.webmails.iter().find(|rule| rule.name == token.webmail);
        let hosts: Vec<Place> = HOMES
            .into_iter()
            .chain(ELSEWHERE)
            .filter(|p| rule.is_some_and(|r| r.is_at(*p)))
            .collect();
        let host = dice.pick(&hosts).copied().unwrap_or(ELSEWHERE[0]);
        (login.place, login.via) = match dice.below(8) {
            0..=2 => (host, host),
            3 => (token.browser, host),
            4 => (host, token.browser),
            5 => (token.browser, token.browser),
            6 => (token.browser, ELSEWHERE[dice.index(ELSEWHERE.len())]),
            _ => (ELSEWHERE[dice.index(ELSEWHERE.len())], HOMES[dice.index(HOMES.len())]),
        };
    }

    /// Whether a write adds a webmail's token.
    pub fn is_mint(before: Option<&MailboxRecord>, after: &MailboxRecord) -> bool {
        let old = |id| before.is_some_and(|before| before.sessions.iter().any(|s| s.id == id));
        after.sessions.iter().any(|s| s.webmail.is_some() && !old(s.id))
    }

    /// A token is minted by who has shown everything, and for nothing more.
    pub fn mint_wrote(
        &mut self,
        id: u64,
        name: &str,
        before: Option<&MailboxRecord>,
        after: &MailboxRecord,
    ) -> Result<(), String> {
        let (seq, now, latest) = (self.seq, self.now, self.latest);
        let login = self.logins.get(&id).cloned().ok_or("unknown")?;
        let Some((password, _)) = &login.apart else { return Err("minted at a door".into()) };
        if login.user != name {
            return Err(format!("a token of {name}"));
        }
        if let Some(before) = before {
            unchanged(before, after)?;
        }
        right_password(&login, password)?;
        let standing = self.book(name).now();
        let looked = login.first_look.ok_or("nobody looked")?;
        if standing.locked || !self.book(name).is_unchanged(looked, seq) {
            return Err("minted for a mailbox that was changed meanwhile, or locked".into());
        }
        let proved = match login.burned {
            Some(Good::Code | Good::Recovery) => true,
            _ => standing.secret.is_some() && self.session(&login)?,
        };
        if standing.secret.is_some() != proved {
            return Err("minted without a code where one is asked".into());
        }
        let old: Vec<u64> = before.iter().flat_map(|b| &b.sessions).map(|s| s.id).collect();
        let fresh: Vec<_> = after.sessions.iter().filter(|s| !old.contains(&s.id)).collect();
        let [session] = fresh[..] else { return Err("minted more than one".into()) };
        let grant = session.webmail.as_ref().ok_or("minted a sign-in")?;
        let full = grant.minted_on == MintedOn::PasswordAndCode;
        if full != proved || grant.webmail != login.webmail {
            return Err(format!("minted as {grant:?}"));
        }
        // What was said of the webmail at some moment of this exchange counts.
        let rules = std::sync::Arc::clone(&self.rules);
        let opened = session.opened.at.millis();
        let rule = {
            let old = self.before.iter().filter(|(until, _)| *until >= login.began);
            let said =
                old.map(|(_, rules)| rules).chain([&rules]).flat_map(|rules| &rules.webmails);
            let mut said = said.filter(|rule| rule.name == login.webmail);
            said.find(|rule| {
                let ends = opened + rule.absolute * 1_000;
                session.ends.millis() == ends && session.idle_seconds == rule.idle
            })
            .cloned()
        };
        let rule = rule.ok_or("minted for another time than was said, or for no webmail")?;
        if opened > latest {
            return Err("minted in the future".into());
        }
        let book = self.book(name);
        let gone = book.gone();
        if book.tokens.iter().any(|token| token.id == session.id && token.from > gone) {
            return Err("a number comes back".into());
        }
        let open = |until: &u64| *until == OPEN;
        let tokens = book.tokens.iter().filter(|t| open(&t.until)).count() + 1;
        let all = tokens + book.sign_ins.iter().filter(|s| open(&s.until)).count();
        for token in &mut book.tokens {
            let over = tokens > MOST.0 || all > MOST.1;
            token.doubtful |= over || !token.surely(now, &rules) || !token.surely(opened, &rules);
        }
        for sign_in in &mut book.sign_ins {
            sign_in.doubtful |= all > MOST.1
                || !sign_in.surely_lives(now, &rules)
                || !sign_in.surely_lives(opened, &rules);
        }
        book.tokens.push(Token {
            id: session.id,
            text: None,
            webmail: rule.name,
            browser: login.place,
            full,
            opened,
            last_use: opened,
            absolute: rule.absolute,
            idle: rule.idle,
            from: seq,
            until: OPEN,
            doubtful: false,
            login: id,
        });
        book.stand(seq, |standing| standing.record = true);
        for (other, running) in &mut self.logins {
            running.raced |= *other != id && running.user == name;
        }
        self.tallies.add("minted");
        self.tell(name, || format!("exchange {id} minted a token, full: {full}"));
        Ok(())
    }

    /// An exchange was answered.
    pub fn exchanged(&mut self, id: u64, exchanged: Exchanged) {
        let outcome = match exchanged {
            Exchanged::Token(minted) => return self.given(id, &minted),
            Exchanged::CodeRequired => {
                let Some(login) = self.logins.get(&id).cloned() else { return };
                let asked = self.stood(&login, &login.user, |standing| standing.secret.is_some());
                if right_password(&login, &login.password()).is_err() || !asked {
                    self.fail(&login.user, format!("exchange {id}: a code was asked for nothing"));
                }
                Outcome::Refused(Refusal::MissingCode)
            }
            Exchanged::Refused(refusal) => Outcome::Refused(refusal),
            Exchanged::Throttled { .. } => Outcome::Refused(Refusal::Throttled),
            Exchanged::Unavailable(why) => Outcome::Unavailable(why),
        };
        self.answered_login(id, &outcome);
    }

    fn given(&mut self, id: u64, minted: &mail2fa::service::webmail::Minted) {
        let Some(login) = self.logins.remove(&id) else { return };
        self.seq += 1;
        self.tallies.add("exchanged for a token");
        let name = login.user.clone();
        let text = minted.token.expose().to_owned();
        let written = self.book(&name).tokens.iter_mut().find(|token| token.login == id);
        let same = written.is_some_and(|token| {
            token.text = Some(text);
            token.id == minted.session
        });
        if !same || minted.mailbox.as_str() != name || login.told != 1 || login.faulted {
            self.fail(&name, format!("exchange {id}: gave a token that nobody wrote: {minted:?}"));
        }
        self.came_in(&login);
    }

    /// A token opened a door: it is one of this mailbox, for this door, and it lived.
    pub fn token_opened(&mut self, login: &Login) -> Result<bool, String> {
        if login.user != login.opened || login.asked.is_some() {
            return Err("a token opened another mailbox, or was tried as a password".into());
        }
        let until = self.seq;
        let book = self.book(&login.user);
        let standings = book.between(login.source, until);
        let token = book.token(&login.typed).ok_or("not a token of this mailbox")?;
        if !token.lives(login.arrival, &login.rules) || !token.opens(login) {
            return Err("a token past its end, or at a door that it is not for".into());
        }
        let by = By::Token { full: token.full };
        let fits = standings.iter().any(|(from, until, standing)| {
            !standing.locked
                && standing.secret.is_some() == token.full
                && token.from <= *until
                && token.until > *from
                && login.rules.enforced.opens(standing, login, by)
        });
        if fits { Ok(true) } else { Err("the token was ended, or more is asked by now".into()) }
    }
}
