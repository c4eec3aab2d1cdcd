//! Reading single values: each function says what it allows when the value is something else.

use std::{ops::RangeInclusive, path::PathBuf, time::Duration};

use toml::de::DeValue;

use super::raw::kind;
use crate::{base::limits::SOCKET_PATH_BYTES, decision::place::Network};

/// Any text without control characters.
pub(super) fn text(value: &DeValue<'_>) -> Result<String, String> {
    let text = value.as_str().ok_or_else(|| format!("must be text, not {}", kind(value)))?;
    if text.chars().any(char::is_control) {
        return Err("has control characters in it".into());
    }
    Ok(text.to_owned())
}

/// Text that is not empty.
pub(super) fn filled(value: &DeValue<'_>) -> Result<String, String> {
    let text = text(value)?;
    if text.is_empty() { Err("must not be empty".into()) } else { Ok(text) }
}

/// `true` or `false`.
pub(super) fn flag(value: &DeValue<'_>) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("must be true or false, not {}", kind(value)))
}

/// A whole number within bounds.
pub(super) fn integer<T>(range: RangeInclusive<u64>) -> impl Fn(&DeValue<'_>) -> Result<T, String>
where
    T: TryFrom<u64>,
{
    move |value| {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        let Some(integer) = value.as_integer() else {
            return Err(format!("must be {allowed}, not {}", kind(value)));
        };
        u64::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .filter(|number| range.contains(number))
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| format!("{} is not {allowed}", integer.as_str()))
    }
}

/// One of several words.
pub(super) fn choice<T: Copy>(
    choices: &'static [(&'static str, T)],
) -> impl Fn(&DeValue<'_>) -> Result<T, String> {
    move |value| {
        let names: Vec<_> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
        let allowed = names.join(" or ");
        let given = value.as_str().ok_or_else(|| format!("must be {allowed}"))?;
        choices
            .iter()
            .find(|(name, _)| *name == given)
            .map(|(_, choice)| *choice)
            .ok_or_else(|| format!("{} is not {allowed}", quoted(given)))
    }
}

/// An absolute path. Never quoted: a key may have been put here by mistake.
pub(super) fn path(value: &DeValue<'_>) -> Result<PathBuf, String> {
    let path = PathBuf::from(filled(value)?);
    if path.is_absolute() { Ok(path) } else { Err("must be an absolute path, from / on".into()) }
}

/// An absolute path that fits a socket address.
pub(super) fn socket_path(value: &DeValue<'_>) -> Result<PathBuf, String> {
    let path = path(value)?;
    if path.as_os_str().len() > SOCKET_PATH_BYTES {
        return Err(format!(
            "is {} bytes long; the path of a socket has at most {SOCKET_PATH_BYTES}",
            path.as_os_str().len()
        ));
    }
    Ok(path)
}

/// A duration with its unit, `"2s"`, `"1500ms"`.
pub(super) fn duration(
    range: RangeInclusive<Duration>,
) -> impl Fn(&DeValue<'_>) -> Result<Duration, String> {
    move |value| {
        let allowed = format!(
            "a duration with its unit, from \"{}\" to \"{}\"",
            humantime::format_duration(*range.start()),
            humantime::format_duration(*range.end())
        );
        let given = value.as_str().ok_or_else(|| format!("must be {allowed}, in quotes"))?;
        humantime::parse_duration(given)
            .ok()
            .filter(|duration| range.contains(duration))
            .ok_or_else(|| format!("{} is not {allowed}", quoted(given)))
    }
}

/// Permission bits as four octal digits in quotes, `"0660"`.
pub(super) fn mode(value: &DeValue<'_>) -> Result<u32, String> {
    const ALLOWED: &str = "permission bits in octal, in quotes, \"0000\" to \"0777\"";
    let given = value.as_str().ok_or_else(|| format!("must be {ALLOWED}, e.g. \"0600\""))?;
    let octal = (3..=4).contains(&given.len()) && given.bytes().all(|b| (b'0'..=b'7').contains(&b));
    u32::from_str_radix(given, 8)
        .ok()
        .filter(|bits| octal && *bits <= 0o777)
        .ok_or_else(|| format!("{} is not {ALLOWED}", quoted(given)))
}

/// A list of at most so many networks, `["192.0.2.10", "2001:db8::/48"]`.
pub(super) fn networks(most: usize) -> impl Fn(&DeValue<'_>) -> Result<Vec<Network>, String> {
    const ALLOWED: &str =
        "a list of addresses and networks, e.g. [\"192.0.2.10\", \"2001:db8::/48\"]";
    move |value| {
        let list =
            value.as_array().ok_or_else(|| format!("must be {ALLOWED}, not {}", kind(value)))?;
        if list.len() > most {
            return Err(format!("has more than {most} networks"));
        }
        list.iter().map(|item| network(&text(item.get_ref())?)).collect()
    }
}

fn network(text: &str) -> Result<Network, String> {
    Network::parse(text).ok_or_else(|| {
        let text = quoted(text);
        format!("has {text} in it, which is no address and no network (with zeros behind its bits)")
    })
}

/// A level filter: `info`, or `info,mail2fa::net=debug`.
pub(super) fn level(value: &DeValue<'_>) -> Result<String, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let text = filled(value)?;
    let wrong = text.split(',').map(str::trim).find(|part| {
        let (target, level) = part.split_once('=').unwrap_or(("all", part));
        let named = !target.is_empty()
            && target.chars().all(|c| c.is_ascii_alphanumeric() || "_:-".contains(c));
        !(named && LEVELS.contains(&level))
    });
    match wrong {
        None => Ok(text),
        Some(part) => Err(format!(
            "{} is not a level ({}) or MODULE=LEVEL; several are separated by commas",
            quoted(part),
            LEVELS.join(", ")
        )),
    }
}

/// A value in quotes for a message, shortened.
pub(super) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    if short.len() < text.len() { format!("{short:?}…") } else { format!("{short:?}") }
}
