//! Byte transcripts over real sockets: what each door says to a good peer, a bad one and a dead one, and what it
//! says to Dovecot behind it.
//!
//! The doors run in this process over a store in memory and an upstream made of a script. Real
//! Dovecot and Postfix are in `tests/peers`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise, also in its helpers"
)]

#[path = "support/mod.rs"]
mod support;

#[path = "doors/abuse.rs"]
mod abuse;
#[path = "doors/alike.rs"]
mod alike;
#[path = "doors/chunks.rs"]
mod chunks;
#[path = "doors/client.rs"]
mod client;
#[path = "doors/client_bad_input.rs"]
mod client_bad_input;
#[path = "doors/closing.rs"]
mod closing;
#[path = "doors/crowd.rs"]
mod crowd;
#[path = "doors/enforced.rs"]
mod enforced;
#[path = "doors/hidden.rs"]
mod hidden;
#[path = "doors/listening.rs"]
mod listening;
#[path = "doors/login.rs"]
mod login;
#[path = "doors/mechanisms.rs"]
mod mechanisms;
#[path = "doors/notices.rs"]
mod notices;
#[path = "doors/recall.rs"]
mod recall;
#[path = "doors/refusals.rs"]
mod refusals;
#[path = "doors/signins.rs"]
mod signins;
#[path = "doors/store_faults.rs"]
mod store_faults;
#[path = "doors/throttled.rs"]
mod throttled;
#[path = "doors/trail.rs"]
mod trail;
#[path = "doors/upstream_faults.rs"]
mod upstream_faults;
#[path = "doors/vouch.rs"]
mod vouch;
#[path = "doors/webmail.rs"]
mod webmail;

/// An AUTH line as a login process sends it.
fn auth(id: u32, mechanism: &str, response: Option<&str>) -> String {
    let response = response.map(|text| format!("\tresp={text}")).unwrap_or_default();
    format!("AUTH\t{id}\t{mechanism}\tservice=imap\tsession=s1\trip=192.0.2.7{response}\n")
}

/// The same line from another address: what was used once is used up there.
fn elsewhere(line: &str) -> String {
    assert!(line.contains("\trip=192.0.2.7\t"), "{line}");
    line.replace("\trip=192.0.2.7\t", "\trip=198.51.100.9\t")
}

/// An AUTH line that says everything at once.
fn login(id: u32, name: &str, password: &str) -> String {
    auth(id, "PLAIN", Some(&support::plain(name, password)))
}
