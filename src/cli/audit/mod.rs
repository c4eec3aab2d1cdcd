//! `mail2fa audit`: what happened.
//!
//! Events are asked for newest first, page by page, and printed oldest first. To follow means to
//! ask again and again for what is new; where a block of events was written a little late, it is
//! still seen, since each question reaches back some seconds.

mod words;

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use clap::Args;
use serde::Serialize;

use super::{
    backend::Backend,
    failure::{Exit, Failure},
    terminal::print,
    text::unexpected,
};
use crate::{
    base::{UnixMillis, limits::AUDIT_PAGE},
    runtime::compose,
    service::admin::{AuditWanted, EventView, Request, Response},
};

/// Time between two questions of one who follows.
const PAUSE: Duration = Duration::from_secs(1);
/// How far each question of one who follows reaches back, milliseconds.
const OVERLAP: u64 = 10_000;

/// `audit`
#[derive(Debug, Args)]
pub struct AuditOptions {
    /// Only what concerns this mailbox.
    pub mailbox: Option<String>,
    /// Only from then on: a while ago, such as 1d, or a date, 2027-01-31.
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// Only before then.
    #[arg(long, value_name = "WHEN")]
    pub until: Option<String>,
    /// Only this kind: login, change, accepted, refused, unavailable, or a reason such as
    /// wrong_code.
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// At most so many, the latest; 0 means all.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    pub limit: usize,
    /// Go on with what happens next, until interrupted. Needs a running daemon.
    #[arg(long, short)]
    pub follow: bool,
}

/// Runs the command.
pub fn run(options: AuditOptions, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    let wanted = AuditWanted {
        mailbox: options.mailbox,
        kind: options.kind,
        since: options.since.as_deref().map(moment).transpose()?,
        until: options.until.as_deref().map(moment).transpose()?,
        after: None,
        limit: AUDIT_PAGE,
    };
    let mut shown = Shown { json, ids: HashSet::new(), order: VecDeque::new() };
    let unreadable = print_found(&wanted, options.limit, backend, &mut shown)?;
    if options.follow {
        return follow(&wanted, backend, &mut shown);
    }
    match unreadable {
        0 => Ok(()),
        count => Err(Failure::new(
            Exit::Io,
            format!("parts of the audit trail that cannot be read: {count}"),
        )),
    }
}

/// Prints what is there; how many parts cannot be read.
fn print_found(
    wanted: &AuditWanted,
    limit: usize,
    backend: &mut Backend,
    shown: &mut Shown,
) -> Result<usize, Failure> {
    let (mut found, mut unreadable, mut after) = (Vec::new(), 0, None);
    loop {
        let request = Request::Audit(AuditWanted { after, ..wanted.clone() });
        let (events, next, bad) = page(backend.ask(request)?)?;
        found.extend(events);
        unreadable += bad;
        if limit > 0 && found.len() >= limit {
            found.truncate(limit);
            break;
        }
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    shown.print(found)?;
    Ok(unreadable)
}

type Page = (Vec<EventView>, Option<String>, usize);

fn page(response: Response) -> Result<Page, Failure> {
    match response {
        Response::Audit { events, next, unreadable } => Ok((events, next, unreadable)),
        _ => Err(unexpected()),
    }
}

/// Prints what is new until somebody interrupts.
fn follow(wanted: &AuditWanted, backend: &Backend, shown: &mut Shown) -> Result<(), Failure> {
    let clock = compose::clock();
    let now = || clock.now().map(UnixMillis::millis).unwrap_or_default();
    let mut reached = now();
    let mut met = false;
    loop {
        let asked = now();
        // While the daemon was away, all of that time.
        let since = reached.saturating_sub(OVERLAP).max(wanted.since.unwrap_or(0));
        let wanted = AuditWanted { since: Some(since), ..wanted.clone() };
        match new_events(&wanted, backend)? {
            Some(events) => {
                reached = asked;
                met = true;
                shown.print(events)?;
            }
            None if !met => {
                let why = "no daemon runs: there is nothing to follow; without --follow the store \
                           itself is read";
                return Err(Failure::new(Exit::Unavailable, why));
            }
            // It is being restarted.
            None => {}
        }
        std::thread::sleep(PAUSE);
    }
}

/// All events of that time, newest first; `None` while no daemon runs.
fn new_events(wanted: &AuditWanted, backend: &Backend) -> Result<Option<Vec<EventView>>, Failure> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let request = Request::Audit(AuditWanted { after, ..wanted.clone() });
        let Some(response) = backend.ask_daemon(&request)? else { return Ok(None) };
        let (events, next, _) = page(response)?;
        found.extend(events);
        match next {
            Some(next) => after = Some(next),
            None => return Ok(Some(found)),
        }
    }
}

/// What was printed lately.
struct Shown {
    json: bool,
    ids: HashSet<String>,
    order: VecDeque<(u64, String)>,
}

impl Shown {
    /// Prints the events that were not printed yet, which come newest first.
    fn print(&mut self, events: Vec<EventView>) -> Result<(), Failure> {
        let mut new: Vec<_> =
            events.into_iter().filter(|one| !self.ids.contains(&one.id)).collect();
        new.reverse();
        // Blocks overlap by what waited to be written.
        new.sort_by_key(|one| one.event.at);
        let mut text = String::new();
        for one in new {
            text.push_str(&if self.json { json_line(&one)? } else { words::line(&one.event) });
            self.order.push_back((one.event.at, one.id.clone()));
            self.ids.insert(one.id);
        }
        let newest = self.order.back().map_or(0, |(at, _)| *at);
        while let Some((at, id)) = self.order.front()
            && at.saturating_add(4 * OVERLAP) < newest
        {
            self.ids.remove(id);
            self.order.pop_front();
        }
        if text.is_empty() { Ok(()) } else { print(&text) }
    }
}

/// An event as one line of JSON.
fn json_line(one: &EventView) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Line<'a> {
        time: String,
        #[serde(flatten)]
        one: &'a EventView,
    }
    let line = Line { time: words::time(one.event.at), one };
    let mut text =
        serde_json::to_string(&line).map_err(|error| Failure::new(Exit::Software, error))?;
    text.push('\n');
    Ok(text)
}

/// A moment: a while ago, or a date in UTC; milliseconds since 1970.
fn moment(text: &str) -> Result<u64, Failure> {
    if let Ok(ago) = humantime::parse_duration(text) {
        let now = compose::clock().now().map_err(|error| Failure::new(Exit::System, error))?;
        let ago = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
        return Ok(now.millis().saturating_sub(ago));
    }
    let date = if text.contains(':') { text.to_owned() } else { format!("{text}T00:00:00Z") };
    humantime::parse_rfc3339_weak(&date)
        .ok()
        .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .ok_or_else(|| {
            let why = "is neither a while ago, such as 1d or 2h 30m, nor a date, such as \
                       2027-01-31 or \"2027-01-31 12:00:00\" (UTC)";
            Failure::new(Exit::Usage, format!("{text:?} {why}"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        assert_eq!(moment("1970-01-02").unwrap(), 86_400_000);
        assert_eq!(moment("1970-01-01 00:01:00").unwrap(), 60_000);
        assert!(moment("1d").unwrap() < moment("1s").unwrap());
        for wrong in ["", "soon", "2027-13-01", "1969-12-31"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }
}
