//! `[mechanisms]`: what the upstream decides by itself.
//!
//! # Security
//!
//! A mechanism that can never be listed is a mistake with its reason, so that nobody takes its
//! absence for an oversight.

use toml::de::DeValue;

use super::{
    raw::{Report, Section, kind},
    values,
};
use crate::{base::RelayedMechanism, decision::mechanisms::Mechanisms};

/// Reads the section. By default nothing passes.
pub(super) fn mechanisms(mut section: Section<'_>, report: &mut Report) -> Mechanisms {
    let pass = section.read("pass", report, list).unwrap_or_default();
    let elsewhere = section.read("second_factor_elsewhere", report, list).unwrap_or_default();
    let mechanisms = Mechanisms::new(pass.clone(), elsewhere.clone());
    if let Some(extra) = elsewhere.iter().find(|mechanism| !pass.contains(mechanism)) {
        let what =
            format!("has {extra} in it, which does not pass: list it in mechanisms.pass too");
        section.mistake("second_factor_elsewhere", what, report);
    }
    section.finish(report);
    mechanisms.unwrap_or_default()
}

/// A list of mechanisms, `["OAUTHBEARER", "XOAUTH2"]`, in any case of letters.
fn list(value: &DeValue<'_>) -> Result<Vec<RelayedMechanism>, String> {
    let allowed = || {
        let names: Vec<_> = RelayedMechanism::ALL.iter().map(ToString::to_string).collect();
        names.join(", ")
    };
    let items = value
        .as_array()
        .ok_or_else(|| format!("must be a list of names, of {}, not {}", allowed(), kind(value)))?;
    let mut mechanisms = Vec::new();
    for item in items {
        let name = values::filled(item.get_ref())?;
        let Some(mechanism) = RelayedMechanism::parse(name.as_bytes()) else {
            let why = why_never(&name.to_ascii_uppercase());
            return Err(format!("has {:?} in it, {why}. Allowed: {}", shortened(&name), allowed()));
        };
        if mechanisms.contains(&mechanism) {
            return Err(format!("has {mechanism} twice"));
        }
        mechanisms.push(mechanism);
    }
    Ok(mechanisms)
}

/// Why a mechanism can never be listed.
fn why_never(name: &str) -> &'static str {
    match name {
        "PLAIN" | "LOGIN" => "which is always offered and read by mail2fa itself",
        "CRAM-MD5" | "DIGEST-MD5" | "APOP" | "NTLM" | "RPA" | "SKEY" | "OTP" => NO_CODE,
        name if name.starts_with("SCRAM-") => NO_CODE,
        "EXTERNAL" => {
            "by which mail2fa itself vouches for mailboxes: whoever could send it would open any of \
             them"
        }
        "ANONYMOUS" => "which proves nothing of anybody",
        "DOVECOT-TOKEN" => "which is Dovecot's own, between its processes",
        _ => "which mail2fa does not know how to judge",
    }
}

const NO_CODE: &str = "which proves the password without showing it: no code can be asked for, \
                       and the password alone would open a mailbox that has a second factor";

fn shortened(name: &str) -> String {
    name.chars().take(32).collect()
}
