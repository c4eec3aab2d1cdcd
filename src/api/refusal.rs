//! The refusals of `service::admin` as they are answered: for each its status and what it is called.
//!
//! The table names each variant of [`AdminError`] once; the compiler sees that none is missing. The word of a
//! refusal, the end of its type, is the tag of the error with hyphens.

use axum::http::StatusCode;

use crate::service::admin::AdminError;

macro_rules! refusals {
    ($($name:ident: $status:ident $title:literal;)*) => {
        /// A kind of [`AdminError`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Refusal { $(
            #[doc = $title]
            $name,
        )* }

        impl Refusal {
            /// The kind of an error.
            pub fn of(error: &AdminError) -> Self {
                match error { $(AdminError::$name { .. } => Self::$name,)* }
            }

            /// Its status, its variant's name, what it is called.
            const fn row(self) -> (StatusCode, &'static str, &'static str) {
                match self { $(Self::$name => (StatusCode::$status, stringify!($name), $title),)* }
            }
        }
    };
}

refusals! {
    BadName: UNPROCESSABLE_ENTITY "Not a mailbox name";
    BadPassword: UNPROCESSABLE_ENTITY "Not a password that can be used";
    BadCode: UNPROCESSABLE_ENTITY "Not a code";
    BadNumber: UNPROCESSABLE_ENTITY "A number that is too small or too large";
    SameName: UNPROCESSABLE_ENTITY "Both names are one";
    WrongCode: UNPROCESSABLE_ENTITY "Wrong code";
    EnrolmentDropped: UNPROCESSABLE_ENTITY "Wrong too often";
    BadAppPassword: UNPROCESSABLE_ENTITY "Not an app password that can be made";
    BadAppPasswordId: UNPROCESSABLE_ENTITY "Not the name of an app password";
    BadKind: UNPROCESSABLE_ENTITY "Not a kind of events";
    BadCursor: UNPROCESSABLE_ENTITY "Not a place in the audit trail";
    BadToken: UNPROCESSABLE_ENTITY "Not a token that can be made";
    NoMailbox: NOT_FOUND "No such mailbox";
    NoRecord: NOT_FOUND "Nothing is kept about the mailbox";
    NoEnrolment: NOT_FOUND "No enrolment waits for a code";
    NoAppPassword: NOT_FOUND "No such app password";
    NoSession: NOT_FOUND "No such session";
    NoToken: NOT_FOUND "No such token";
    Exists: CONFLICT "The mailbox exists";
    NotOurPasswords: CONFLICT "Passwords are Dovecot's";
    AlreadyOn: CONFLICT "2-factor authentication is on";
    AlreadyOff: CONFLICT "2-factor authentication is off";
    EnrolmentOff: CONFLICT "2-factor authentication is not allowed";
    TooManyAppPasswords: CONFLICT "Too many app passwords";
    NoticeNotSent: CONFLICT "The notice was not sent";
    AlreadyLocked: CONFLICT "Locked already";
    NotLocked: CONFLICT "Not locked";
    TokenExists: CONFLICT "The token exists";
    TooManyTokens: CONFLICT "Too many tokens";
    NoScope: FORBIDDEN "The token is not for this";
    OutOfReach: FORBIDDEN "The token is not for this domain";
    Busy: SERVICE_UNAVAILABLE "Changed by others at the same time";
    Unavailable: SERVICE_UNAVAILABLE "Not now";
    Ambiguous: GATEWAY_TIMEOUT "It may or may not have happened";
    Storage: INTERNAL_SERVER_ERROR "The store cannot be used";
}

impl Refusal {
    /// Its status.
    pub fn status(self) -> StatusCode {
        self.row().0
    }

    /// What it is called.
    pub fn title(self) -> &'static str {
        self.row().2
    }

    /// The end of its type, `no-mailbox`.
    pub fn word(self) -> String {
        let mut word = String::new();
        for letter in self.row().1.chars() {
            if letter.is_ascii_uppercase() && !word.is_empty() {
                word.push('-');
            }
            word.push(letter.to_ascii_lowercase());
        }
        word
    }
}
