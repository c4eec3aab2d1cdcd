//! `tls` tables: the certificate of a listener that speaks TLS itself.

use std::path::PathBuf;

use super::{
    raw::{Report, Section},
    values,
};

/// `[panel.tls]`, `[api.tls]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// PEM file with the certificate and those between it and its root.
    pub certificate: PathBuf,
    /// PEM file with its key.
    pub key: PathBuf,
}

/// What of the new table counts after a reload: a certificate in place of another, but neither the first one nor
/// none.
pub(super) fn after_reload<'a>(
    old: Option<&'a TlsConfig>,
    new: Option<&'a TlsConfig>,
) -> Option<&'a TlsConfig> {
    old.and(new).or(old)
}

/// Reads the table; without either key there is no TLS.
pub(super) fn tls(mut section: Section<'_>, report: &mut Report) -> Option<TlsConfig> {
    let certificate = section.read("certificate", report, values::path);
    let key = section.read("key", report, values::path);
    for (one, other) in [("certificate", "key"), ("key", "certificate")] {
        if section.has(one) && !section.has(other) {
            section.mistake(other, format!("is missing: {one} is of no use without it"), report);
        }
    }
    section.finish(report);
    Some(TlsConfig { certificate: certificate?, key: key? })
}
