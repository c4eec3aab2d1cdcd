//! Codes as a phone shows them now, by another implementation than the one under test.
#![allow(dead_code, reason = "each test uses a part of this")]

use std::process::Command;

/// The code that a phone would show now, by another implementation of RFC 6238: oathtool's, or
/// where it is not installed, one made of HMAC alone.
pub fn code(secret: &str) -> String {
    match Command::new("oathtool").args(["--totp", "--base32", secret]).output() {
        Ok(output) if output.status.success() => {
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        }
        _ => rfc_6238(secret),
    }
}

#[expect(clippy::disallowed_methods, reason = "the other end of the code has a clock of its own")]
fn rfc_6238(secret: &str) -> String {
    use hmac::{KeyInit, Mac};
    let key = base32::decode(base32::Alphabet::Rfc4648 { padding: false }, secret).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let mut mac = hmac::Hmac::<sha1::Sha1>::new_from_slice(&key).unwrap();
    mac.update(&(now.as_secs() / 30).to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] & 0xf);
    let word = u32::from_be_bytes(digest[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

/// Six digits that are none of the codes around now.
pub fn wrong_code(secret: &str) -> String {
    let near = Command::new("oathtool")
        .args(["--totp", "--base32", "--now", "2 minutes ago", "-w", "8", secret])
        .output();
    let near = near.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let near = near.unwrap_or_default();
    (0..100)
        .map(|number| format!("{number:06}"))
        .find(|code| !near.contains(code.as_str()))
        .unwrap()
}
