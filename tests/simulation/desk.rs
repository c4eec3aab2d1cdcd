//! What is asked beside logins: webmails refresh and end tokens, people follow one-time links to the panel
//! and look at its pages. Held against the books by what people were given and what was written when.

use mail2fa::{
    base::{NetAddress, Secret, UnixMillis},
    decision::{api_token::Rights, panel, record::MailboxRecord},
    service::{
        admin::Access,
        owner::{Owner, Ticket},
        webmail::{Life, Webmail, WebmailError},
    },
};

use super::{
    books::OPEN,
    dice::Dice,
    people::ENROLLERS,
    staff::Errand,
    world::{Actor, World, key},
    writes::{Written, unchanged},
};

/// How long a session of the panel lives, seconds: so short that some are used until their absolute end.
pub const PANEL_IDLE: u64 = 500;
pub const PANEL_ABSOLUTE: u64 = 700;
/// How long a link waits, seconds: `PANEL_LINK_SECONDS` of the daemon.
const LINK_SECONDS: u64 = 60;

/// A one-time link.
#[derive(Clone, Debug)]
pub struct Link {
    /// Under which name it is kept.
    pub id: String,
    pub errand: u64,
    /// What was shown, if the answer arrived.
    pub text: Option<String>,
    /// The latest that the clock showed while it was made, milliseconds.
    pub made: u64,
    /// Until when it is good, as was said with it, seconds.
    pub said: u64,
    /// When it was asked for: a mailbox that was changed before it was written may have ended it.
    pub asked: u64,
    pub from: u64,
    pub until: u64,
    /// Who followed it.
    pub by: Option<u64>,
}

/// A session of the panel that a link opened.
#[derive(Clone, Debug)]
pub struct Opened {
    pub ticket: Ticket,
    /// Since when the mailbox must have stood the same: at least, and at most.
    pub from: u64,
    pub asked: u64,
    /// The earliest and the latest that the clock showed while it was opened, milliseconds.
    pub earliest: u64,
    pub latest: u64,
    /// The latest that it showed when a use was written down, or while it was opened.
    pub last_use: u64,
    /// It was cleared away.
    pub cleared: bool,
}

/// What is wanted.
#[derive(Clone, Debug)]
pub enum Want {
    Refresh,
    End,
    Follow,
    Visit(Ticket),
}

/// Somebody at a desk.
#[derive(Clone, Debug)]
pub struct Desk {
    pub name: String,
    pub want: Want,
    text: String,
    key: Option<&'static str>,
    pub faulted: bool,
    pub disturbed: bool,
    pub began: u64,
    /// What the clock showed at each turn.
    clocks: Vec<u64>,
    rules: std::sync::Arc<super::world::Rules>,
}

/// What came of it.
pub enum Done {
    Refreshed(Result<Option<Life>, WebmailError>),
    Ended(Result<bool, WebmailError>),
    Followed(Result<Option<Ticket>, String>),
    Visited(Result<bool, String>),
}

fn somewhere() -> NetAddress {
    NetAddress::parse("192.0.2.7")
}

/// Under which name a session of the panel is kept.
fn session_name(ticket: &Ticket) -> String {
    panel::name(&key(), &ticket.mailbox, &ticket.token)
}

impl Desk {
    /// By the real use-cases.
    pub async fn perform(self, webmail: &Webmail, owner: &Owner) -> Done {
        let by = self.key.map_or_else(|| "uid=0".into(), |key| format!("token {key}"));
        let access = Access { by, token: self.key.map(str::to_owned), rights: Rights::all() };
        let (name, token) = (self.name.as_bytes(), Secret::from_slice(self.text.as_bytes()));
        match self.want {
            Want::Refresh => Done::Refreshed(webmail.refresh(name, &token, &access).await),
            Want::End => Done::Ended(webmail.revoke(name, &token, &access).await),
            Want::Follow => {
                let done = owner.follow_link(&self.text, somewhere()).await;
                Done::Followed(done.map_err(|error| error.to_string()))
            }
            Want::Visit(ticket) => {
                let done = owner.visit(ticket, somewhere()).await;
                Done::Visited(done.map(|v| v.is_some()).map_err(|error| error.to_string()))
            }
        }
    }
}

impl World {
    /// Who acts, if it is somebody at a desk.
    pub fn at_desk(&mut self) -> Option<&mut Desk> {
        match self.acting {
            Some(Actor::Desk(id)) => self.desks.get_mut(&id),
            Some(Actor::Login(_) | Actor::Errand(_)) | None => None,
        }
    }

    /// The clock may be read in this turn.
    pub fn note_clock(&mut self) {
        let now = self.now;
        match self.acting {
            Some(Actor::Desk(id)) => {
                self.desks.entry(id).and_modify(|desk| desk.clocks.push(now));
            }
            Some(Actor::Errand(id)) => {
                self.errands.entry(id).and_modify(|errand| errand.clock = errand.clock.max(now));
            }
            Some(Actor::Login(_)) | None => {}
        }
    }

    /// What somebody wants, of what was given to anybody.
    pub fn at_some_desk(&mut self) -> Option<Desk> {
        let mut dice = Dice::new(self.dice.next());
        let name = (*dice.pick(&ENROLLERS).unwrap()).to_owned();
        let (began, rules) = (self.seq, std::sync::Arc::clone(&self.rules));
        let book = self.book(&name);
        let tokens = book.tokens.iter().rev().take(4).filter_map(|token| token.text.clone());
        let tokens: Vec<_> = tokens.collect();
        let newest = dice.one_in(2);
        let (name, want, text) = match dice.below(9) {
            0..=1 => (name, Want::Refresh, dice.pick(&tokens).cloned()?),
            2 => (name, Want::End, dice.pick(&tokens).cloned()?),
            3..=5 => {
                // A link that was just made, or one of the last.
                let mut links = self.handed.clone().into_iter().rev();
                let most = if newest { 1 } else { 4 };
                let links: Vec<_> = links.by_ref().take(most).collect();
                let (name, link) = dice.pick(&links).cloned()?;
                (name, Want::Follow, link)
            }
            _ => {
                // Of a few sessions at a time, that they are used until their end.
                let all = ENROLLERS.iter().flat_map(|name| {
                    let panels = self.books.get(*name).map(|book| &book.panels);
                    panels.into_iter().flat_map(|panels| panels.iter().rev().take(2))
                });
                let mut all: Vec<_> = all.map(|p| (p.last_use, p.ticket.clone())).collect();
                all.sort_by_key(|(last_use, _)| std::cmp::Reverse(*last_use));
                all.truncate(if newest { 2 } else { 6 });
                let (_, ticket) = dice.pick(&all).cloned()?;
                (ticket.mailbox.as_str().to_owned(), Want::Visit(ticket), String::new())
            }
        };
        // Of another mailbox, or not quite what was given.
        let webmail = matches!(want, Want::Refresh | Want::End);
        let other = if webmail && dice.one_in(8) { dice.pick(&ENROLLERS) } else { None };
        let name = other.map_or(name, |other| (*other).to_owned());
        let text = if dice.one_in(10) { text.replacen('a', "b", 1) } else { text };
        let key = [None, Some("one"), Some("two")][dice.index(3)];
        let (faulted, disturbed, clocks) = (false, false, Vec::new());
        Some(Desk { name, want, text, key, faulted, disturbed, began, clocks, rules })
    }

    /// A link was written, or taken away.
    pub fn link_wrote(&mut self, name: &str, id: &str, there: bool) {
        let seq = self.seq;
        match (self.acting, there) {
            (Some(Actor::Errand(errand)), true) => {
                let Some(Errand { began, clock, .. }) = self.errands.get(&errand) else { return };
                let (id, text, until) = (id.to_owned(), None, OPEN);
                let (made, asked, said, from) = (*clock, *began, 0, seq);
                let link = Link { id, errand, text, made, said, asked, from, until, by: None };
                self.book(name).links.push(link);
            }
            (Some(Actor::Desk(by)), false) => {
                let text = self.desks.get(&by).map(|desk| desk.text.clone());
                let link = self.book(name).links.iter_mut().find(|link| link.id == id);
                let right = link.is_some_and(|link| {
                    let fresh = link.until == OPEN && (link.text == text || link.text.is_none());
                    (link.until, link.by) = (seq, Some(by));
                    fresh
                });
                if !right {
                    self.fail(name, format!("desk {by} followed a link that is not one any more"));
                }
                for (other, desk) in &mut self.desks {
                    desk.disturbed |= *other != by && desk.text == text.clone().unwrap_or_default();
                }
            }
            _ => self.fail(name, "a link was written by somebody else"),
        }
    }

    /// A session of the panel was written: opened, or used by who visits.
    pub fn panel_wrote(&mut self, id: &str, there: bool) {
        let Some(desk) = self.at_desk().cloned() else {
            return self.fail("", "a session of the panel was written by somebody else");
        };
        match (&desk.want, there) {
            (Want::Follow, true) => {}
            (Want::Visit(ticket), true) if session_name(ticket) == id => {
                let latest = desk.clocks.iter().max().copied().unwrap_or_default();
                let panels = self.book(&desk.name).panels.iter_mut();
                for opened in panels.filter(|opened| opened.ticket == *ticket) {
                    opened.last_use = opened.last_use.max(latest);
                }
            }
            (want, _) => self.fail(&desk.name, format!("{want:?} wrote a session of the panel")),
        }
    }

    /// Clears away what is over; how much that was.
    pub fn purge(&mut self, now: UnixMillis) -> usize {
        let over = self.entries.iter().filter(|(_, entry)| entry.value.expires <= now);
        let over: Vec<_> = over.map(|(key, _)| key.clone()).collect();
        let seq = self.seq;
        for key in &over {
            self.entries.remove(key);
            let (kind, mailbox, id) = key;
            let book = self.book(mailbox.as_str());
            if *kind == "link" {
                book.links.iter_mut().filter(|link| link.id == *id).for_each(|l| l.until = seq);
            } else if *kind == "panel" {
                let named = |opened: &&mut Opened| session_name(&opened.ticket) == *id;
                book.panels.iter_mut().filter(named).for_each(|opened| opened.cleared = true);
            }
        }
        over.len()
    }

    /// A desk changed a record: it noted a use of this very token, or took it away.
    pub fn desk_wrote(&mut self, id: u64, changes: &[Written]) {
        if let [(name, Some(before), after)] = changes
            && let Err(what) = self.token_wrote(id, name, before, after.as_ref())
        {
            self.fail(name, format!("desk {id}: {what}"));
        } else if !matches!(changes, [(_, Some(_), _)]) {
            self.fail("", format!("desk {id} made a record"));
        }
    }

    fn token_wrote(
        &mut self,
        id: u64,
        name: &str,
        before: &MailboxRecord,
        after: Option<&MailboxRecord>,
    ) -> Result<(), String> {
        let (seq, latest, stored) = (self.seq, self.latest, self.stored);
        let desk = self.desks.get(&id).cloned().ok_or("unknown")?;
        let empty = MailboxRecord { sessions: Vec::new(), ..before.clone() };
        let after_it = after.unwrap_or(&empty);
        if desk.name != name {
            return Err(format!("wrote to {name}"));
        }
        unchanged(before, after_it)?;
        let book = self.book(name);
        let token = book.token_mut(&desk.text).filter(|token| token.until == OPEN);
        let token = token.ok_or("of a token that is none")?;
        let rest = |record: &MailboxRecord| {
            record.sessions.iter().filter(|s| s.id != token.id).cloned().collect::<Vec<_>>()
        };
        // A record that has nothing else in it leaves, with sign-ins of nothing.
        if after.is_some() && rest(before) != rest(after_it) {
            return Err("touched another sign-in".into());
        }
        let kept = after_it.sessions.iter().find(|session| session.id == token.id);
        match (&desk.want, kept) {
            (Want::Refresh, Some(session)) => {
                let used = session.last_use.at.millis();
                if !token.lives(used, &desk.rules) && used > token.last_use || used > latest {
                    return Err("refreshed what was over".into());
                }
                token.last_use = token.last_use.max(used);
            }
            (Want::End, None) => token.until = seq,
            (want, _) => return Err(format!("{want:?} did something else")),
        }
        if after.is_none() {
            book.end_sign_ins(seq);
        }
        if !stored {
            book.stand(seq, |standing| standing.record = after.is_some());
        }
        for running in self.logins.values_mut() {
            running.raced |= running.user == name;
            running.disturbed |= running.user == name && running.typed == desk.text;
        }
        for (other, running) in &mut self.desks {
            running.disturbed |= *other != id && running.name == name;
        }
        Ok(())
    }

    /// Somebody at a desk has an answer.
    pub fn desk_answered(&mut self, id: u64, done: Done) {
        let Some(desk) = self.desks.remove(&id) else { return };
        self.seq += 1;
        let name = desk.name.clone();
        let result = match done {
            Done::Refreshed(done) => self.refreshed(&desk, done),
            Done::Ended(done) => self.ended(&desk, &done),
            Done::Followed(done) => self.followed(id, &desk, done),
            Done::Visited(done) => self.visited(&desk, &done),
        };
        let want = &desk.want;
        self.tell(&name, || format!("desk {id} ({want:?}) is done: {result:?}"));
        if let Err(what) = result {
            self.fail(&name, format!("desk {id} ({want:?}): {what}"));
        }
    }

    fn refreshed(
        &mut self,
        desk: &Desk,
        done: Result<Option<Life>, WebmailError>,
    ) -> Result<(), String> {
        let until = self.seq;
        let book = self.book(&desk.name);
        let token = book.token(&desk.text);
        let asks = token.is_none_or(|token| {
            let rule = desk.rules.webmails.iter().find(|rule| rule.name == token.webmail);
            let key = rule.and_then(|rule| rule.key);
            key.is_none() || desk.key.is_none() || key == desk.key
        });
        match (done, token) {
            (Ok(Some(life)), Some(token)) => {
                let stood = book.between(desk.began, until);
                let there = stood.iter().any(|(from, until, s)| {
                    !s.locked && token.from <= *until && token.until > *from
                });
                let lived = desk.clocks.iter().any(|at| token.lives(*at, &desk.rules));
                let most = token.opened + token.absolute * 1_000;
                self.tallies.add("refreshed");
                if asks && there && lived && life.ends.millis() <= most {
                    Ok(())
                } else {
                    Err("it lived on, or for longer".into())
                }
            }
            (Ok(Some(_)), None) => Err("what is no token was refreshed".into()),
            (Ok(None), Some(token)) => {
                let surely = desk.clocks.iter().all(|at| token.surely(*at, &desk.rules));
                let whole = token.until == OPEN && surely && asks;
                let sure = whole && !desk.faulted && !desk.disturbed;
                if sure { Err("a live token was said to have ended".into()) } else { Ok(()) }
            }
            (Ok(None), None) => Ok(()),
            (Err(WebmailError::OtherToken), _) if !asks => Ok(()),
            (Err(WebmailError::Unavailable(_)), _) if desk.faulted || desk.disturbed => Ok(()),
            (Err(error), _) => Err(error.to_string()),
        }
    }

    fn ended(&mut self, desk: &Desk, done: &Result<bool, WebmailError>) -> Result<(), String> {
        let token = self.book(&desk.name).token(&desk.text).cloned();
        match (done, token) {
            (Ok(true), Some(token)) if token.until != OPEN => {
                self.tallies.add("token ended by its webmail");
                Ok(())
            }
            (Ok(false), Some(token)) => {
                let left = token.until == OPEN && !token.doubtful;
                let sure = left && !desk.faulted && !desk.disturbed;
                if sure { Err("a token that is there was not found".into()) } else { Ok(()) }
            }
            (Ok(true), _) => Err("what is there was said to be ended, or what is not".into()),
            (Ok(false), None) | (Err(WebmailError::OtherToken), _) => Ok(()),
            (Err(_), _) if desk.faulted || desk.disturbed => Ok(()),
            (Err(error), _) => Err(error.to_string()),
        }
    }

    fn followed(
        &mut self,
        id: u64,
        desk: &Desk,
        done: Result<Option<Ticket>, String>,
    ) -> Result<(), String> {
        let until = self.seq;
        let earliest = desk.clocks.iter().min().copied().unwrap_or_default();
        let latest = desk.clocks.iter().max().copied().unwrap_or_default();
        match done {
            Ok(Some(ticket)) => {
                self.tallies.add("link followed");
                let book = self.book(ticket.mailbox.as_str());
                let link = book.links.iter().find(|link| link.text.as_ref() == Some(&desk.text));
                let link = link.cloned().ok_or("it led in, and is no link of this mailbox")?;
                if link.by != Some(id) || earliest >= link.made + LINK_SECONDS * 1_000 {
                    return Err("it led in, and was followed already, or is over".into());
                }
                if !book.is_unchanged(link.from, desk.began) {
                    return Err("it led in, and the mailbox was changed since".into());
                }
                let (from, asked, last_use, cleared) = (link.from, link.asked, latest, false);
                let opened = Opened { ticket, from, asked, earliest, latest, last_use, cleared };
                book.panels.push(opened);
                Ok(())
            }
            Ok(None) => {
                let book = self.book(&desk.name);
                let link = book.links.iter().find(|link| link.text.as_ref() == Some(&desk.text));
                let good = link.is_some_and(|link| {
                    let spare = |at: &u64| {
                        // It may have been made long before it was written: what was said counts.
                        let (begin, end) = (link.said.saturating_sub(LINK_SECONDS), link.said);
                        *at + 1_000 < end * 1_000 && *at >= (begin + 1) * 1_000
                    };
                    let same = book.is_unchanged(link.asked, until);
                    link.until == OPEN && same && desk.clocks.iter().all(spare)
                });
                let sure = good && !desk.faulted && !desk.disturbed;
                if sure { Err("a good link led nowhere".into()) } else { Ok(()) }
            }
            Err(_) if desk.faulted => Ok(()),
            Err(why) => Err(why),
        }
    }

    fn visited(&mut self, desk: &Desk, done: &Result<bool, String>) -> Result<(), String> {
        let Want::Visit(ticket) = &desk.want else { return Err("nobody visited".into()) };
        let until = self.seq;
        let book = self.book(&desk.name);
        let opened = book.panels.iter().find(|opened| opened.ticket == *ticket);
        let opened = opened.ok_or("a ticket that nobody has")?;
        let earliest = desk.clocks.iter().min().copied().unwrap_or_default();
        match done {
            Ok(true) => {
                let over = earliest >= opened.latest + PANEL_ABSOLUTE * 1_000
                    || earliest >= opened.last_use + PANEL_IDLE * 1_000;
                if over || !book.is_unchanged(opened.from, desk.began) {
                    return Err("a session of the panel lived on".into());
                }
                self.tallies.add("panel visited");
                Ok(())
            }
            Ok(false) => {
                // It lives at least for its idle time, used or not.
                let early =
                    |at: &u64| *at >= opened.latest && *at < opened.earliest + PANEL_IDLE * 1_000;
                let there = !opened.cleared && desk.clocks.iter().all(early);
                let unchanged = book.is_unchanged(opened.asked, until);
                if there && unchanged && !desk.faulted && !desk.disturbed {
                    return Err("a live session of the panel was said to be over".into());
                }
                if there && !unchanged && book.stands_again(opened.from, desk.began) {
                    self.tallies.add("panel closed, and all as it was");
                }
                Ok(())
            }
            Err(_) if desk.faulted => Ok(()),
            Err(why) => Err(why.clone()),
        }
    }
}
