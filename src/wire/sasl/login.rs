//! LOGIN (draft-murchison-sasl-login): the server asks for the name, then for the password.
//!
//! The challenges are the ones Dovecot sends (`src/lib-sasl/sasl-server-mech-login.c`); some mail
//! clients look for them.

use super::{Exchange, PlainCredentials, Step, check_name};

pub(super) const NAME_CHALLENGE: &[u8] = b"Username:";
const PASSWORD_CHALLENGE: &[u8] = b"Password:";

pub(super) fn take_name(name: &[u8]) -> Step {
    match check_name(name) {
        Ok(()) => {
            let exchange = Exchange::LoginPassword { authcid: name.to_vec() };
            Step::Challenge(exchange, PASSWORD_CHALLENGE)
        }
        Err(why) => Step::Rejected(why),
    }
}

pub(super) fn take_password(authcid: &[u8], password: &[u8]) -> Step {
    match PlainCredentials::new(b"", authcid, password) {
        Ok(credentials) => Step::Credentials(credentials),
        Err(why) => Step::Rejected(why),
    }
}
