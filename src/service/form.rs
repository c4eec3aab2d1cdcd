//! Logins by a form, where name, password and code are apart: the User Panel's and a webmail's.
//!
//! They are asked like every login; who calls this holds refusals back until all of them leave.

use super::authenticate::{Authenticator, Circumstances};
use crate::{
    base::{NetAddress, Service},
    decision::{
        flow::{Credential, Request},
        outcome::Outcome,
    },
    ports::password::{FormLogin, PasswordSources},
};

impl Circumstances {
    /// Those of a form, for this listener's name in the log.
    pub(super) fn of_form(listener: &str, service: Service, from: NetAddress) -> Self {
        Self {
            listener: listener.into(),
            service,
            remote: from,
            mechanism: "FORM".into(),
            session: None,
            client: None,
        }
    }
}

impl Authenticator {
    /// Decides a login by a form, with the name as typed.
    pub(super) async fn ask_form(
        &self,
        passwords: &dyn PasswordSources,
        name: &[u8],
        credential: Credential,
        circumstances: &Circumstances,
    ) -> Outcome {
        let Circumstances { service, remote, .. } = circumstances;
        let login = FormLogin { name, from: *remote, service };
        let source = passwords.for_form(&login);
        let request = Request {
            authzid: Vec::new(),
            authcid: name.to_vec(),
            credential,
            service: service.clone(),
            remote: *remote,
            via: *remote,
        };
        self.authenticate(request, circumstances, &*source).await
    }
}
