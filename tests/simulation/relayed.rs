//! Who comes by a token or ticket, and what the mail server says of it: any name, in any case, a master
//! user's, none.

use mail2fa::ports::password::PasswordAnswer;

use super::{
    books::Good,
    dice::Dice,
    enforced::By,
    people::ENROLLERS,
    places::{ELSEWHERE, HOMES},
    world::{Login, World},
};

impl World {
    /// Somebody with a token. Whose it is the mail server will say.
    pub fn bearer(&mut self) -> Login {
        let mut dice = Dice::new(self.dice.next());
        let place = if dice.one_in(3) {
            ELSEWHERE[dice.index(ELSEWHERE.len())]
        } else {
            HOMES[dice.index(HOMES.len())]
        };
        self.tallies.add("logins by a mechanism");
        Login { relayed: true, service: dice.index(5), ..self.arriving("", place) }
    }

    /// The mail server has looked at the token.
    pub fn relay(&mut self) -> PasswordAnswer {
        self.tallies.add("effect: relay");
        let wrong = self.goes_wrong() || self.upstream.down;
        let (seq, stored) = (self.seq, self.stored);
        let mut dice = Dice::new(self.dice.next());
        let user = (*dice.pick(&ENROLLERS).unwrap()).to_owned();
        let target = (*dice.pick(&ENROLLERS).unwrap()).to_owned();
        let master = dice.one_in(5);
        let Some(mut login) = self.login().cloned() else { return PasswordAnswer::Wrong };
        login.source = seq;
        login.faulted |= wrong;
        if wrong {
            self.login().into_iter().for_each(|own| own.clone_from(&login));
            return if dice.one_in(2) {
                PasswordAnswer::Unavailable("simulated".into())
            } else {
                PasswordAnswer::Right { user: None, auth_user: None }
            };
        }
        let right = !dice.one_in(5);
        login.asked = Some((String::new(), right));
        if right {
            login.opened = if master { target } else { user.clone() };
            login.user.clone_from(&user);
            let standing = self.book(&user).now();
            let by = By::Mechanism { elsewhere: login.rules.enforced.elsewhere };
            let there = !standing.locked && (!stored || standing.record);
            let opens = login.rules.enforced.opens(&standing, &login, by);
            login.good = (!master && there && opens).then_some(Good::Token);
        }
        self.login().into_iter().for_each(|own| own.clone_from(&login));
        if !right {
            return PasswordAnswer::Wrong;
        }
        let spelled = |name: &str| {
            if dice.one_in(6) { name.to_uppercase() } else { name.to_owned() }.into_bytes()
        };
        let mut spelled = spelled;
        let opened = spelled(&login.opened);
        let told = login.user != login.opened || self.seq % 2 == 0;
        PasswordAnswer::Right { user: Some(opened), auth_user: told.then(|| spelled(&login.user)) }
    }
}
