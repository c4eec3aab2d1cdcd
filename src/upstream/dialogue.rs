//! A request of several rounds: a mechanism whose messages are handed on.
//!
//! # Security
//!
//! The request is cancelled upstream when the dialogue is dropped before its end, and after an OK unless
//! what came with it is released ([`Held`]). An OK while a challenge is open is believed by nobody.

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc, time::timeout};

use super::{
    Answer, Held, UpstreamError,
    link::{Open, Shared, Verdict},
};
use crate::base::{Secret, limits::UPSTREAM_ANSWER_SECONDS};

/// What may come before the answer to a challenge: the challenge, and an early end.
pub(super) const UNREAD: usize = 2;

/// One such request under way.
#[derive(Debug)]
pub struct Dialogue {
    request: Option<Open>,
    shared: Arc<Shared>,
    said: mpsc::Receiver<Verdict>,
    /// Whether the upstream waits for a response.
    asked: bool,
}

/// What the upstream says in a dialogue.
#[derive(Debug)]
#[must_use]
pub enum Said {
    /// It asks for more; decoded.
    Challenge(Secret),
    /// It has decided.
    Answer(Answer),
}

impl Dialogue {
    pub(super) fn new(request: Open, shared: Arc<Shared>, said: mpsc::Receiver<Verdict>) -> Self {
        Self { request: Some(request), shared, said, asked: false }
    }

    /// The next thing that the upstream says, within its time. After a challenge that can only be an end
    /// that comes early. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Said, UpstreamError> {
        let said = if self.asked {
            // It is not its turn.
            self.said.recv().await
        } else {
            let limit = Duration::from_secs(UPSTREAM_ANSWER_SECONDS);
            let slow = |_| UpstreamError::Slow(UPSTREAM_ANSWER_SECONDS);
            timeout(limit, self.said.recv()).await.map_err(slow)?
        };
        match said {
            Some(Verdict::Cont(_)) if self.asked => {
                Err(UpstreamError::Disorder("it asked twice without an answer"))
            }
            Some(Verdict::Cont(challenge)) => {
                self.asked = true;
                Ok(Said::Challenge(challenge))
            }
            Some(Verdict::Ok(_)) if self.asked => {
                Err(UpstreamError::Disorder("it said OK before its question was answered"))
            }
            Some(Verdict::Ok(fields)) => match self.request.take() {
                Some(request) => Ok(Said::Answer(Answer::Accepted(Held::new(request, fields)))),
                None => Err(self.shared.lost()),
            },
            Some(Verdict::Fail(fields)) => {
                if let Some(request) = self.request.take() {
                    request.forget();
                }
                Ok(Said::Answer(Answer::Refused(fields)))
            }
            None => Err(self.shared.lost()),
        }
    }

    /// Hands the mail client's response to the challenge up; not if the upstream has decided
    /// meanwhile, which [`next`](Self::next) tells.
    pub fn respond(&mut self, response: &Secret) -> Result<(), UpstreamError> {
        let request = self.request.as_ref().ok_or_else(|| self.shared.lost())?;
        if request.respond(response)? {
            self.asked = false;
        }
        Ok(())
    }
}
