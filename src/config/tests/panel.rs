//! The section `[panel]`: its TLS, and what counts after a reload.

use super::*;
use crate::config::PanelConfig;

const ADDRESS: &str = "listen = \"127.0.0.1:8425\"";
const FILES: &str = "certificate = \"/c.pem\"\nkey = \"/k.pem\"";

fn with(keys: &str, tls: &str) -> String {
    format!("[panel]\n{keys}\n[panel.tls]\n{tls}\n{CLIENT}")
}

fn read(keys: &str, tls: &str) -> PanelConfig {
    parse(&with(keys, tls)).unwrap().panel.unwrap()
}

#[test]
fn a_certificate_makes_it_https() {
    let panel = read(ADDRESS, FILES);
    let files = panel.tls.unwrap();
    assert_eq!((files.certificate, files.key), ("/c.pem".into(), "/k.pem".into()));
    assert!(panel.https);
    assert!(read(&format!("{ADDRESS}\nhttps = true"), FILES).https);
    assert!(read(ADDRESS, "").tls.is_none());
    assert!(!read(&format!("{ADDRESS}\nhttps = false"), "").https);
}

#[test]
fn one_mistake_each_of_tls() {
    let socket = "listen = \"/run/panel\"";
    each_is_one_mistake(vec![
        (with(ADDRESS, "certificate = \"/c\""), "panel.tls.key: is missing: certificate is"),
        (with(ADDRESS, "key = \"/k\""), "panel.tls.certificate: is missing: key is"),
        (with(ADDRESS, &format!("{FILES}\nciphers = 1")), "panel.tls.ciphers: unknown key"),
        (
            with(ADDRESS, "certificate = \"c\"\nkey = \"/k\""),
            "panel.tls.certificate: must be an absolute",
        ),
        (
            with(&format!("{ADDRESS}\nhttps = false"), FILES),
            "panel.https: is false, and [panel.tls]",
        ),
        (format!("[panel]\n{ADDRESS}\ntls = true\n{CLIENT}"), "panel.tls: must be a table"),
        (with(socket, FILES), "panel.tls: is for an address"),
    ]);
}

#[test]
fn a_new_certificate_and_the_life_of_sessions_need_no_restart() {
    let old = read(ADDRESS, FILES);
    let restart =
        |keys: &str, tls: &str| PanelConfig::needs_restart(Some(&old), Some(&read(keys, tls)));
    assert!(!restart(ADDRESS, FILES));
    assert!(!restart(ADDRESS, "certificate = \"/d\"\nkey = \"/e\""));
    assert!(!restart(&format!("{ADDRESS}\nidle = \"1m\""), FILES));
    assert!(restart(ADDRESS, ""));
    assert!(restart(&format!("{ADDRESS}\nname = \"x\""), FILES));
    assert!(PanelConfig::needs_restart(Some(&old), None));
    assert!(PanelConfig::needs_restart(None, Some(&old)));
    assert!(!PanelConfig::needs_restart(None, None));
}
