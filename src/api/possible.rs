//! Which problems an operation may answer, from its entry in the table.
//!
//! What follows from its shape is worked out here: one with a body may get a bad one, one with a mailbox in its path a
//! bad name. The rest stands in the entry. The document is made from this, and `call` looks whether what
//! is refused was said.

use axum::http::StatusCode;

use super::{
    operations::{Body, Operation},
    problem::Problem,
    refusal::Refusal,
};

/// What the doors refuse, whatever is asked.
const DOORS: &[Problem] = &[Problem::TOKEN, Problem::TRIES, Problem::PEER];

/// What may come of any request.
const ANY: &[Problem] =
    &[Problem::QUERY, Problem::SLOW, Problem::LARGE, Problem::BROKEN, Problem::LATE];

/// A problem that may be answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Possible {
    pub status: StatusCode,
    /// The end of its type.
    pub word: String,
    /// What it is called.
    pub title: &'static str,
}

impl From<Problem> for Possible {
    fn from(problem: Problem) -> Self {
        let Problem { status, word, title, detail: _ } = problem;
        Self { status, word: word.to_owned(), title }
    }
}

impl From<Refusal> for Possible {
    fn from(refusal: Refusal) -> Self {
        Self { status: refusal.status(), word: refusal.word(), title: refusal.title() }
    }
}

/// All that an operation may answer but that it is done, by status.
pub(super) fn possible(operation: &Operation) -> Vec<Possible> {
    let of_body: &[Problem] = match operation.body {
        Body::Empty => &[Problem::EMPTY],
        Body::Fields | Body::Of(_) => &[Problem::JSON, Problem::FIELDS, Problem::MEDIA],
    };
    let of_path: &[Problem] =
        if operation.in_path().next().is_some() { &[Problem::PATH] } else { &[] };
    let problems = [DOORS, ANY, of_body, of_path, operation.problems].concat();
    let mut all: Vec<Possible> = problems.into_iter().map(Possible::from).collect();
    all.extend(refusals(operation).into_iter().map(Possible::from));
    all.sort_by_key(|each| each.status);
    all
}

/// What `service::admin` may refuse of it.
pub(super) fn refusals(operation: &Operation) -> Vec<Refusal> {
    let mut all = vec![Refusal::NoScope, Refusal::Unavailable, Refusal::Storage];
    if operation.in_path().any(|field| field == "mailbox") {
        all.extend([Refusal::BadName, Refusal::OutOfReach]);
    }
    if operation.writes() {
        all.extend([Refusal::Busy, Refusal::Ambiguous]);
    }
    all.extend(operation.refusals);
    all
}
