//! `mail2fa policy …`

use clap::{Subcommand, ValueEnum};

use super::{
    backend::Backend,
    failure::{Exit, Failure},
    terminal::{print, print_json},
    text::{date, listed, time, unexpected},
};
use crate::service::admin::{MailboxPolicyView, NewLevel, PolicyView, Request, Response};

/// `policy`
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Show what holds for a mailbox, or what is configured.
    ///
    /// For a mailbox: the level and whose it is, how long it still is optional, and what opens the
    /// mailbox at each service.
    #[command(
        after_help = "Examples:\n  mail2fa policy show\n  mail2fa policy show alice@example.org"
    )]
    Show {
        /// Name.
        mailbox: Option<String>,
    },
    /// Give a mailbox a level of its own, or take it back.
    ///
    /// A mailbox that has a second factor is asked for it under every level. The sessions of the mailbox
    /// end. It holds for the next login.
    #[command(
        after_help = "Examples:\n  mail2fa policy set alice@example.org required\n  mail2fa policy \
                      set alice@example.org --from 2027-03-01\n  mail2fa policy set \
                      alice@example.org inherit"
    )]
    Set {
        /// Name.
        mailbox: String,
        /// The level.
        #[arg(value_enum, required_unless_present = "from")]
        level: Option<LevelWord>,
        /// Optional before, required from a moment on: a day, such as 2027-03-01, which begins at
        /// midnight UTC, or 2027-03-01T08:00:00Z.
        #[arg(long, value_name = "DATE")]
        from: Option<String>,
    },
}

/// What can be said of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LevelWord {
    /// Nobody can switch a second factor on.
    Off,
    /// As its owner likes.
    Optional,
    /// Its bare password opens nothing.
    Required,
    /// What its domain or the server says.
    Inherit,
}

/// Runs one of the commands.
pub fn run(command: PolicyCommand, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    match command {
        PolicyCommand::Show { mailbox } => show(mailbox, backend, json),
        PolicyCommand::Set { mailbox, level, from } => {
            let level = wanted(level, from.as_deref())?;
            match &backend.ask(Request::PolicySet { mailbox, level })? {
                Response::PolicySet(view) => tell(view, json),
                _ => Err(unexpected()),
            }
        }
    }
}

fn show(mailbox: Option<String>, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    match &backend.ask(Request::PolicyShow { mailbox })? {
        Response::Policy(view) if json => print_json(view),
        Response::Policy(view) => print(&configured(view)),
        Response::MailboxPolicy(view) => tell(view, json),
        _ => Err(unexpected()),
    }
}

fn wanted(level: Option<LevelWord>, from: Option<&str>) -> Result<NewLevel, Failure> {
    let wrong = |what: &str| Failure::new(Exit::Usage, what);
    match (level, from) {
        (Some(LevelWord::Required) | None, Some(from)) => {
            let from = date(from).ok_or_else(|| {
                wrong("--from is a day, 2027-03-01, or a moment, 2027-03-01T08:00:00Z")
            })?;
            Ok(NewLevel::RequiredFrom(from))
        }
        (_, Some(_)) => Err(wrong("--from goes with the level \"required\" only")),
        (Some(LevelWord::Off), None) => Ok(NewLevel::Off),
        (Some(LevelWord::Optional), None) => Ok(NewLevel::Optional),
        (Some(LevelWord::Required), None) => Ok(NewLevel::Required),
        (Some(LevelWord::Inherit), None) => Ok(NewLevel::Inherit),
        (None, None) => Err(wrong("a level or --from is needed")),
    }
}

fn tell(view: &MailboxPolicyView, json: bool) -> Result<(), Failure> {
    if json { print_json(view) } else { print(&of_mailbox(view)) }
}

/// A level with its date.
fn level(word: &str, from: Option<u64>) -> String {
    from.map_or_else(|| word.to_owned(), |from| format!("required from {}", time(from)))
}

fn of_mailbox(view: &MailboxPolicyView) -> String {
    let left = match view.days_left {
        None => String::new(),
        Some(1) => " (1 day left)".to_owned(),
        Some(days) => format!(" ({days} days left)"),
    };
    let whose = match (view.source.as_str(), view.since) {
        ("mailbox", Some(since)) => format!("its own, since {}", time(since)),
        ("mailbox", None) => "its own".to_owned(),
        ("domain", _) => "its domain's ([[enforcement.domain]])".to_owned(),
        (_, _) => "the server's ([enforcement])".to_owned(),
    };
    let now = match (view.enrolled, view.required) {
        (true, _) => "on",
        (false, true) => "off, and required",
        (false, false) => "off",
    };
    let mut text = format!(
        "mailbox:   {}\nlevel:     {}{left}\nwhose:     {whose}\n2-factor:  {now}\n",
        view.mailbox,
        level(&view.level, view.required_from),
    );
    if view.dry_run {
        text.push_str("dry run:   yes: what does not open it below is let in and recorded\n");
    }
    for service in &view.services {
        let name = if service.service == "*" { "others" } else { &service.service };
        text.push_str(&row(name, 10, &listed(&service.opens, "nothing")));
    }
    text
}

fn row(name: &str, width: usize, value: &str) -> String {
    let name = format!("{name}:");
    format!("{name:<width$} {value}\n")
}

fn configured(view: &PolicyView) -> String {
    let mut text = format!(
        "level:       {}\nunenrolled:  {}\ndry run:     {}\nexempt:      {}\nwebmail:     {}\n",
        level(&view.level, view.required_from),
        view.unenrolled,
        if view.dry_run { "yes" } else { "no" },
        listed(&view.exempt_networks, "no network"),
        listed(&view.webmail_networks, "no network named"),
    );
    for service in &view.services {
        text.push_str(&row(&service.service, 12, &service.rule));
    }
    for domain in &view.domains {
        let dry = match domain.dry_run {
            Some(true) => ", dry run",
            Some(false) => ", no dry run",
            None => "",
        };
        let level = level(&domain.level, domain.required_from);
        text.push_str(&row(&format!("domain {}", domain.name), 0, &format!("{level}{dry}")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_dates() {
        let from = Some("2005-03-18");
        assert_eq!(wanted(None, from).unwrap(), NewLevel::RequiredFrom(1_111_104_000));
        assert_eq!(
            wanted(Some(LevelWord::Required), from).unwrap(),
            NewLevel::RequiredFrom(1_111_104_000)
        );
        assert_eq!(wanted(Some(LevelWord::Inherit), None).unwrap(), NewLevel::Inherit);
        for (level, from) in [
            (Some(LevelWord::Off), from),
            (Some(LevelWord::Optional), from),
            (Some(LevelWord::Inherit), from),
            (None, Some("tomorrow")),
            (None, Some("2027-02-30")),
            (None, Some("1960-01-01")),
            (None, None),
        ] {
            assert!(wanted(level, from).is_err(), "{level:?} {from:?}");
        }
    }
}
