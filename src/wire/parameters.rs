//! The parameters of an AUTH line, typed.
//!
//! Everything that came is kept in order, known or not; the accessors read the known ones. The
//! initial response (`resp=`) is not a parameter and can be neither read nor written here.
//! Sources: `auth_request_import_info` and `auth_request_import_auth` in Dovecot's
//! `src/auth/auth-request-fields.c`.
//!
//! # Security
//!
//! All of it is what the peer says about its client. Where a key came twice the last one counts,
//! here as in Dovecot: an upstream must not see another address or service than the one judged.

use super::field::{Field, Fields};
use crate::base::{NetAddress, Service};

/// How the mail client's connection is protected, as the peer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Nothing was said: in the clear.
    Insecure,
    /// `secured`: local, or protected in a way the peer trusts.
    Secured,
    /// `secured=tls`.
    Tls,
}

/// The parameters of one AUTH line, without `resp`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(Fields);

impl Parameters {
    /// No parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// The service's name as it came: `service` (2.3, Postfix, Exim) or `protocol` (2.4).
    pub fn service_name(&self) -> Option<&[u8]> {
        self.0
            .iter()
            .rev()
            .find(|field| field.key == b"service" || field.key == b"protocol")?
            .value
            .as_deref()
    }

    /// The service. Without a name it is an unknown one, which is judged like the strictest.
    pub fn service(&self) -> Service {
        Service::parse(&String::from_utf8_lossy(self.service_name().unwrap_or_default()))
    }

    /// `rip`: where the mail client comes from.
    pub fn remote_ip(&self) -> NetAddress {
        self.address("rip")
    }

    /// `lip`: the address the mail client connected to.
    pub fn local_ip(&self) -> NetAddress {
        self.address("lip")
    }

    /// `real_rip`: the host that connected, a proxy for example; `rip` when it is not said.
    pub fn real_remote_ip(&self) -> NetAddress {
        if self.0.contains("real_rip") { self.address("real_rip") } else { self.remote_ip() }
    }

    /// `real_lip`; `lip` when it is not said.
    pub fn real_local_ip(&self) -> NetAddress {
        if self.0.contains("real_lip") { self.address("real_lip") } else { self.local_ip() }
    }

    /// `rport`.
    pub fn remote_port(&self) -> Option<u16> {
        self.port("rport")
    }

    /// `lport`.
    pub fn local_port(&self) -> Option<u16> {
        self.port("lport")
    }

    /// `real_rport`; `rport` when it is not said.
    pub fn real_remote_port(&self) -> Option<u16> {
        self.port("real_rport").or_else(|| self.remote_port())
    }

    /// `real_lport`; `lport` when it is not said.
    pub fn real_local_port(&self) -> Option<u16> {
        self.port("real_lport").or_else(|| self.local_port())
    }

    /// `local_name`: the TLS server name the mail client asked for.
    pub fn local_name(&self) -> Option<&[u8]> {
        self.0.value("local_name")
    }

    /// `session`: the mail server's name for this session, for logs.
    pub fn session(&self) -> Option<&[u8]> {
        self.0.value("session")
    }

    /// `client_id`: what the mail client said in IMAP ID.
    pub fn client_id(&self) -> Option<&[u8]> {
        self.0.value("client_id")
    }

    /// `secured`.
    pub fn transport(&self) -> Transport {
        match self.0.get(b"secured").map(|field| field.value.as_deref()) {
            None => Transport::Insecure,
            Some(Some(b"tls")) => Transport::Tls,
            Some(_) => Transport::Secured,
        }
    }

    /// Whether the mail client's connection is protected at all.
    pub fn is_secured(&self) -> bool {
        self.transport() != Transport::Insecure
    }

    /// `valid-client-cert`: the mail client showed a certificate that was accepted.
    pub fn has_valid_client_certificate(&self) -> bool {
        self.0.contains("valid-client-cert")
    }

    /// `cert_username`: the name in that certificate. Dovecot puts it above any name in the credentials.
    pub fn certificate_user(&self) -> Option<&[u8]> {
        self.0.value("cert_username")
    }

    /// `ssl_client_cert_fp` (2.4).
    pub fn certificate_fingerprint(&self) -> Option<&[u8]> {
        self.0.value("ssl_client_cert_fp")
    }

    /// `ssl_client_cert_pubkey_fp` (2.4).
    pub fn certificate_key_fingerprint(&self) -> Option<&[u8]> {
        self.0.value("ssl_client_cert_pubkey_fp")
    }

    /// `ssl_ja3_hash` (2.4).
    pub fn tls_client_hash(&self) -> Option<&[u8]> {
        self.0.value("ssl_ja3_hash")
    }

    /// `no-penalty`: failures are not held against the address (webmail, proxies).
    pub fn is_without_penalty(&self) -> bool {
        self.0.contains("no-penalty")
    }

    /// `final-resp-ok`: the OK reply may carry a last SASL message.
    pub fn takes_final_response(&self) -> bool {
        self.0.contains("final-resp-ok")
    }

    /// `nologin`: no mail process will ask for the result (Postfix, Exim).
    pub fn is_without_login(&self) -> bool {
        self.0.contains("nologin")
    }

    /// `debug`: the peer wishes more logging for this request.
    pub fn wants_debug(&self) -> bool {
        self.0.contains("debug")
    }

    /// The entries of `forward_fields`, a list inside one value.
    pub fn forwarded(&self) -> Fields {
        Fields::parse(self.0.value("forward_fields").unwrap_or_default())
    }

    /// Replaces `forward_fields`; an empty list removes it.
    pub fn set_forwarded(&mut self, entries: &Fields) {
        if entries.is_empty() {
            self.0.remove("forward_fields");
        } else {
            self.0.set("forward_fields", Some(entries.encode()));
        }
    }

    /// Removes every entry of that name from every `forward_fields`; says how many there were.
    ///
    /// Upstreams read all of them, not only the last, so all are looked through.
    pub fn remove_forwarded(&mut self, key: &str) -> usize {
        let mut removed = 0;
        let mut kept = Fields::new();
        for field in &self.0 {
            let mut field = field.clone();
            if field.key == b"forward_fields" {
                let mut entries = Fields::parse(field.value.as_deref().unwrap_or_default());
                let found = entries.remove(key);
                if found > 0 {
                    removed += found;
                    field.value = Some(entries.encode());
                }
            }
            kept.push(field.key, field.value);
        }
        if removed > 0 {
            self.0 = kept;
        }
        removed
    }

    /// The value of any parameter.
    pub fn value(&self, key: &str) -> Option<&[u8]> {
        self.0.value(key)
    }

    /// Whether a parameter is there.
    pub fn contains(&self, key: &str) -> bool {
        self.0.contains(key)
    }

    /// Adds a parameter at the end. `resp` is not one and is left out.
    pub fn push(&mut self, key: impl Into<Vec<u8>>, value: Option<Vec<u8>>) {
        let key = key.into();
        if !is_response(&key) {
            self.0.push(key, value);
        }
    }

    /// Removes every parameter of that name; says how many there were.
    pub fn remove(&mut self, key: &str) -> usize {
        self.0.remove(key)
    }

    /// The parameters in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Field> {
        self.0.iter()
    }

    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn fields(&self) -> &Fields {
        &self.0
    }

    pub(super) fn push_parsed(&mut self, field: Field) {
        self.0.push(field.key, field.value);
    }

    fn address(&self, key: &str) -> NetAddress {
        self.0
            .value(key)
            .and_then(|value| std::str::from_utf8(value).ok())
            .map_or(NetAddress::UNKNOWN, NetAddress::parse)
    }

    fn port(&self, key: &str) -> Option<u16> {
        std::str::from_utf8(self.0.value(key)?).ok()?.parse().ok()
    }
}

/// Whether a key would be read as the initial response: everything up to the first `=` counts.
fn is_response(key: &[u8]) -> bool {
    key.split(|byte| *byte == b'=').next() == Some(b"resp")
}

impl From<Fields> for Parameters {
    /// Leaves out `resp`, which is not a parameter.
    fn from(mut fields: Fields) -> Self {
        if fields.iter().any(|field| is_response(&field.key)) {
            fields = fields.iter().filter(|field| !is_response(&field.key)).cloned().collect();
        }
        Self(fields)
    }
}

impl<'a> IntoIterator for &'a Parameters {
    type Item = &'a Field;
    type IntoIter = std::slice::Iter<'a, Field>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Parameters {
        Parameters::from(Fields::parse(text.as_bytes()))
    }

    #[test]
    fn what_dovecot_2_3_sends() {
        let parameters = read(
            "service=imap\tsecured=tls\tsession=abc\tlip=192.0.2.1\trip=::ffff:192.0.2.9\
             \tlport=993\trport=40000\treal_rip=198.51.100.7\tlocal_name=mail.example.org\
             \tvalid-client-cert\tcert_username=bob\tno-penalty\tclient_id=name\u{1}tx\tdebug",
        );
        assert_eq!(parameters.service(), Service::Imap);
        assert_eq!(parameters.transport(), Transport::Tls);
        assert_eq!(parameters.session(), Some(&b"abc"[..]));
        assert_eq!(parameters.local_ip(), NetAddress::parse("192.0.2.1"));
        assert_eq!(parameters.remote_ip(), NetAddress::parse("192.0.2.9"));
        assert_eq!(parameters.real_remote_ip(), NetAddress::parse("198.51.100.7"));
        assert_eq!(parameters.real_local_ip(), NetAddress::parse("192.0.2.1"));
        assert_eq!((parameters.local_port(), parameters.remote_port()), (Some(993), Some(40_000)));
        assert_eq!(parameters.real_remote_port(), Some(40_000));
        assert_eq!(parameters.real_local_port(), Some(993));
        assert_eq!(parameters.local_name(), Some(&b"mail.example.org"[..]));
        assert_eq!(parameters.certificate_user(), Some(&b"bob"[..]));
        assert_eq!(parameters.client_id(), Some(&b"name\tx"[..]));
        assert!(parameters.has_valid_client_certificate());
        assert!(parameters.is_without_penalty());
        assert!(parameters.wants_debug());
        assert!(!parameters.takes_final_response());
        assert!(!parameters.is_without_login());
    }

    #[test]
    fn what_dovecot_2_4_sends() {
        let parameters = read(
            "protocol=sieve\tfinal-resp-ok\tsecured\tssl_client_cert_fp=aa\
             \tssl_client_cert_pubkey_fp=bb\tssl_ja3_hash=cc",
        );
        assert_eq!(parameters.service(), Service::Sieve);
        assert_eq!(parameters.transport(), Transport::Secured);
        assert!(parameters.takes_final_response());
        assert_eq!(parameters.certificate_fingerprint(), Some(&b"aa"[..]));
        assert_eq!(parameters.certificate_key_fingerprint(), Some(&b"bb"[..]));
        assert_eq!(parameters.tls_client_hash(), Some(&b"cc"[..]));
    }

    #[test]
    fn the_last_of_a_kind_counts_as_in_dovecot() {
        let parameters = read("service=imap\tprotocol=smtp\trip=192.0.2.1\trip=192.0.2.2");
        assert_eq!(parameters.service(), Service::Smtp);
        assert_eq!(parameters.remote_ip(), NetAddress::parse("192.0.2.2"));
    }

    #[test]
    fn nothing_said_is_unknown_and_insecure() {
        let parameters = Parameters::new();
        assert_eq!(parameters.service(), Service::Other("".into()));
        assert_eq!(parameters.remote_ip(), NetAddress::UNKNOWN);
        assert_eq!(read("rip=nonsense\trport=70000").remote_port(), None);
        assert!(!parameters.is_secured());
    }

    #[test]
    fn vouch_is_found_in_every_forward_fields() {
        let mut parameters = read(
            "service=imap\tforward_fields=a=1\u{1}tvouch=x\u{1}tb=2\tx=y\tforward_fields=vouch=z",
        );
        assert_eq!(parameters.remove_forwarded("vouch"), 2);
        assert_eq!(parameters.remove_forwarded("vouch"), 0);
        assert_eq!(
            parameters.fields().encode(),
            b"service=imap\tforward_fields=a=1\x01tb=2\tx=y\tforward_fields="
        );
        let entries = Fields::new().with("vouch", b"a\tb").with("c", b"d");
        parameters.remove("forward_fields");
        parameters.set_forwarded(&entries);
        assert_eq!(parameters.forwarded(), entries);
        parameters.set_forwarded(&Fields::new());
        assert_eq!(parameters.fields().encode(), b"service=imap\tx=y");
    }

    #[test]
    fn resp_is_no_parameter() {
        let mut parameters = read("service=imap\tresp=abc\tresp\tx");
        parameters.push("resp", Some(b"abc".to_vec()));
        parameters.push("resp=abc", None);
        assert_eq!(parameters.fields().encode(), b"service=imap\tx");
    }
}
