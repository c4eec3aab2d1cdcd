//! A password part that was found right a moment ago, and need not be asked for again.
//!
//! Off unless the administrator gives it a time. Only a login whose sign-in lives may go by it: its whole
//! string is known to be the one that a code was used up for, so all that a check could still find is that
//! the password was changed since. What is kept is a keyed hash and a moment, never a name or a password.
//!
//! # Security
//!
//! Everything that the answer may depend on is part of the hash: the mailbox as it was asked for, the
//! version of its record (which every change of ours moves: password, factor, lock, sign-ins), the whole
//! string, the very service and address, and what else the password source was told. Only "right" is kept,
//! and only of a mailbox's own password that opened the mailbox itself. An answer is as old as its
//! question, and being used does not make it younger.

use super::{
    answer::PasswordAnswer,
    digest::{CredentialKey, Digest, Kind},
    question::{PasswordQuestion, Recall},
};
use crate::base::UnixMillis;

impl Recall {
    /// What an answer to this question is kept under: equal exactly for questions that must have the
    /// same answer until a password is changed behind our back. `source` is what the password source says
    /// of itself and of what else it was told. `key` must be gone with the process.
    pub fn key(&self, key: &CredentialKey, question: &PasswordQuestion, source: &[u8]) -> Digest {
        let (service, from) = (self.service.to_string(), self.from.to_string());
        let fields: [&[u8]; 8] = [
            &self.version.0.to_be_bytes(),
            self.session.bytes(),
            question.asked.authzid.as_bytes(),
            question.asked.authcid.as_bytes(),
            question.password.expose(),
            service.as_bytes(),
            from.as_bytes(),
            source,
        ];
        key.digest(Kind::Recall, &question.mailbox, &fields)
    }

    /// The one answer that is ever kept.
    fn right(&self, question: &PasswordQuestion) -> PasswordAnswer {
        let user = self.named.then(|| question.mailbox.as_str().as_bytes().to_vec());
        PasswordAnswer::Right { user, auth_user: None }
    }
}

/// That a password was right, and when that was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundRight(UnixMillis);

impl FoundRight {
    /// What is kept of an answer to a question that was asked then: nothing unless it says "right", and
    /// names the mailbox itself and nobody else, as its source does.
    pub fn from_answer(
        answer: &PasswordAnswer,
        question: &PasswordQuestion,
        asked: UnixMillis,
    ) -> Option<Self> {
        let recall = question.recall.as_ref()?;
        (*answer == recall.right(question)).then_some(Self(asked))
    }

    /// The answer once more, if it is not too old at this moment. One from the future is of no moment.
    pub fn answer(&self, question: &PasswordQuestion, now: UnixMillis) -> Option<PasswordAnswer> {
        let recall = question.recall.as_ref()?;
        let fresh = now >= self.0 && now < self.0.plus_seconds(recall.seconds);
        fresh.then(|| recall.right(question))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{Mailbox, NetAddress, Secret, Service},
        decision::{names::SaslNames, record::Version},
    };

    fn recall() -> Recall {
        Recall {
            version: Version(7),
            session: Digest::from_bytes([1; 32]),
            service: Service::Smtp,
            from: NetAddress::parse("192.0.2.1"),
            seconds: 60,
            named: true,
        }
    }

    fn question() -> PasswordQuestion {
        PasswordQuestion {
            mailbox: Mailbox::new("alice@example.org").unwrap(),
            asked: SaslNames { authzid: String::new(), authcid: "alice@example.org".into() },
            password: Secret::from_slice(b"T9D3K!px"),
            hash: None,
            counted: true,
            recall: Some(recall()),
        }
    }

    fn right(user: Option<&str>, auth_user: Option<&str>) -> PasswordAnswer {
        let name = |name: Option<&str>| name.map(|name| name.as_bytes().to_vec());
        PasswordAnswer::Right { user: name(user), auth_user: name(auth_user) }
    }

    #[test]
    fn whatever_is_another_question_has_another_key() {
        let process = CredentialKey::new(Secret::from_slice(b"one process"));
        let own = recall().key(&process, &question(), b"upstream");
        assert_eq!(own, recall().key(&process, &question(), b"upstream"));
        let other_process = CredentialKey::new(Secret::from_slice(b"another one"));
        assert_ne!(own, recall().key(&other_process, &question(), b"upstream"));
        assert_ne!(own, recall().key(&process, &question(), b"upstream, told something else"));
        let changes: [fn(&mut Recall); 4] = [
            |recall| recall.version = Version(8),
            |recall| recall.session = Digest::from_bytes([2; 32]),
            |recall| recall.service = Service::Imap,
            |recall| recall.from = NetAddress::parse("192.0.2.2"),
        ];
        for change in changes {
            let mut other = recall();
            change(&mut other);
            assert_ne!(own, other.key(&process, &question(), b"upstream"), "{other:?}");
        }
        let changes: [fn(&mut PasswordQuestion); 4] = [
            |question| question.mailbox = Mailbox::new("bob@example.org").unwrap(),
            |question| question.asked.authzid = "bob@example.org".into(),
            |question| question.asked.authcid = "Alice@Example.ORG".into(),
            |question| question.password = Secret::from_slice(b"T9D3K!pX"),
        ];
        for change in changes {
            let mut other = question();
            change(&mut other);
            assert_ne!(own, recall().key(&process, &other, b"upstream"), "{other:?}");
        }
    }

    /// The question to a source that names mailboxes, or to one that does not.
    fn asking(named: bool) -> PasswordQuestion {
        PasswordQuestion { recall: Some(Recall { named, ..recall() }), ..question() }
    }

    #[test]
    fn only_a_right_password_that_opens_its_own_mailbox_is_kept() {
        let at = UnixMillis::from_seconds(1_000);
        for (answer, of_named, of_unnamed) in [
            (right(Some("alice@example.org"), None), true, false),
            (right(None, None), false, true),
            (right(Some("ALICE@example.org"), None), false, false),
            (right(Some("bob@example.org"), None), false, false),
            (right(Some("alice@example.org"), Some("chief@example.org")), false, false),
            (right(None, Some("alice@example.org")), false, false),
            (PasswordAnswer::Wrong, false, false),
            (PasswordAnswer::Unavailable("gone".into()), false, false),
        ] {
            for (named, kept) in [(true, of_named), (false, of_unnamed)] {
                let found = FoundRight::from_answer(&answer, &asking(named), at);
                assert_eq!(found.is_some(), kept, "{named} {answer:?}");
            }
            let never = PasswordQuestion { recall: None, ..question() };
            assert_eq!(FoundRight::from_answer(&answer, &never, at), None);
        }
    }

    #[test]
    fn it_says_the_same_again_until_its_end() {
        let at = UnixMillis::from_seconds(1_000);
        for (named, answer) in
            [(false, right(None, None)), (true, right(Some("alice@example.org"), None))]
        {
            let question = asking(named);
            let found = FoundRight::from_answer(&answer, &question, at).unwrap();
            for (millis, fresh) in
                [(999_999, false), (1_000_000, true), (1_059_999, true), (1_060_000, false)]
            {
                let again = found.answer(&question, UnixMillis::from_millis(millis));
                assert_eq!(again, fresh.then(|| answer.clone()), "{millis}");
            }
        }
    }
}
