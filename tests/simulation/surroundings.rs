//! What people and programs do not do themselves: the mail server and who it knows, the time that passes, the
//! clock that is set; and what a login has right by all of it when it arrives.

use super::{
    episode::START,
    people::{ALIASES, ENROLLERS, HIDDEN, new_password},
    world::{Login, World},
};

impl World {
    pub fn people_the_mail_server(&mut self) {
        for name in ENROLLERS {
            let password = new_password(&mut self.dice);
            self.book(name).passwords.push(password.clone());
            self.upstream.accounts.insert(name.into(), password);
        }
        let owned = |(from, to): (&str, &str)| (from.to_owned(), to.to_owned());
        self.upstream.aliases = ALIASES.map(owned).into();
        self.upstream.masters = vec!["chief@example.org".into(), "admin@example.org".into()];
        let hidden = HIDDEN.map(|(name, master, to)| (name.into(), (master.into(), to.into())));
        self.upstream.hidden = hidden.into();
    }

    /// What a login has right when it arrives.
    pub fn good(&mut self, login: &Login) -> Option<super::books::Good> {
        if self.upstream.down && !self.stored {
            let book = self.book(&login.user);
            let vouched = book.app(&login.typed).is_some() || book.token(&login.typed).is_some();
            if !vouched || login.apart.is_some() {
                return None;
            }
        }
        if login.user != login.opened || login.typed.is_empty() {
            return None;
        }
        // Under its own name only: other names have tests of their own.
        let own = self.stored || self.upstream.accounts.contains_key(&login.user);
        let (password, _) = self.password_of(&login.user).filter(|_| own)?;
        let stored = self.stored;
        self.book(&login.user).good(login, &password, stored)
    }

    /// Time passes.
    pub fn wait(&mut self) {
        let most = if self.siege {
            15_000
        } else {
            self.dice.weighed(&[(60, 20_000), (30, 90_000), (6, 900_000), (2, 15_000_000)])
        };
        self.now += self.dice.below(most);
        self.latest = self.latest.max(self.now);
    }

    /// Somebody sets the clock, by a little or by a lot.
    pub fn set_clock(&mut self) {
        self.tallies.add("clock jumps");
        let most = self.dice.weighed(&[(5, 60_000), (3, 600_000), (2, 90_000_000)]);
        let by = self.dice.below(most);
        self.now = if self.dice.one_in(2) {
            self.now + by
        } else {
            self.now.saturating_sub(by).max(START - 600_000_000)
        };
        self.latest = self.latest.max(self.now);
    }

    pub fn change_upstream(&mut self) {
        if self.stored {
            return;
        }
        if self.upstream.down || self.dice.one_in(20) {
            self.upstream.down = !self.upstream.down;
            for login in self.logins.values_mut() {
                login.disturbed = true;
            }
            return;
        }
        // Mostly somebody who is at it.
        let busy: Vec<_> = self.clicking.iter().map(|(name, ..)| name.clone()).collect();
        let idle = (*self.dice.pick(&ENROLLERS).unwrap()).to_owned();
        let busy = if self.dice.one_in(3) { None } else { self.dice.pick(&busy).cloned() };
        let name = busy.unwrap_or(idle);
        let password = new_password(&mut self.dice);
        self.book(&name).passwords.push(password.clone());
        self.upstream.accounts.insert(name.clone(), password);
        self.disturb(&name);
    }
}
