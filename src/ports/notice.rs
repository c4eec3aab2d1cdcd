//! The notice port: what a mailbox's owner is told of, by mail or whatever an adapter has.

use super::BoxFuture;
use crate::{
    base::{Mailbox, NetAddress, Service, UnixMillis},
    decision::notice::NoticeKind,
};

/// Something that its owner should know of a mailbox. No field holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whose owner is told.
    pub mailbox: Mailbox,
    /// When it happened.
    pub at: UnixMillis,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// 2-factor authentication was switched on.
    SecondFactorOn,
    /// It was switched off.
    SecondFactorOff,
    /// It moved to a new phone.
    SecondFactorMoved,
    /// It will be required, and the mailbox has none.
    SecondFactorRequired {
        /// From when on.
        from: UnixMillis,
        /// Days until then, a day that has begun counted as one.
        days: u64,
    },
    /// An app password was made.
    AppPasswordAdded {
        /// What its owner calls it; typed by somebody.
        name: String,
    },
    /// A recovery code was used up, at a login or for a change at the User Panel.
    RecoveryCodeUsed(Origin),
    /// A new set of recovery codes took the place of the old one.
    RecoveryCodesReplaced,
    /// The right password came with a wrong code, once; the adapter waits for more of them.
    WrongCode(Origin),
    /// An administrator tries whether notices arrive.
    Test,
}

/// Where a login came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// For which service.
    pub service: Service,
    /// From where, as the mail server says.
    pub address: NetAddress,
}

impl What {
    /// Its kind.
    pub fn kind(&self) -> NoticeKind {
        match self {
            Self::SecondFactorOn => NoticeKind::SecondFactorOn,
            Self::SecondFactorOff => NoticeKind::SecondFactorOff,
            Self::SecondFactorMoved => NoticeKind::SecondFactorMoved,
            Self::SecondFactorRequired { from: _, days: _ } => NoticeKind::SecondFactorRequired,
            Self::AppPasswordAdded { name: _ } => NoticeKind::AppPasswordAdded,
            Self::RecoveryCodeUsed(_) => NoticeKind::RecoveryCodeUsed,
            Self::RecoveryCodesReplaced => NoticeKind::RecoveryCodesReplaced,
            Self::WrongCode(_) => NoticeKind::WrongCodes,
            Self::Test => NoticeKind::Test,
        }
    }
}

/// What became of a notice that was waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Delivery {
    /// It was taken.
    Sent,
    /// Not now; another time it may be taken. Why, for a person.
    Later(String),
    /// Trying again does not help. Why, for a person.
    Never(String),
    /// Nobody is told anything of this kind.
    Off,
}

/// Who tells owners.
pub trait Notifier: Send + Sync {
    /// Must not block and must not fail: no login and no change waits for its notice, or is
    /// undone for want of it.
    fn notify(&self, notice: Notice);

    /// Tells at once, waits, and says what became of it. For what can be told later as well: nothing is
    /// tried again, and nothing else waits for it.
    fn tell<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Delivery>;

    /// Tells at once and says what came of it; for an administrator who tries it.
    ///
    /// # Errors
    ///
    /// Why nothing was sent, for a person.
    fn try_now<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), String>>;
}

/// Tells nobody.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Notifier for Silent {
    fn notify(&self, _: Notice) {}

    fn tell<'a>(&'a self, _: &'a Notice) -> BoxFuture<'a, Delivery> {
        Box::pin(async { Delivery::Off })
    }

    fn try_now<'a>(&'a self, _: &'a Notice) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async { Err("owners are told nothing here".to_owned()) })
    }
}
