//! Everybody at once, for millions of steps.
//!
//! The real use-cases (`service::authenticate`, `service::counters`, `service::admin`) and with them the
//! decision machine run over a simulated store, mail server and clock. A scheduler rolls who is let on by
//! one effect: logins, changes by owners and administrators, clocks that are set, faults at every effect,
//! connections that are closed, restarts between any two effects. A second set of books
//! (`simulation/books.rs`) knows what people were given and when each write was done, and every
//! write and every outcome is held against it:
//!
//! - nobody comes in without all proofs: the right password and, where 2-factor authentication is
//!   on, a code of an unused step, an unused recovery code of the present set, or the sign-in of this
//!   very string at this place; or an app password in its scope;
//! - a step and a recovery code are used up by one login, which had the right password first;
//! - where passwords are remembered for a time, one that was changed at the mail server is good for that
//!   time at most, in the very sign-in, service and address that it was found right for, and one of whose
//!   mailbox anything was changed here is asked for;
//! - sign-ins and app passwords end when they end, and what was revoked, locked or switched on counts
//!   for every login that had not had its last look;
//! - a login to which something was not there ends as unavailable, and no other one does;
//! - what is enforced is: a mailbox that must have a factor and has none opens nothing from its date on but
//!   what is configured, a service that is off opens nothing, one for app passwords takes no code and one for
//!   full sign-ins no app password, a password is enough from exempt networks only, and a token or
//!   ticket opens no mailbox with a factor unless it was asked elsewhere (`simulation/enforced.rs`);
//! - a webmail's token is minted by who has shown everything, opens its own mailbox for its services and from
//!   its places until it ends or is ended, and is never tried as a password (`simulation/minted.rs`); a
//!   one-time link to the panel leads in once, within its minute, to the mailbox as it stood, and what it
//!   opened lives until its time is over or something changes that, and never comes back
//!   (`simulation/desk.rs`);
//! - each login has one outcome, and all refusals are the same reply;
//! - what is stored is what was asked for, and a login changes nothing but its own use;
//! - whoever has everything right comes in, and throttling keeps nobody waiting who has a session
//!   or an app password, or comes from a known place where nobody failed.
//!
//! Nothing here depends on the machine's time or chance. A failure prints the seed of its episode
//! and the story of the mailbox:
//!
//! ```text
//! MAIL2FA_SIM_SEED=<seed> cargo test --test simulation -- --nocapture
//! MAIL2FA_SIM_STEPS=50000000 cargo test --release --test simulation -- --nocapture
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise, also in its helpers"
)]

#[path = "simulation/books.rs"]
mod books;
#[path = "simulation/desk.rs"]
mod desk;
#[path = "simulation/dice.rs"]
mod dice;
#[path = "simulation/enforced.rs"]
mod enforced;
#[path = "simulation/episode.rs"]
mod episode;
#[path = "simulation/judge.rs"]
mod judge;
#[path = "simulation/minted.rs"]
mod minted;
#[path = "simulation/people.rs"]
mod people;
#[path = "simulation/places.rs"]
mod places;
#[path = "simulation/ports.rs"]
mod ports;
#[path = "simulation/relayed.rs"]
mod relayed;
#[path = "simulation/staff.rs"]
mod staff;
#[path = "simulation/surroundings.rs"]
mod surroundings;
#[path = "simulation/world.rs"]
mod world;
#[path = "simulation/writes.rs"]
mod writes;

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use dice::Dice;
use episode::Episode;
use world::Tallies;

/// Turns of the scheduler in one world.
const TURNS: u64 = 20_000;
/// Turns of a run that is not told otherwise.
const STEPS: u64 = 2_000_000;
/// The first seed of a run that is not told otherwise.
const SEED: u64 = 20_260_301;

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number: {text:?}")))
}

/// The seed of an episode: the first is the one that was asked for, so that it can be asked for again.
fn seed_of(episode: u64, first: u64) -> u64 {
    if episode == 0 { first } else { Dice::new(first ^ episode.rotate_left(32)).next() }
}

/// The story of the mailbox for which something did not hold.
fn story(seed: u64, about: &str, what: &str, after: u64) -> String {
    let mut again = Episode::new(seed, true);
    let _ = again.run(TURNS);
    let (_, lines) = again.report(about);
    let last = lines.len().saturating_sub(60);
    format!(
        "after {after} turns: {what}\n\nMAIL2FA_SIM_SEED={seed}, the story of {about:?} (effect, clock):\n{}\n",
        lines[last..].join("\n")
    )
}

#[test]
fn nobody_comes_in_without_all_proofs_and_whoever_has_them_does() {
    let first = setting("MAIL2FA_SIM_SEED").unwrap_or(SEED);
    let steps = setting("MAIL2FA_SIM_STEPS").unwrap_or(STEPS);
    let episodes = steps.div_ceil(TURNS);
    let (next, tallies) = (AtomicU64::new(0), Mutex::new(Tallies::default()));
    let failure: Mutex<Option<(u64, String)>> = Mutex::new(None);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= episodes || failure.lock().unwrap().is_some() {
                return;
            }
            let seed = seed_of(number, first);
            let mut episode = Episode::new(seed, false);
            let ended = episode.run(TURNS);
            let (counted, _) = episode.report("");
            let turns = number * TURNS + counted.0.get("turns").copied().unwrap_or(0);
            tallies.lock().unwrap().merge(&counted);
            if let Err((about, what)) = ended {
                let told = story(seed, &about, &what, turns);
                let mut failure = failure.lock().unwrap();
                if failure.as_ref().is_none_or(|(other, _)| number < *other) {
                    *failure = Some((number, told));
                }
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, |n| n.get().min(4));
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let tallies = tallies.into_inner().unwrap();
    println!("{episodes} episodes:");
    for (what, count) in &tallies.0 {
        println!("{count:>12}  {what}");
    }
    if let Some((_, told)) = failure.into_inner().unwrap() {
        panic!("{told}");
    }
    // A world in which nothing happens proves nothing.
    for what in [
        "password",
        "password+code",
        "password+recovery_code",
        "password+session",
        "app_password",
        "had everything right and came in",
        "locked",
        "used_code",
        "throttled",
        "other_mailbox_protected",
        "master_without_factor",
        "app_password_expired",
        "app_password_out_of_scope",
        "factor_required",
        "service_off",
        "app_passwords_only",
        "full_sign_in_only",
        "password+exempt_network",
        "mechanism",
        "mechanism+factor_elsewhere",
        "mechanism_without_factor",
        "required from a date, and passed",
        "fault: load",
        "fault: commit unknown, done",
        "conflict",
        "webmail_token",
        "webmail_token_wrong",
        "webmail_token_ended",
        "webmail_token_out_of_scope",
        "exchanged for a token",
        "refreshed",
        "token ended by its webmail",
        "link followed",
        "panel visited",
        "panel closed, and all as it was",
        "remembered",
        "remembered, and changed since",
        "restarts",
        "clock jumps",
        "logins cut off",
    ] {
        assert!(tallies.0.contains_key(what), "never happened: {what}");
    }
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let told = |_| {
        let mut episode = Episode::new(SEED, true);
        let ended = episode.run(TURNS / 4);
        (ended, episode.report("alice@example.org").1)
    };
    let [one, other] = [0, 1].map(told);
    assert!(one.1.len() > 100 && one == other);
}
