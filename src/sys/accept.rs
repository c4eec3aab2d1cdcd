//! What a failed accept means for the next one.
//!
//! # Security
//!
//! An accept loop must not end on a bad accept (CVE-2026-49232), nor spin when the process is out of
//! descriptors. Nor must it pause for a peer that was gone too early: whoever connects and resets could hold up
//! everybody else.

use std::io;

use nix::errno::Errno;

/// Whether this accept alone has failed, so that the next one may be tried at once. Anything else (descriptors
/// of ours or of the machine, memory, something unheard of) is to be tried again after a pause.
pub fn is_passing(error: &io::Error) -> bool {
    let Some(number) = error.raw_os_error() else { return false };
    // The peer had gone before we came, a signal came between, or a firewall said no to this one: accept(2).
    matches!(
        Errno::from_raw(number),
        Errno::ECONNABORTED | Errno::EINTR | Errno::EPROTO | Errno::EPERM
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_concerns_one_peer_is_passing() {
        for errno in [Errno::ECONNABORTED, Errno::EINTR, Errno::EPROTO, Errno::EPERM] {
            assert!(is_passing(&errno.into()), "{errno}");
        }
        for errno in [Errno::EMFILE, Errno::ENFILE, Errno::ENOMEM, Errno::ENOBUFS, Errno::EBADF] {
            assert!(!is_passing(&errno.into()), "{errno}");
        }
        assert!(!is_passing(&io::Error::other("no number")));
    }
}
