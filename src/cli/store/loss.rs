//! How the loss in damaged shards is shown, in words and as JSON.

use std::fmt::Write;

use serde::Serialize;

use crate::{base::Mailbox, store::Accepted};

/// What `accept-damage` shows, as JSON.
#[derive(Serialize)]
pub(super) struct Acceptance<'a> {
    accepted: bool,
    shards: Vec<Loss<'a>>,
}

#[derive(Serialize)]
struct Loss<'a> {
    shard: u8,
    reason: &'a str,
    /// `null` if the census cannot be read.
    counted: Option<Counted>,
    left: Vec<Left<'a>>,
    /// How many records are missing at least; `null` if that is not known.
    missing: Option<u64>,
    /// The names known of those; usually none are.
    lost: Vec<&'a str>,
}

#[derive(Serialize)]
struct Counted {
    records: u64,
    enrolled: u64,
}

#[derive(Serialize)]
struct Left<'a> {
    mailbox: &'a str,
    /// `null` if the record cannot be read.
    enrolled: Option<bool>,
}

impl<'a> Acceptance<'a> {
    /// `accepted`: whether it was done, or is only shown.
    pub(super) fn new(accepted: bool, shards: &'a [Accepted]) -> Self {
        let loss = |one: &'a Accepted| Loss {
            shard: one.shard.number(),
            reason: &one.reason,
            counted: one.counted.map(|(records, enrolled)| Counted { records, enrolled }),
            left: one
                .left
                .iter()
                .map(|(mailbox, enrolled)| Left { mailbox: mailbox.as_str(), enrolled: *enrolled })
                .collect(),
            missing: one.missing(),
            lost: one.lost.iter().map(Mailbox::as_str).collect(),
        };
        Self { accepted, shards: shards.iter().map(loss).collect() }
    }
}

/// What would be accepted, and what that means.
pub(super) fn assessed(shards: &[Accepted]) -> String {
    let mut text = String::new();
    let mut empty = 0;
    for one in shards {
        if one.counted == Some((0, 0)) && one.left.is_empty() && one.lost.is_empty() {
            empty += 1;
        } else {
            assess(one, &mut text);
        }
    }
    if empty > 0 {
        let _ = writeln!(text, "{}: nothing counted, nothing left", count(empty, "damaged shard"));
    }
    text.push_str(
        "\nA mailbox whose record was lost has NO SECOND FACTOR when this is accepted. One whose \
         record\nfell back to an older state has the factor it had then, and codes used since \
         count as unused.\nCompare the names above with who should be enrolled, and restore a \
         backup if there is one.\n",
    );
    text
}

fn assess(one: &Accepted, text: &mut String) {
    let enrolled = one.left.iter().filter(|(_, enrolled)| *enrolled == Some(true)).count();
    let unreadable = one.left.iter().filter(|(_, enrolled)| enrolled.is_none()).count();
    let counted = one.counted.map_or_else(
        || "not known, the census cannot be read".to_owned(),
        |(records, enrolled)| format!("{}, {enrolled} enrolled", count(records, "record")),
    );
    let left = count(one.left.len() as u64, "record");
    let names: Vec<&str> = one.lost.iter().map(Mailbox::as_str).collect();
    let lost = match one.missing() {
        None => "not known".to_owned(),
        Some(0) => "none by number; the count may be as old as the records".to_owned(),
        Some(records) if names.is_empty() => {
            format!("{}, at least; the store does not know which", count(records, "record"))
        }
        Some(records) => format!("{}: {}", count(records, "record"), names.join(", ")),
    };
    let _ = write!(
        text,
        "shard {}: {}\n  counted:  {counted}\n  lost:     {lost}\n  left:     {left}, {enrolled} \
         enrolled, {unreadable} unreadable\n",
        one.shard, one.reason,
    );
    for (mailbox, enrolled) in &one.left {
        let factor = match enrolled {
            Some(true) => "on",
            Some(false) => "off",
            None => "cannot be read",
        };
        let _ = writeln!(text, "    {:<44} {factor}", mailbox.as_str());
    }
}

/// A number of things.
pub(super) fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
