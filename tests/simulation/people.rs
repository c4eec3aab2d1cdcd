//! Who logs in: owners, their programs, thieves, eavesdroppers, master users.

use std::sync::Arc;

use super::{
    books::OPEN,
    dice::Dice,
    places::{ELSEWHERE, HOMES, Place, code},
    world::{Login, World},
};

/// The mailboxes whose standing changes.
pub const ENROLLERS: [&str; 6] = [
    "alice@example.org",
    "bob@example.org",
    "carol@example.org",
    "dave@example.org",
    "chief@example.org",
    "admin@example.org",
];

/// Another name of a mailbox, known to the mail server only.
pub const ALIASES: [(&str, &str); 2] =
    [("al@example.org", "alice@example.org"), ("info@example.org", "bob@example.org")];

/// Master users in a mailbox, by names that only the mail server understands.
pub const HIDDEN: [(&str, &str, &str); 3] = [
    ("alice%chief@example.org", "chief@example.org", "alice@example.org"),
    ("bob%admin@example.org", "admin@example.org", "bob@example.org"),
    ("bob%chief@example.org", "chief@example.org", "bob@example.org"),
];

/// A password as people have them: some end like a code, some have a dash where recovery codes do.
pub fn new_password(dice: &mut Dice) -> String {
    let number = dice.below(1_000_000);
    match dice.below(5) {
        0 => format!("hunter{number:06}"),
        1 => format!("pw {number} "),
        2 => format!("abcde-fghi{}", number % 10),
        3 => format!("T9D3K!px{number}x"),
        _ => format!("{number:06}"),
    }
}

/// Who it is.
#[derive(Clone, Copy, Debug)]
enum Who {
    Owner,
    OwnerAgain,
    Program,
    Recovery,
    Thief,
    Guesser,
    Eavesdropper,
    Webmail,
    Master,
    OtherName,
    Confused,
    Token,
}

impl World {
    /// Somebody who logs in next; with how many connections at once.
    #[expect(clippy::too_many_lines, reason = "one arm for each sort of person")]
    pub fn somebody(&mut self) -> (Login, u64) {
        use Who::{
            Confused, Eavesdropper, Guesser, Master, OtherName, Owner, OwnerAgain, Program,
            Recovery, Thief, Token, Webmail,
        };
        let mut dice = Dice::new(self.dice.next());
        let who = dice.weighed(&[
            (34, Owner),
            (14, OwnerAgain),
            (12, Program),
            (5, Recovery),
            (if self.siege { 25 } else { 6 }, Thief),
            (if self.siege { 40 } else { 6 }, Guesser),
            (8, Eavesdropper),
            (12, Webmail),
            (7, Master),
            (5, OtherName),
            (3, Confused),
            (if self.rules.webmails.is_empty() { 1 } else { 24 }, Token),
        ]);
        let attack = matches!(who, Thief | Guesser) && self.siege;
        let name = if attack { ENROLLERS[0] } else { dice.pick(&ENROLLERS).unwrap() }.to_owned();
        let home = HOMES[dice.index(HOMES.len())];
        let abroad = ELSEWHERE[dice.index(ELSEWHERE.len())];
        let own = if dice.one_in(6) { abroad } else { home };
        let mut login = self.arriving(&name, own);
        login.service = dice.index(5);
        let mut times = 1;
        match who {
            Owner => {
                login.typed = self.full(&mut dice, &name);
                times = if dice.one_in(5) { 5 } else { 1 };
            }
            OwnerAgain => self.again(&mut dice, &mut login, true),
            Program => {
                let apps: Vec<_> = self.book(&name).apps.iter().rev().take(6).cloned().collect();
                let text = dice.pick(&apps).and_then(|app| app.text.clone());
                login.typed = match (text, dice.below(4)) {
                    (Some(text), 0) => text.to_uppercase(),
                    (Some(text), 1) => text.replace('-', " "),
                    (Some(text), 2) => text.replace('-', ""),
                    (Some(text), _) => text,
                    (None, _) => format!("abcd{}", "e".repeat(25)),
                };
                // Of another mailbox.
                if dice.one_in(10) {
                    let other = (*dice.pick(&ENROLLERS).unwrap()).to_owned();
                    login = Login { user: other.clone(), opened: other.clone(), ..login };
                    login.authcid = other;
                }
            }
            Recovery => {
                let sets = &self.book(&name).sets;
                let old = dice.one_in(4);
                let set = sets.iter().rfind(|set| old || set.until == OPEN);
                let codes = set.map(|set| set.codes.clone()).unwrap_or_default();
                let code = dice.pick(&codes).cloned().unwrap_or_else(|| "abcde-fghij".into());
                let code = if dice.one_in(4) { code.to_uppercase() } else { code };
                login.typed = format!("{}{code}", self.password(&mut dice, &name));
                times = if dice.one_in(4) { 3 } else { 1 };
            }
            Thief => {
                let password = self.password(&mut dice, &name);
                // A place of the owner's is not always out of reach.
                login.place = if dice.one_in(12) { home } else { abroad };
                login.typed = match dice.below(6) {
                    0 => password,
                    _ => format!("{password}{:06}", dice.below(1_000_000)),
                };
            }
            Guesser => {
                login.place = abroad;
                login.typed = format!("guess{}{:06}", dice.below(50_000), dice.below(1_000_000));
            }
            Eavesdropper => self.again(&mut dice, &mut login, false),
            Webmail => {
                let clicking: Vec<_> = self.clicking.iter().cloned().collect();
                if let Some((name, typed, place, service)) = dice.pick(&clicking).cloned() {
                    login = Login { typed, service, ..self.arriving(&name, place) };
                }
            }
            Token => self.token_bearer(&mut dice, &mut login),
            Master => self.master(&mut dice, &mut login),
            OtherName => {
                let names: Vec<&str> =
                    ALIASES.map(|a| a.0).into_iter().chain(HIDDEN.map(|h| h.0)).collect();
                let other = (*dice.pick(&names).unwrap()).to_owned();
                let password = self.password_of(&other).map(|(password, _)| password);
                let password = password.unwrap_or_else(|| "x".into());
                let secret = self.book("alice@example.org").now().secret;
                login.typed = match secret {
                    Some(secret) if dice.one_in(2) => {
                        format!("{password}{}", code(&secret, self.now / 30_000))
                    }
                    Some(_) | None => password,
                };
                login = Login { user: other.clone(), opened: other.clone(), ..login };
                login.authcid = other;
            }
            Confused => {
                let secret = self.book(&name).now().secret.unwrap_or_default();
                let digits = code(&secret, self.now / 30_000);
                login.typed = match dice.below(4) {
                    0 => digits,
                    1 => format!("  {digits}"),
                    2 => String::new(),
                    _ => self.password(&mut dice, &name),
                };
            }
        }
        if !matches!(who, Token) {
            login.via = login.place;
        }
        if dice.one_in(10) {
            login.authcid = login.authcid.to_uppercase();
        }
        (login, times)
    }

    /// A login that has typed nothing yet.
    pub fn arriving(&self, name: &str, place: Place) -> Login {
        Login {
            authzid: String::new(),
            authcid: name.to_owned(),
            typed: String::new(),
            relayed: false,
            user: name.to_owned(),
            opened: name.to_owned(),
            service: 0,
            place,
            via: place,
            apart: None,
            webmail: "",
            first_look: None,
            clocked: false,
            rules: Arc::clone(&self.rules),
            began: self.seq,
            arrival: self.now,
            asked: None,
            source: self.seq,
            looked: None,
            era: self.era,
            returned: None,
            auth_user: None,
            faulted: false,
            disturbed: false,
            raced: false,
            burned: None,
            good: None,
            told: 0,
            refused: false,
        }
    }

    /// The password of a mailbox, or, now and then, one that it had.
    pub fn password(&mut self, dice: &mut Dice, name: &str) -> String {
        let old = dice.one_in(12);
        let passwords = self.book(name).passwords.clone();
        let of_old = if old { dice.pick(&passwords).cloned() } else { None };
        of_old
            .or_else(|| self.password_of(name).map(|(password, _)| password))
            .unwrap_or_else(|| "nothing".into())
    }

    /// Password and code, as an owner types them.
    pub fn full(&mut self, dice: &mut Dice, name: &str) -> String {
        let password = self.password(dice, name);
        let Some(secret) = self.book(name).now().secret else { return password };
        let offset = dice.weighed(&[(10, 1), (2, 0), (2, 2), (1, 3), (1, 5)]);
        let digits = code(&secret, self.now / 30_000 + offset - 1);
        if dice.one_in(6) {
            format!("{password}{} {}", &digits[..3], &digits[3..])
        } else {
            format!("{password}{digits}")
        }
    }

    /// A string that was typed before: from the same place by its program, or from elsewhere.
    fn again(&mut self, dice: &mut Dice, login: &mut Login, own: bool) {
        let heard: Vec<_> = self.overheard.iter().cloned().collect();
        let Some((name, typed, place)) = dice.pick(&heard).cloned() else { return };
        login.authcid.clone_from(&name);
        login.user.clone_from(&name);
        login.opened = name;
        login.typed = typed;
        login.place = if own || dice.one_in(3) { place } else { login.place };
        if own {
            login.service = dice.index(4);
        }
    }

    fn master(&mut self, dice: &mut Dice, login: &mut Login) {
        let masters = ["chief@example.org", "admin@example.org", "dave@example.org"];
        let master = (*dice.pick(&masters).unwrap()).to_owned();
        let target = login.user.clone();
        login.typed = self.full(dice, &master);
        if dice.one_in(2) {
            login.authcid = format!("{target}*{master}");
        } else {
            login.authcid.clone_from(&master);
            login.authzid.clone_from(&target);
        }
        login.user = master;
        login.opened = target;
    }
}
