//! `[panel]`: the web pages on which people look after their mailboxes.

use std::{path::PathBuf, time::Duration};

use toml::de::DeValue;

use super::{
    place::{Found, PlaceConfig, listens, place},
    raw::{Report, Section},
    sockets::Sockets,
    values,
};
use crate::{
    base::limits::{PANEL_PROXIES, PANEL_SESSION_SECONDS},
    decision::{panel::PanelPolicy, place::Network},
};

/// Shortest and longest life of a panel session.
const LIFE: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(PANEL_SESSION_SECONDS);

/// What an accent must be told from: the cards of light pages, and the ground of dark ones.
const LIGHT: (&str, [u8; 3]) = ("white", [0xff, 0xff, 0xff]);
const DARK: (&str, [u8; 3]) = ("the dark cards, #1a212b", [0x1a, 0x21, 0x2b]);

/// What a host calls itself that does not say.
const NAME: &str = "Mail";

/// Least contrast of text, WCAG 2 level AA.
const CONTRAST: f64 = 4.5;

/// `[panel]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanelConfig {
    /// Where it is served.
    pub place: PlaceConfig,
    /// Where it begins below the host's root, with a slash at both ends.
    pub base: String,
    /// Whether browsers come by HTTPS.
    pub https: bool,
    /// Scheme and host as browsers see them, without a slash at the end: one-time links begin with it.
    pub origin: Option<String>,
    /// Who may say where a browser is.
    pub proxies: Vec<Network>,
    /// What the host calls itself.
    pub name: String,
    /// The host's picture, SVG or PNG.
    pub logo: Option<PathBuf>,
    /// The colour of links and buttons on light pages, `#rrggbb`.
    pub accent: Option<String>,
    /// The same on dark pages.
    pub accent_dark: Option<String>,
    /// How long a panel session lives.
    pub policy: PanelPolicy,
}

impl PanelConfig {
    /// The address of a one-time link; without `origin` only its path.
    pub fn link(&self, link: &str) -> String {
        format!("{}{}link?t={link}", self.origin.as_deref().unwrap_or_default(), self.base)
    }

    /// Its address as browsers see it, with a slash at the end; only with `origin`.
    pub fn address(&self) -> Option<String> {
        Some(format!("{}{}", self.origin.as_ref()?, self.base))
    }

    /// Whether something differs that counts after a restart only. The life of sessions counts at once, and
    /// so does a certificate in place of another.
    pub fn needs_restart(old: Option<&Self>, new: Option<&Self>) -> bool {
        let (Some(old), Some(new)) = (old, new) else { return old.is_some() != new.is_some() };
        Self { policy: new.policy, place: old.place.renewed(&new.place), ..old.clone() } != *new
    }
}

/// Reads the section; without `listen` there is no panel.
pub(super) fn panel(
    mut section: Section<'_>,
    sockets: &mut Sockets,
    report: &mut Report,
) -> Option<PanelConfig> {
    let defaults = PanelPolicy::default();
    let Found { place, more } = place(&mut section, sockets, report);
    let base = section.read("base_path", report, base).unwrap_or_else(|| "/".into());
    let https = section.read("https", report, values::flag);
    let secured = place.as_ref().and_then(|place| match (&place.tls, place.behind_proxy) {
        (Some(_), _) => Some("[panel.tls] makes HTTPS of every connection"),
        (None, true) => Some("behind_proxy says that browsers come to a proxy with TLS"),
        (None, false) => None,
    });
    if let (Some(secured), Some(false)) = (secured, https) {
        let what = format!("is false, and {secured}: leave one of them out");
        section.mistake("https", what, report);
    }
    let origin = section.read("origin", report, |value| origin(value, https.unwrap_or(true)));
    let proxies =
        section.read("proxies", report, values::networks(PANEL_PROXIES)).unwrap_or_default();
    let name = section.read("name", report, name).unwrap_or_else(|| NAME.into());
    let logo = section.read("logo", report, values::path);
    let accent = section.read("accent", report, |value| colour(value, LIGHT));
    let accent_dark = section.read("accent_dark", report, |value| colour(value, DARK));
    let absolute = section.read("absolute", report, values::duration(LIFE));
    let idle = section.read("idle", report, values::duration(LIFE));
    let policy = PanelPolicy {
        idle_seconds: idle.map_or(defaults.idle_seconds, |idle| idle.as_secs()),
        absolute_seconds: absolute.map_or(defaults.absolute_seconds, |life| life.as_secs()),
    };
    if idle.is_some() && policy.idle_seconds > policy.absolute_seconds {
        let what = "is longer than panel.absolute: a session ends with the first of the two";
        section.mistake("idle", what.into(), report);
    }
    let plain = (base.as_str(), https.unwrap_or(true), name.as_str()) == ("/", true, NAME)
        && origin.is_none()
        && proxies.is_empty()
        && logo.is_none()
        && accent.is_none()
        && accent_dark.is_none()
        && policy == defaults;
    listens(&mut section, more || !plain, report);
    section.finish(report);
    Some(PanelConfig {
        place: place?,
        base,
        https: https.unwrap_or(true),
        origin,
        proxies,
        name,
        logo,
        accent,
        accent_dark,
        policy,
    })
}

fn base(value: &DeValue<'_>) -> Result<String, String> {
    let text = values::filled(value)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_".contains(&b);
    let good = text.starts_with('/') && text.bytes().all(plain) && !text.contains("//");
    if !good || text.len() > 128 {
        return Err(
            "must be a path such as \"/\" or \"/mail/2fa\", of letters, digits, - and _".into()
        );
    }
    Ok(if text.ends_with('/') { text } else { format!("{text}/") })
}

fn origin(value: &DeValue<'_>, https: bool) -> Result<String, String> {
    let text = values::filled(value)?;
    let scheme = if https { "https://" } else { "http://" };
    let other = if https { "http://" } else { "https://" };
    if text.starts_with(other) {
        return Err(format!(
            "begins with {other}, and panel.https is {https}: begin it with {scheme}, or set https = {}",
            !https
        ));
    }
    let host = text.strip_prefix(scheme).unwrap_or_default();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b);
    if host.is_empty() || host.len() > 255 || !host.bytes().all(plain) {
        return Err(format!(
            "must be scheme and host as browsers see them, without a path: \
             \"{scheme}mail.example.org\""
        ));
    }
    Ok(text)
}

fn name(value: &DeValue<'_>) -> Result<String, String> {
    let text = values::filled(value)?;
    if text.chars().count() > 64 { Err("must have at most 64 characters".into()) } else { Ok(text) }
}

/// A colour, and whether people can read it.
fn colour(value: &DeValue<'_>, (what, ground): (&str, [u8; 3])) -> Result<String, String> {
    let text = values::filled(value)?.to_ascii_lowercase();
    let colour = text.strip_prefix('#').filter(|digits| digits.len() == 6).and_then(|digits| {
        let number = u32::from_str_radix(digits, 16).ok()?;
        let [_, colour @ ..] = number.to_be_bytes();
        Some(colour)
    });
    let colour = colour.ok_or("must be a colour such as \"#1f5fbf\"")?;
    let contrast = contrast(colour, ground);
    if contrast < CONTRAST {
        return Err(format!(
            "is hard to read: its contrast with {what} is {contrast:.1}, and must be {CONTRAST} or more"
        ));
    }
    Ok(text)
}

/// Of two colours, as WCAG 2 counts it.
fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance([red, green, blue]: [u8; 3]) -> f64 {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_that_of_wcag() {
        assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 0.001);
        assert!((contrast([0x77; 3], [255; 3]) - 4.478).abs() < 0.001);
    }
}
