//! The notice port by mail: a queue, one worker, texts in files, a relay on this machine.
//!
//! Layer 5. [`Owners`] takes notices without waiting; its worker asks the use-case which of them are
//! sent, puts text and address together ([`Letters`]) and hands the mail over ([`Transport`]), several
//! times if need be. What is sent to whom, and what is not and why, goes to the log under the target
//! `mail2fa::notice`, without the text.
//!
//! It logs in nowhere: a relay that asks for a password is not for this.
//!
//! # Security
//!
//! Only names of mailboxes and app passwords in a notice were typed by people. They are bounded, what
//! a mail program would make a link or a line of is replaced, and the message is built by lettre,
//! which encodes headers and refuses addresses that are none. No secret reaches this room.

mod letter;
mod queue;
mod template;
mod texts;
mod transport;

pub use letter::{Letter, LetterError, Letters, Sender};
pub use queue::{Outfit, Owners};
pub use template::{Template, Values};
pub use texts::{BUILT_IN, TextMistake, Texts, built_in};
pub use transport::{Relay, SendError, Sendmail, Smtp, Transport};
