//! `mail2fa store …`: verifying the store, and going on after damage.
//!
//! Unlike the other commands these never ask the daemon: it serves mailboxes and has no say in what
//! an administrator accepts. They hold the store themselves, so it does not run meanwhile.
//!
//! # Security
//!
//! Accepting damage and discarding a record can leave a mailbox without its second factor.
//! Both show what is at stake before they ask, and do nothing without a yes.

mod loss;

use std::{
    collections::BTreeMap,
    fmt::Write,
    os::unix::{fs::MetadataExt, net::UnixStream},
    sync::Arc,
};

use clap::Subcommand;
use serde::Serialize;
use tokio::runtime::Runtime;

use super::{
    backend::{LOCKED_PAUSE, LOCKED_PAUSES, become_user, directly, runtime},
    failure::{Exit, Failure},
    terminal::{Sure, confirm, print, print_json},
};
use crate::{
    base::{Mailbox, limits::CENSUS_SHARDS},
    config::{Config, PasswordSourceKind},
    ports::{
        event::TrailEvent,
        store::{Store, StoreError},
    },
    runtime::compose::{self, ComposeError, DiskStore},
    store::{OpenError, TrailFound, Verified},
};
use loss::{Acceptance, assessed, count};

/// `store`
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Compare all records with what the store has counted.
    ///
    /// Changes no record. Exit status 0: sound. 74: damaged, or a record cannot be read. 75: it
    /// cannot be said now, for example because the daemon has the store open; a running daemon
    /// writes damage into its log.
    #[command(
        after_help = "Example:\n  systemctl stop 'mail2fa*.socket' mail2fa\n  mail2fa store check"
    )]
    Check,
    /// Go on with what is left of a damaged store.
    ///
    /// Shows for each damaged shard what was counted, what is left and what is lost, and asks. A
    /// mailbox whose record was lost has no second factor from then on, and one whose record fell
    /// back to an older state has the factor it had then. Restore a backup instead if there is
    /// one; compare what is shown with who should be enrolled before the daemon is started.
    ///
    /// Without --yes and without a terminal it shows the same, changes nothing and ends with 64.
    #[command(after_help = "Example:\n  mail2fa store accept-damage")]
    AcceptDamage {
        #[command(flatten)]
        sure: Sure,
    },
    /// Remove a record that cannot be read, so that its mailbox can be enrolled again.
    ///
    /// The mailbox has no second factor until then. A record that can be read is not touched:
    /// that is what `mail2fa mailbox remove` is for.
    #[command(after_help = "Example:\n  mail2fa store discard alice@example.org")]
    Discard {
        /// Name, as `mail2fa store check` shows it.
        mailbox: String,
        #[command(flatten)]
        sure: Sure,
    },
}

/// Runs one of the commands.
pub fn run(command: StoreCommand, config: &Config, json: bool) -> Result<(), Failure> {
    match command {
        StoreCommand::Check => check(config, json),
        StoreCommand::AcceptDamage { sure } => accept_damage(config, sure, json),
        StoreCommand::Discard { mailbox, sure } => discard(config, &mailbox, sure, json),
    }
}

/// The store, and nobody else has it.
struct Held {
    store: Arc<DiskStore>,
    runtime: Runtime,
}

impl Held {
    /// Opens it; `in_use` is the code for a store that somebody else has and keeps.
    fn open(config: &Config, in_use: Exit) -> Result<Self, Failure> {
        if let Ok(folder) = std::fs::metadata(&config.store.directory) {
            become_user(folder.uid())?;
        }
        let runtime = runtime()?;
        let mut pauses = 0;
        loop {
            let locked = match runtime.block_on(compose::open_store(config)) {
                Ok(store) => return Ok(Self { store, runtime }),
                Err(ComposeError::Store(error @ OpenError::Locked { dir: _ })) => error,
                Err(error) => return Err(error.into()),
            };
            if UnixStream::connect(&config.control.socket).is_ok() {
                let message = "the running mail2fa has the store open; its log tells of damage. \
                               Stop it (systemctl stop 'mail2fa*.socket' mail2fa) and run this again";
                return Err(Failure::new(in_use, message));
            }
            if pauses == LOCKED_PAUSES {
                let message = format!("{locked}: stop that one and run this again");
                return Err(Failure::new(in_use, message));
            }
            pauses += 1;
            std::thread::sleep(LOCKED_PAUSE);
        }
    }

    fn wait<T>(&self, done: impl Future<Output = Result<T, StoreError>>) -> Result<T, Failure> {
        self.runtime.block_on(done).map_err(store_failure)
    }

    /// Who does this, and when, for the audit trail.
    fn note(&self, config: &Config, action: &str) -> TrailEvent {
        let moment = self.runtime.block_on(compose::trail(config, &self.store).moment());
        let (at, time_unknown) = moment;
        TrailEvent { time_unknown, ..TrailEvent::of_store(at, &directly(), action) }
    }

    fn verify(&self) -> Result<Verified, Failure> {
        self.wait(self.store.verify())
    }
}

/// The code of a store's error is the same whenever it comes.
fn store_failure(error: StoreError) -> Failure {
    ComposeError::from(OpenError::from(error)).into()
}

/// `store check`
fn check(config: &Config, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Damage<'a> {
        shard: u8,
        reason: &'a str,
    }
    #[derive(Serialize)]
    struct Checked<'a> {
        sound: bool,
        records: u64,
        enrolled: u64,
        unreadable: Vec<&'a str>,
        damaged: Vec<Damage<'a>>,
        audit_events: u64,
        audit_unreadable: u64,
    }
    let held = Held::open(config, Exit::Temporary)?;
    let found = held.verify()?;
    let trail = held.wait(held.store.check_trail())?;
    let verdict = verdict(&found).and_then(|()| trail_verdict(trail));
    if json {
        let damaged = found.damaged.iter();
        print_json(&Checked {
            sound: verdict.is_ok(),
            records: found.records,
            enrolled: found.enrolled,
            unreadable: found.unreadable.iter().map(Mailbox::as_str).collect(),
            damaged: damaged
                .map(|(shard, reason)| Damage { shard: shard.number(), reason })
                .collect(),
            audit_events: trail.events,
            audit_unreadable: trail.unreadable,
        })?;
    } else {
        print(&checked(&found))?;
        let (events, unreadable) = (trail.events, trail.unreadable);
        print(&format!("audit trail: {events} events, {unreadable} parts unreadable\n"))?;
    }
    verdict
}

/// What to do about it.
fn verdict(found: &Verified) -> Result<(), Failure> {
    let told = if !found.damaged.is_empty() {
        "the store is damaged: keep a copy of its folder and restore a backup; if there is none, \
         see `mail2fa store accept-damage`"
            .to_owned()
    } else if !found.unreadable.is_empty() {
        format!(
            "{} cannot be read: restore a backup, or remove each with `mail2fa store discard` and \
             enrol the mailbox again",
            count(found.unreadable.len() as u64, "record"),
        )
    } else {
        return Ok(());
    };
    Err(Failure::new(Exit::Io, told))
}

/// Nobody is kept out by it, and it goes by itself in time.
fn trail_verdict(found: TrailFound) -> Result<(), Failure> {
    match found.unreadable {
        0 => Ok(()),
        count => Err(Failure::new(
            Exit::Io,
            format!(
                "the audit trail has {} that cannot be read; logins are not concerned",
                self::count(count, "part")
            ),
        )),
    }
}

fn checked(found: &Verified) -> String {
    let mut text = format!(
        "records:     {}\nenrolled:    {}\nunreadable:  {}\n",
        found.records,
        found.enrolled,
        found.unreadable.len(),
    );
    for mailbox in &found.unreadable {
        let _ = writeln!(text, "  {mailbox}");
    }
    let _ = writeln!(text, "damaged:     {} of {CENSUS_SHARDS} shards", found.damaged.len());
    let mut by_reason = BTreeMap::<&str, Vec<String>>::new();
    for (shard, reason) in &found.damaged {
        by_reason.entry(reason).or_default().push(shard.to_string());
    }
    for (reason, shards) in by_reason {
        let _ = match shards.len() {
            CENSUS_SHARDS => writeln!(text, "  all shards: {reason}"),
            1 => writeln!(text, "  shard {}: {reason}", shards.concat()),
            _ => writeln!(text, "  shards {}: {reason}", shards.join(", ")),
        };
    }
    text
}

/// `store accept-damage`
fn accept_damage(config: &Config, sure: Sure, json: bool) -> Result<(), Failure> {
    let held = Held::open(config, Exit::Unavailable)?;
    let before = held.verify()?;
    let shown = held.wait(held.store.assess_damage())?;
    if shown.is_empty() {
        return if json {
            print_json(&Acceptance::new(false, &shown))
        } else {
            print("no shard is damaged; nothing was changed\n")
                .and_then(|()| unreadable_remain(&before))
        };
    }
    let question = "Accept this damage?";
    if json {
        if !sure.yes {
            print_json(&Acceptance::new(false, &shown))?;
            return Err(unasked(question));
        }
        let accepted =
            held.wait(held.store.accept_damage(&held.note(config, "store accept-damage")))?;
        return print_json(&Acceptance::new(true, &accepted));
    }
    print(&assessed(&shown))?;
    confirm(question, sure)?;
    let accepted =
        held.wait(held.store.accept_damage(&held.note(config, "store accept-damage")))?;
    print(&format!("accepted: {}\n", count(accepted.len() as u64, "shard")))?;
    let after = held.verify()?;
    if !after.damaged.is_empty() {
        return verdict(&after);
    }
    unreadable_remain(&after)
}

/// What has to be done about single records.
fn unreadable_remain(found: &Verified) -> Result<(), Failure> {
    let mut text = String::new();
    for mailbox in &found.unreadable {
        let _ = writeln!(text, "cannot be read: {mailbox} (`mail2fa store discard {mailbox}`)");
    }
    print(&text)
}

/// A question on a terminal would end up in the JSON.
fn unasked(question: &str) -> Failure {
    Failure::new(Exit::Usage, format!("{question} Nothing was changed: add --yes if it is meant"))
}

/// `store discard`
fn discard(config: &Config, typed: &str, sure: Sure, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Discarded<'a> {
        mailbox: &'a str,
        discarded: bool,
    }
    let held = Held::open(config, Exit::Unavailable)?;
    let mailbox = unreadable(&held, config, typed)?;
    let then = match config.passwords.source {
        PasswordSourceKind::Dovecot => "it opens with its password alone until it is enrolled",
        PasswordSourceKind::Store => {
            "its password is lost too: it does not exist until `mail2fa mailbox add`, and has no \
             second factor until it is enrolled"
        }
    };
    let question = format!("Discard the record of {mailbox} ({then})?");
    if json && !sure.yes {
        return Err(unasked(&question));
    }
    confirm(&question, sure)?;
    let note = held.note(config, "store discard");
    if !held.wait(held.store.discard_unreadable(&mailbox, &note))? {
        return Err(no_record(&mailbox));
    }
    if json {
        return print_json(&Discarded { mailbox: mailbox.as_str(), discarded: true });
    }
    print(&format!("{mailbox} has no record now: {then}\n"))
}

/// The mailbox that was typed, if its record is there, cannot be read and may be discarded.
fn unreadable(held: &Held, config: &Config, typed: &str) -> Result<Mailbox, Failure> {
    let found = held.verify()?;
    // The name as it was shown, whatever the rules for names are now.
    let as_shown = found.unreadable.iter().find(|mailbox| mailbox.as_str() == typed);
    let mailbox = match as_shown {
        Some(mailbox) => mailbox.clone(),
        None => config
            .names
            .canonical(typed.as_bytes())
            .map_err(|error| Failure::new(Exit::Data, format!("{typed:?}: {error}")))?,
    };
    if found.unreadable.contains(&mailbox) {
        let damaged = held.wait(held.store.assess_damage())?;
        if damaged.iter().flat_map(|one| &one.left).any(|(name, _)| *name == mailbox) {
            let message = format!(
                "{mailbox} lies in a damaged shard: `mail2fa store accept-damage` comes first"
            );
            return Err(Failure::new(Exit::Io, message));
        }
        return Ok(mailbox);
    }
    match held.wait(held.store.load(&mailbox))? {
        None => Err(no_record(&mailbox)),
        Some(_) => Err(Failure::new(
            Exit::Data,
            format!(
                "the record of {mailbox} can be read and was left alone; use `mail2fa mailbox \
                 remove` if it is to go"
            ),
        )),
    }
}

fn no_record(mailbox: &Mailbox) -> Failure {
    Failure::new(Exit::NoUser, format!("there is no record of {mailbox}"))
}
