//! "2-Factor Auth": whether it is on, and the way to switch it.
//!
//! # Security
//!
//! Nothing is switched here. Forms come by `OwnerForm`.

use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::{field, when};
use crate::{
    service::{
        admin::{MailboxPolicyView, TotpView},
        owner::{OwnerError, RecoveryLeft, ShownKind},
    },
    web::{
        form::OwnerForm,
        language::Texts,
        page::{Frame, with},
        visitor::Owner,
    },
};

/// Recovery codes below which it is time for new ones.
const FEW: usize = 4;

/// The level at which nobody can switch it on.
const OFF: &str = "off";

/// The drop-down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Disabled,
    Enabled,
}

/// Which status is wanted.
#[derive(Deserialize)]
pub(super) struct StatusForm {
    status: Status,
}

pub(super) async fn show(owner: Owner) -> Response {
    match standing(&owner).await {
        Ok(standing) => page(&owner, &standing).into_response(),
        Err(error) => owner.failed(&error),
    }
}

/// How it stands.
struct Standing {
    factor: TotpView,
    /// The recovery codes that are left, where it is on.
    recovery: Option<RecoveryLeft>,
    policy: MailboxPolicyView,
}

async fn standing(owner: &Owner) -> Result<Standing, OwnerError> {
    let factor = owner.cases().factor(&owner.visit).await?;
    let recovery =
        if factor.enabled { Some(owner.cases().recovery_codes(&owner.visit).await?) } else { None };
    let policy = owner.cases().policy(&owner.visit).await?;
    Ok(Standing { factor, recovery, policy })
}

/// What the host asks of the mailbox.
pub(super) fn enforcement(texts: &Texts, policy: &MailboxPolicyView) -> Markup {
    html! {
        @if policy.required && policy.enrolled {
            p.hint { (texts.get("policy-required")) }
        } @else if policy.required {
            p.message.error { (texts.get("policy-required-now")) }
        } @else if let (Some(from), Some(days)) = (policy.required_from, policy.days_left) {
            p.message.warning {
                (texts.get("policy-required-from")) " " (when::day(from)) ". "
                (texts.fill("policy-days-left", &with("days", days)))
            }
        }
    }
}

/// Nothing is switched here: this is where the way to it begins.
pub(super) async fn save(form: OwnerForm<StatusForm>) -> Response {
    let OwnerForm { owner, fields } = form;
    let enabled = match owner.cases().factor(&owner.visit).await {
        Ok(factor) => factor.enabled,
        Err(error) => return owner.failed(&error),
    };
    let visitor = &owner.visitor;
    match (enabled, fields.status) {
        (false, Status::Enabled) => visitor.to("factor/before").into_response(),
        (true, Status::Disabled) => visitor.to("factor/disable").into_response(),
        (true, Status::Enabled) | (false, Status::Disabled) => {
            visitor.done("", "unchanged").into_response()
        }
    }
}

fn page(owner: &Owner, standing: &Standing) -> Markup {
    let Standing { factor, recovery, policy } = standing;
    let texts = owner.texts();
    let path = |path| owner.visitor.settings().path(path);
    let kept = owner.cases().shown(&owner.visit, ShownKind::RecoveryCodes).is_none();
    Frame::of(owner, "factor-title", "").around(&html! {
        @if !kept {
            p.message.warning {
                (texts.get("codes-wait")) " "
                a href=(path("recovery-codes/shown")) { (texts.get("codes-wait-link")) }
            }
        }
        @if !factor.enabled || policy.required { (enforcement(texts, policy)) }
        @if let Some(wrong) = factor.wrong_codes {
            p.message.warning {
                (texts.fill("wrong-codes", &with("count", wrong.count))) " " (when::at(wrong.last))
                ". " (texts.get("wrong-codes-advice")) " "
                a href=(path("activity")) { (texts.get("menu-activity")) }
            }
        }
        section.card {
            (badge(texts, factor))
            @if !factor.enabled && policy.level == OFF {
                p { (texts.get("policy-off")) }
            } @else {
            form method="post" action=(path("")) {
                (field::token(owner))
                div.field {
                    label for="status" { (texts.get("status-label")) }
                    select id="status" name="status" aria-describedby="status-hint" {
                        option value="disabled" selected[!factor.enabled] {
                            (texts.get("status-disabled"))
                        }
                        option value="enabled" selected[factor.enabled] {
                            (texts.get("status-enabled"))
                        }
                    }
                    p.hint id="status-hint" {
                        (texts.get(if factor.enabled { "status-hint-on" } else { "status-hint-off" }))
                    }
                }
                div.actions { button.main { (texts.get("save-button")) } }
            }
            }
        }
        @if let Some(recovery) = recovery {
            section.card {
                h2 { (texts.get("recovery-title")) }
                p { (texts.fill("recovery-left", &left(*recovery))) }
                @if recovery.left < FEW { p.warning { (texts.get("recovery-few")) } }
                p { a href=(path("recovery-codes")) { (texts.get("recovery-manage")) } }
            }
            section.card {
                h2 { (texts.get("phone-title")) }
                p { (texts.get("phone-teaser")) }
                p { a href=(path("phone")) { (texts.get("phone-link")) } }
            }
        } @else {
            section.card {
                h2 { (texts.get("why-title")) }
                p { (texts.get("why-text")) }
            }
        }
    })
}

/// The two numbers of a text about recovery codes.
pub(super) fn left(recovery: RecoveryLeft) -> fluent_bundle::FluentArgs<'static> {
    let mut arguments = with("left", recovery.left);
    arguments.set("of", recovery.of);
    arguments
}

fn badge(texts: &Texts, factor: &TotpView) -> Markup {
    let (class, text) =
        if factor.enabled { ("badge on", "factor-on") } else { ("badge off", "factor-off") };
    html! {
        div class=(class) {
            p.state { (texts.get(text)) }
            @if let Some(since) = factor.since {
                p.hint { (texts.get("factor-since")) " " (when::at(since)) }
            }
            @if let Some(used) = factor.last_used {
                p.hint { (texts.get("factor-used")) " " (when::at(used)) }
            }
        }
    }
}
