//! The table of what can be asked: method, path, scope, the request and answer of `service::admin`, and what it may
//! refuse.

use axum::http::Method;

use super::{problem::Problem, refusal::Refusal as R};
use crate::{
    base::limits::{ADMIN_PAGE, AUDIT_PAGE},
    decision::api_token::Scope,
};

/// One operation.
#[derive(Debug)]
pub(super) struct Operation {
    /// Its name in the document.
    pub id: &'static str,
    method: &'static str,
    /// Its path; what is in braces are fields of the request.
    pub path: &'static str,
    /// What a token needs; `None`: no token allows it.
    pub scope: Option<Scope>,
    /// The tag of its request.
    pub request: &'static str,
    /// The tag of its answer.
    pub answer: &'static str,
    /// Fields of the request that stand in the query.
    pub query: &'static [&'static str],
    /// What stands in the body.
    pub body: Body,
    /// The status when it is done.
    pub status: u16,
    /// What it does.
    pub summary: &'static str,
    /// What `service::admin` may refuse, beside what `possible` knows of every operation of this shape.
    pub refusals: &'static [R],
    /// Problems of its own.
    pub problems: &'static [Problem],
    /// Whether it writes to the store, where its method may.
    stores: bool,
}

/// What of a request stands in the body of its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// Nothing: it is empty.
    Empty,
    /// The fields that path and query leave.
    Fields,
    /// The fields of one field of the request.
    Of(&'static str),
}

impl Operation {
    /// Its method.
    pub fn method(&self) -> Method {
        match self.method {
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            "DELETE" => Method::DELETE,
            _ => Method::GET,
        }
    }

    /// The fields of the request that stand in the path.
    pub fn in_path(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// How many entries its page has if nothing is said, and at most.
    pub fn page(&self) -> usize {
        if self.request == "audit" { AUDIT_PAGE } else { ADMIN_PAGE }
    }

    /// Whether it may write to the store.
    pub fn writes(&self) -> bool {
        self.stores && self.method != "GET"
    }

    /// Whether a field of the request is a number where it stands in path or query.
    pub fn is_number(&self, field: &str) -> bool {
        matches!(field, "limit" | "since" | "until")
            || (field == "id" && self.request == "session_revoke")
    }
}

const fn operation(
    id: &'static str,
    method: &'static str,
    path: &'static str,
    scope: Option<Scope>,
    (request, answer): (&'static str, &'static str),
    summary: &'static str,
) -> Operation {
    Operation {
        id,
        method,
        path,
        scope,
        request,
        answer,
        query: &[],
        body: Body::Empty,
        status: 200,
        summary,
        refusals: &[],
        problems: &[],
        stores: true,
    }
}

impl Operation {
    const fn query(mut self, fields: &'static [&'static str]) -> Self {
        self.query = fields;
        self
    }

    const fn fields(mut self) -> Self {
        self.body = Body::Fields;
        self
    }

    const fn body_of(mut self, field: &'static str) -> Self {
        self.body = Body::Of(field);
        self
    }

    const fn made(mut self) -> Self {
        self.status = 201;
        self
    }

    const fn refuses(mut self, all: &'static [R]) -> Self {
        self.refusals = all;
        self
    }

    const fn problems(mut self, all: &'static [Problem]) -> Self {
        self.problems = all;
        self
    }

    const fn stores_nothing(mut self) -> Self {
        self.stores = false;
        self
    }
}

/// All of them. Of two with one request the one with more fields in its path comes first.
#[rustfmt::skip]
pub(super) static ALL: &[Operation] = &[
    operation("listMailboxes", "GET", "/v1/mailboxes", Some(Scope::MailboxesRead),
        ("mailbox_list", "mailboxes"), "A page of mailboxes in the order of their names")
        .query(&["after", "limit"])
        .refuses(&[R::BadName, R::BadNumber]),
    operation("addMailbox", "POST", "/v1/mailboxes", Some(Scope::MailboxesWrite),
        ("mailbox_add", "added"), "Make a mailbox (passwords.source = \"store\")").fields().made()
        .refuses(&[R::BadName, R::OutOfReach, R::BadPassword, R::Exists, R::NotOurPasswords]),
    operation("showMailbox", "GET", "/v1/mailboxes/{mailbox}", Some(Scope::MailboxesRead),
        ("mailbox_show", "mailbox"), "Show a mailbox")
        .refuses(&[R::NoMailbox, R::NoRecord]),
    operation("removeMailbox", "DELETE", "/v1/mailboxes/{mailbox}", Some(Scope::MailboxesWrite),
        ("mailbox_remove", "removed"), "Remove a mailbox with all that belongs to it")
        .refuses(&[R::NoMailbox, R::NoRecord]),
    operation("setPassword", "PUT", "/v1/mailboxes/{mailbox}/password", Some(Scope::MailboxesWrite),
        ("mailbox_password", "password_set"), "Give a mailbox another password (passwords.source = \"store\")").fields()
        .refuses(&[R::NoMailbox, R::BadPassword, R::NotOurPasswords]),
    operation("renameMailbox", "POST", "/v1/mailboxes/{mailbox}/rename", Some(Scope::MailboxesWrite),
        ("mailbox_rename", "renamed"), "Give a mailbox another name").fields()
        .refuses(&[R::NoMailbox, R::NoRecord, R::SameName, R::Exists]),
    operation("lockMailbox", "PUT", "/v1/mailboxes/{mailbox}/lock", Some(Scope::MailboxesWrite),
        ("mailbox_lock", "locked"), "Let nobody in")
        .refuses(&[R::NoMailbox, R::AlreadyLocked]),
    operation("unlockMailbox", "DELETE", "/v1/mailboxes/{mailbox}/lock", Some(Scope::MailboxesWrite),
        ("mailbox_unlock", "unlocked"), "End a lock")
        .refuses(&[R::NoMailbox, R::NotLocked]),
    operation("listPrograms", "GET", "/v1/mailboxes/{mailbox}/programs", Some(Scope::MailboxesRead),
        ("mailbox_programs", "programs"), "The programs that use the bare password"),
    operation("showTotp", "GET", "/v1/mailboxes/{mailbox}/totp", Some(Scope::TotpRead),
        ("totp_status", "totp"), "How it stands with the second factor")
        .refuses(&[R::NoMailbox]),
    operation("enrolTotp", "POST", "/v1/mailboxes/{mailbox}/totp", Some(Scope::TotpWrite),
        ("totp_enable", "enrolment"), "Start an enrolment; its secret is shown this once").made()
        .refuses(&[R::NoMailbox, R::AlreadyOn, R::EnrolmentOff]),
    operation("disableTotp", "DELETE", "/v1/mailboxes/{mailbox}/totp", Some(Scope::TotpWrite),
        ("totp_disable", "disabled"), "Switch 2-factor authentication off, and drop a started enrolment")
        .refuses(&[R::NoMailbox, R::AlreadyOff]),
    operation("confirmTotp", "POST", "/v1/mailboxes/{mailbox}/totp/confirm", Some(Scope::TotpWrite),
        ("totp_confirm", "confirmed"), "Confirm an enrolment: 2-factor authentication is on from then").fields()
        .refuses(&[R::NoMailbox, R::NoEnrolment, R::BadCode, R::WrongCode, R::EnrolmentDropped, R::AlreadyOn, R::EnrolmentOff]),
    operation("moveTotp", "POST", "/v1/mailboxes/{mailbox}/totp/move", Some(Scope::TotpWrite),
        ("totp_move", "enrolment"), "Start the move to a new phone: another secret").made()
        .refuses(&[R::NoMailbox, R::AlreadyOff]),
    operation("checkTotpMove", "POST", "/v1/mailboxes/{mailbox}/totp/move/check", Some(Scope::TotpWrite),
        ("totp_move_check", "move_checked"), "Look whether a code of the new phone is right").fields()
        .refuses(&[R::NoMailbox, R::NoEnrolment, R::BadCode, R::WrongCode, R::EnrolmentDropped, R::AlreadyOff]),
    operation("confirmTotpMove", "POST", "/v1/mailboxes/{mailbox}/totp/move/confirm", Some(Scope::TotpWrite),
        ("totp_move_confirm", "moved"), "Replace the secret by that of the new phone").fields()
        .refuses(&[R::NoMailbox, R::NoEnrolment, R::BadCode, R::WrongCode, R::EnrolmentDropped, R::AlreadyOff]),
    operation("listAppPasswords", "GET", "/v1/mailboxes/{mailbox}/app-passwords", Some(Scope::AppPasswordsRead),
        ("app_password_list", "app_passwords"), "The app passwords of a mailbox")
        .refuses(&[R::NoMailbox]),
    operation("addAppPassword", "POST", "/v1/mailboxes/{mailbox}/app-passwords", Some(Scope::AppPasswordsWrite),
        ("app_password_add", "app_password"), "Make an app password; it is shown this once").body_of("wanted").made()
        .refuses(&[R::NoMailbox, R::BadAppPassword, R::BadNumber, R::TooManyAppPasswords]),
    operation("revokeAppPassword", "DELETE", "/v1/mailboxes/{mailbox}/app-passwords/{id}", Some(Scope::AppPasswordsWrite),
        ("app_password_revoke", "app_password_revoked"), "End an app password")
        .refuses(&[R::NoMailbox, R::NoRecord, R::NoAppPassword, R::BadAppPasswordId]),
    operation("countRecoveryCodes", "GET", "/v1/mailboxes/{mailbox}/recovery-codes", Some(Scope::RecoveryCodesRead),
        ("recovery_codes_left", "recovery_left"), "How many recovery codes are left")
        .refuses(&[R::NoMailbox, R::AlreadyOff]),
    operation("newRecoveryCodes", "POST", "/v1/mailboxes/{mailbox}/recovery-codes", Some(Scope::RecoveryCodesWrite),
        ("recovery_codes_new", "recovery_codes"), "Make a new set of recovery codes; the old one is gone").made()
        .refuses(&[R::NoMailbox, R::AlreadyOff]),
    operation("listSessions", "GET", "/v1/mailboxes/{mailbox}/sessions", Some(Scope::SessionsRead),
        ("session_list", "sessions"), "The sessions that live")
        .refuses(&[R::NoMailbox]),
    operation("revokeSession", "DELETE", "/v1/mailboxes/{mailbox}/sessions/{id}", Some(Scope::SessionsWrite),
        ("session_revoke", "sessions_revoked"), "End a session")
        .refuses(&[R::NoMailbox, R::NoRecord, R::NoSession]),
    operation("revokeSessions", "DELETE", "/v1/mailboxes/{mailbox}/sessions", Some(Scope::SessionsWrite),
        ("session_revoke", "sessions_revoked"), "End all sessions of mail programs")
        .refuses(&[R::NoMailbox, R::NoRecord]),
    operation("endSignIns", "DELETE", "/v1/mailboxes/{mailbox}/sign-ins", Some(Scope::SessionsWrite),
        ("sign_ins_end", "sessions_revoked"), "End all sign-ins, those to the User Panel too")
        .refuses(&[R::NoMailbox]),
    operation("showMailboxPolicy", "GET", "/v1/mailboxes/{mailbox}/policy", Some(Scope::PolicyRead),
        ("policy_show", "mailbox_policy"), "What enforcement says of a mailbox")
        .refuses(&[R::NoMailbox]),
    operation("setMailboxPolicy", "PUT", "/v1/mailboxes/{mailbox}/policy", Some(Scope::PolicyWrite),
        ("policy_set", "policy_set"), "Give a mailbox a level of its own, or take it back").body_of("level")
        .refuses(&[R::NoMailbox, R::BadNumber]),
    operation("testNotice", "POST", "/v1/mailboxes/{mailbox}/notices/test", Some(Scope::NoticesWrite),
        ("notice_test", "notice_sent"), "Send a test notice to the owner")
        .refuses(&[R::NoticeNotSent]).stores_nothing(),
    operation("linkToPanel", "POST", "/v1/mailboxes/{mailbox}/panel-links", Some(Scope::LinksWrite),
        ("panel_link", "panel_link"), "Make a one-time link to the User Panel, good for a minute").made()
        .refuses(&[R::NoMailbox, R::AlreadyLocked]),
    operation("showPolicy", "GET", "/v1/policy", Some(Scope::PolicyRead),
        ("policy_show", "policy"), "What is configured of enforcement"),
    operation("readAudit", "GET", "/v1/audit", Some(Scope::AuditRead),
        ("audit", "audit"), "A page of the audit trail, newest first")
        .query(&["mailbox", "kind", "since", "until", "after", "limit"])
        .refuses(&[R::BadName, R::OutOfReach, R::BadKind, R::BadCursor, R::BadNumber]),
    operation("showHealth", "GET", "/v1/health", Some(Scope::HealthRead),
        ("health", "health"), "Whether a write would be taken"),
    operation("listTokens", "GET", "/v1/tokens", None,
        ("token_list", "tokens"), "The tokens of this API (control socket only)"),
    operation("addToken", "POST", "/v1/tokens", None,
        ("token_add", "token_added"), "Make a token; it is shown this once (control socket only)").body_of("wanted").made()
        .refuses(&[R::BadToken, R::BadNumber, R::TokenExists, R::TooManyTokens]),
    operation("revokeToken", "DELETE", "/v1/tokens/{name}", None,
        ("token_revoke", "token_revoked"), "End a token (control socket only)")
        .refuses(&[R::NoToken]),
];

/// What `webmail` answers; all of it needs the scope `webmail:exchange`.
#[rustfmt::skip]
pub(super) static WEBMAIL: &[Operation] = &[
    operation("exchangeWebmailToken", "POST", "/v1/webmail/tokens", Some(Scope::WebmailExchange),
        ("webmail_exchange", ""), "Exchange password and code for a webmail's token; it is shown this once").fields()
        .refuses(&[R::OutOfReach])
        .problems(&[Problem::NO_WEBMAIL, Problem::OTHER_TOKEN, Problem::ADDRESS]).stores_nothing(),
    operation("refreshWebmailToken", "POST", "/v1/webmail/tokens/refresh", Some(Scope::WebmailExchange),
        ("webmail_refresh", ""), "Count as a use of a token; its absolute end does not move").fields()
        .refuses(&[R::BadName, R::OutOfReach])
        .problems(&[Problem::NO_WEBMAIL, Problem::OTHER_TOKEN]).stores_nothing(),
    operation("revokeWebmailToken", "POST", "/v1/webmail/tokens/revoke", Some(Scope::WebmailExchange),
        ("webmail_revoke", ""), "End a token").fields()
        .refuses(&[R::BadName, R::OutOfReach])
        .problems(&[Problem::NO_WEBMAIL, Problem::OTHER_TOKEN]).stores_nothing(),
];
