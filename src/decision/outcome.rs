//! What is decided, and why: two types, because the peer learns only the first.

use super::{
    names::Identity,
    proof::{
        AppPasswordRight, Before, CodeBurned, FactorElsewhere, MechanismRight, NoFactorAsked,
        PasswordRight, PasswordSuffices, SessionLive, WebmailTokenRight,
    },
    refusal::Refusal,
};

/// The end of a login. Nothing else ends one.
#[derive(Debug)]
#[must_use]
pub enum Outcome {
    /// In.
    Accepted(Accepted),
    /// Not in; the reason is for the log, the metrics and the owner, never for the peer.
    Refused(Refusal),
    /// No decision was possible: `temp_fail`. The text says what is missing, without secrets.
    Unavailable(String),
}

impl Outcome {
    /// Whether it is an acceptance; for what must be done beside answering.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted(_))
    }
}

/// An accepted login. It can only be built from the proofs of what was checked.
#[derive(Debug)]
pub struct Accepted {
    identity: Identity,
    method: Method,
    user: Option<Vec<u8>>,
    would_refuse: Option<Refusal>,
}

/// What a login was accepted on; each has proofs of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The password; 2-factor authentication is off.
    Password,
    /// Password and code.
    PasswordAndCode,
    /// Password and recovery code.
    PasswordAndRecoveryCode,
    /// Password, and the code of a sign-in that still lives.
    PasswordAndSession,
    /// An app password.
    AppPassword,
    /// A webmail's token.
    WebmailToken,
    /// A fresh code, of somebody who is at the User Panel already. Opens no mailbox.
    PanelAndCode,
    /// The same with a recovery code.
    PanelAndRecoveryCode,
    /// The password of a protected mailbox, from an exempt network.
    ExemptNetwork,
    /// A mechanism that the upstream decided; 2-factor authentication is off.
    Mechanism,
    /// A mechanism that the upstream decided, and whose provider asks for a second factor itself.
    MechanismAndFactorElsewhere,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Password,
        Self::PasswordAndCode,
        Self::PasswordAndRecoveryCode,
        Self::PasswordAndSession,
        Self::AppPassword,
        Self::WebmailToken,
        Self::PanelAndCode,
        Self::PanelAndRecoveryCode,
        Self::ExemptNetwork,
        Self::Mechanism,
        Self::MechanismAndFactorElsewhere,
    ];

    /// The word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::PasswordAndCode => "password+code",
            Self::PasswordAndRecoveryCode => "password+recovery_code",
            Self::PasswordAndSession => "password+session",
            Self::AppPassword => "app_password",
            Self::WebmailToken => "webmail_token",
            Self::PanelAndCode => "panel+code",
            Self::PanelAndRecoveryCode => "panel+recovery_code",
            Self::ExemptNetwork => "password+exempt_network",
            Self::Mechanism => "mechanism",
            Self::MechanismAndFactorElsewhere => "mechanism+factor_elsewhere",
        }
    }
}

impl Accepted {
    /// Private: who accepts has the proofs that one of the constructors below asks for.
    fn new(identity: Identity, method: Method, user: Option<Vec<u8>>) -> Self {
        Self { identity, method, user, would_refuse: None }
    }

    /// Accepts on the password alone.
    #[expect(clippy::needless_pass_by_value, reason = "a proof is used up")]
    pub(super) fn by_password(
        identity: Identity,
        user: Option<Vec<u8>>,
        _right: PasswordRight,
        suffices: PasswordSuffices,
    ) -> Self {
        let method = match suffices {
            PasswordSuffices::NoFactorAsked(_) => Method::Password,
            PasswordSuffices::NetworkExempt(_) => Method::ExemptNetwork,
        };
        Self::new(identity, method, user)
    }

    /// Accepts on a code, and what stood before it.
    pub(super) fn by_code(
        identity: Identity,
        user: Option<Vec<u8>>,
        before: &Before,
        _burned: CodeBurned,
    ) -> Self {
        let method = match before {
            Before::Password(_) => Method::PasswordAndCode,
            Before::Panel(_) => Method::PanelAndCode,
        };
        Self::new(identity, method, user)
    }

    /// Accepts on a recovery code, and what stood before it.
    pub(super) fn by_recovery_code(
        identity: Identity,
        user: Option<Vec<u8>>,
        before: &Before,
        _burned: CodeBurned,
    ) -> Self {
        let method = match before {
            Before::Password(_) => Method::PasswordAndRecoveryCode,
            Before::Panel(_) => Method::PanelAndRecoveryCode,
        };
        Self::new(identity, method, user)
    }

    /// Accepts on the password and a sign-in that still lives.
    pub(super) fn by_session(
        identity: Identity,
        user: Option<Vec<u8>>,
        _right: PasswordRight,
        _live: SessionLive,
    ) -> Self {
        Self::new(identity, Method::PasswordAndSession, user)
    }

    /// Accepts on an app password.
    pub(super) fn by_app_password(
        identity: Identity,
        user: Option<Vec<u8>>,
        _right: AppPasswordRight,
    ) -> Self {
        Self::new(identity, Method::AppPassword, user)
    }

    /// Accepts on a webmail's token.
    pub(super) fn by_webmail_token(
        identity: Identity,
        user: Option<Vec<u8>>,
        _right: WebmailTokenRight,
    ) -> Self {
        Self::new(identity, Method::WebmailToken, user)
    }

    /// The same, with what would have been refused if this were not a dry run.
    pub(super) fn noting(self, would_refuse: Option<Refusal>) -> Self {
        Self { would_refuse, ..self }
    }

    /// Why the rules of enforcement would have refused it, if this were not a dry run.
    pub fn would_refuse(&self) -> Option<Refusal> {
        self.would_refuse
    }

    /// Accepts on a mechanism that the upstream decided.
    pub(super) fn by_mechanism(
        identity: Identity,
        user: Option<Vec<u8>>,
        _right: MechanismRight,
        _no_factor: NoFactorAsked,
    ) -> Self {
        Self::new(identity, Method::Mechanism, user)
    }

    /// Accepts on a mechanism that the upstream decided, with a second factor asked elsewhere.
    pub(super) fn by_mechanism_and_factor_elsewhere(
        identity: Identity,
        user: Option<Vec<u8>>,
        _right: MechanismRight,
        _elsewhere: FactorElsewhere,
    ) -> Self {
        Self::new(identity, Method::MechanismAndFactorElsewhere, user)
    }

    /// Who is in.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// On what.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The name the password source returned, as it returned it.
    pub fn user(&self) -> Option<&[u8]> {
        self.user.as_deref()
    }
}
