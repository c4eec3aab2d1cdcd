//! What is asked of the audit trail, and what of it may be seen.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ports::event::TrailEvent;

/// What is asked of the audit trail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditWanted {
    /// Only of this mailbox.
    pub mailbox: Option<String>,
    /// Only of this kind, result or reason.
    pub kind: Option<String>,
    /// Only from then on, milliseconds since 1970.
    pub since: Option<u64>,
    /// Only before then, milliseconds since 1970.
    pub until: Option<u64>,
    /// Where the page begins: `next` of the one before.
    pub after: Option<String>,
    /// At most so many, from 1 to `limits::AUDIT_PAGE`.
    pub limit: usize,
}

/// An event of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventView {
    /// Names it.
    pub id: String,
    /// What happened.
    #[serde(flatten)]
    pub event: TrailEvent,
}
