//! The section `[api]`: what goes over the network in the clear, and what counts after a reload.

use super::*;
use crate::config::ApiConfig;

const FILES: &str = "certificate = \"/c.pem\"\nkey = \"/k.pem\"";
const LOOPBACK: &str = "listen = \"127.0.0.1:8426\"";
const ANYWHERE: &str = "listen = \"192.0.2.1:8426\"";

fn with(keys: &str, tls: &str) -> String {
    format!("[api]\n{keys}\n[api.tls]\n{tls}\n{CLIENT}")
}

fn read(keys: &str, tls: &str) -> ApiConfig {
    parse(&with(keys, tls)).unwrap().api.unwrap()
}

#[test]
fn tokens_leave_the_machine_in_tls_only() {
    for listen in [LOOPBACK, "listen = \"[::1]:1\"", "listen = \"/run/mail2fa-api/socket\""] {
        assert!(read(listen, "").tls.is_none(), "{listen}");
    }
    let files = read(ANYWHERE, FILES).tls.unwrap();
    assert_eq!((files.certificate, files.key), ("/c.pem".into(), "/k.pem".into()));
    assert!(read("listen = \"[::]:8426\"", FILES).tls.is_some());
    assert!(read(&format!("{ANYWHERE}\nbehind_proxy = true"), "").tls.is_none());
    assert!(read(LOOPBACK, FILES).tls.is_some());
    // What systemd hands over is judged alike.
    let (other, near) = ("192.0.2.1:1".parse().unwrap(), "[::ffff:127.0.0.1]:1".parse().unwrap());
    assert!(read(LOOPBACK, "").in_clear(&other) && !read(LOOPBACK, "").in_clear(&near));
    assert!(!read(LOOPBACK, FILES).in_clear(&other));
    assert!(!read(&format!("{LOOPBACK}\nbehind_proxy = true"), "").in_clear(&other));
}

#[test]
fn one_mistake_each() {
    each_is_one_mistake(vec![
        (with(ANYWHERE, ""), "api.listen: tokens would go over the network in the clear"),
        (with("listen = \"[::]:8426\"", ""), "api.listen: tokens would go over the network"),
        (with(ANYWHERE, "certificate = \"/c\""), "api.tls.key: is missing: certificate is"),
        (with(LOOPBACK, "key = \"/k\""), "api.tls.certificate: is missing: key is"),
        (with(LOOPBACK, &format!("{FILES}\nciphers = 1")), "api.tls.ciphers: unknown key"),
        (with("listen = \"/run/api\"", FILES), "api.tls: is for an address"),
        (
            with(&format!("{ANYWHERE}\nbehind_proxy = true"), FILES),
            "api.behind_proxy: says that a proxy does TLS",
        ),
        (format!("[api]\n{LOOPBACK}\ntls = true\n{CLIENT}"), "api.tls: must be a table"),
    ]);
}

#[test]
fn a_new_certificate_needs_no_restart() {
    let old = read(ANYWHERE, FILES);
    let restart =
        |keys: &str, tls: &str| ApiConfig::needs_restart(Some(&old), Some(&read(keys, tls)));
    assert!(!restart(ANYWHERE, FILES));
    assert!(!restart(ANYWHERE, "certificate = \"/d\"\nkey = \"/e\""));
    assert!(restart(LOOPBACK, FILES) && restart(LOOPBACK, ""));
    assert!(restart(&format!("{ANYWHERE}\nbehind_proxy = true"), ""));
    assert!(ApiConfig::needs_restart(Some(&read(LOOPBACK, "")), Some(&read(LOOPBACK, FILES))));
    assert!(
        ApiConfig::needs_restart(Some(&old), None) && ApiConfig::needs_restart(None, Some(&old))
    );
    assert!(!ApiConfig::needs_restart(None, None));
}
