//! Forms of somebody who is signed in.
//!
//! # Security
//!
//! A handler gets the fields of such a form only from here, after its token was found to be the one of the
//! very session that sends it: a handler cannot forget to look. The body is bounded by the guard, and the
//! session must live when all of it is there.

use axum::{
    Form,
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Request},
    http::request::Parts,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, de::DeserializeOwned};

use super::{Panel, page, visitor::Owner};

/// What a signed-in owner sent.
pub(super) struct OwnerForm<T> {
    /// Who.
    pub owner: Owner,
    /// The fields.
    pub fields: T,
}

/// The field that every form has.
#[derive(Deserialize)]
pub(super) struct Token {
    #[serde(default)]
    pub form: String,
}

/// A form with nothing but its token.
#[derive(Deserialize)]
pub(super) struct Bare {}

impl<T: DeserializeOwned> FromRequest<Panel> for OwnerForm<T> {
    type Rejection = Response;

    async fn from_request(request: Request, panel: &Panel) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        // First the body, which may be long in coming: whoever sends it is looked at when it is there.
        let body = Bytes::from_request(Request::from_parts(parts.clone(), body), &())
            .await
            .map_err(IntoResponse::into_response)?;
        let owner = Owner::from_request_parts(&mut parts, panel).await?;
        let Some(Token { form }) = read(&parts, &body).await else {
            return Err(page::bad_form(&owner.visitor));
        };
        if !panel.owner.is_form_of(&owner.visit, &form) {
            return Err(page::stale_form(&owner.visitor));
        }
        match read(&parts, &body).await {
            Some(fields) => Ok(Self { owner, fields }),
            None => Err(page::bad_form(&owner.visitor)),
        }
    }
}

pub(super) async fn read<T: DeserializeOwned>(parts: &Parts, body: &Bytes) -> Option<T> {
    let request = Request::from_parts(parts.clone(), Body::from(body.clone()));
    Form::<T>::from_request(request, &()).await.ok().map(|Form(fields)| fields)
}
