//! The section `[panel]`: whether browsers come by HTTPS, and what counts after a reload.

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
fn browsers_come_by_https_unless_it_says_no() {
    assert!(read(ADDRESS, "").https && read(ADDRESS, FILES).https);
    assert!(read(&format!("{ADDRESS}\nhttps = true"), FILES).https);
    assert!(read(&format!("{ADDRESS}\nhttps = true\nbehind_proxy = true"), "").https);
    assert!(!read(&format!("{ADDRESS}\nhttps = false"), "").https);
}

/// Where something says that they do, it may not.
#[test]
fn one_mistake_each_of_https() {
    each_is_one_mistake(vec![
        (
            with(&format!("{ADDRESS}\nhttps = false"), FILES),
            "panel.https: is false, and [panel.tls]",
        ),
        (
            with(&format!("{ADDRESS}\nhttps = false\nbehind_proxy = true"), ""),
            "panel.https: is false, and behind_proxy says",
        ),
        (
            with("listen = \"0.0.0.0:8425\"\nhttps = false\nbehind_proxy = true", ""),
            "panel.https: is false, and behind_proxy says",
        ),
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
    assert!(restart(ADDRESS, "") && restart(&format!("{ADDRESS}\nbehind_proxy = true"), ""));
    assert!(restart(&format!("{ADDRESS}\nname = \"x\""), FILES));
    assert!(PanelConfig::needs_restart(Some(&old), None));
    assert!(PanelConfig::needs_restart(None, Some(&old)));
    assert!(!PanelConfig::needs_restart(None, None));
}
