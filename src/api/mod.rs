//! The JSON API: what hosting panels, webmail and the command line ask, over HTTP.
//!
//! `operations` is the one table of what can be asked; routes, client and OpenAPI document are made from
//! it. `door` says who asks, `call` turns HTTP into requests of `service::admin` and back, `problem` and `refusal` have
//! the errors, `possible` says which of them an operation may answer, `document` has the description, `client` the
//! command line's end, `wiped` what bodies are kept in.
//!
//! It decides nothing: rights are looked at in `service/admin/access.rs`. It logs nothing of a request.
//!
//! # Security
//!
//! Two doors lead here. The control socket is open to its owner only, and each peer must be root or the
//! daemon's own user (`SO_PEERCRED`); whoever comes in that way may do everything. The other one, off by
//! default, asks for a token. Bodies are bounded in size and time, and so is what
//! it takes to answer. What is not understood is refused
//! without quoting it: it may hold a password. Nothing is cached.

mod call;
pub mod client;
mod document;
mod door;
mod fields;
mod operations;
mod possible;
mod problem;
mod refusal;
#[cfg(test)]
mod roundtrip;
mod webmail;
mod wiped;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderValue, StatusCode, header},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::{MethodFilter, get, on},
};
pub use document::document;
pub use door::Door;
use tower_http::{
    catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer, timeout::TimeoutLayer,
};

use self::problem::Problem;
use crate::{
    base::{Current, limits::HTTP_REQUEST_SECONDS},
    service::{admin::Admin, webmail::Webmail, wrong_tokens::WrongTokens},
};

/// Where the description is.
const DOCUMENT: &str = "/v1/openapi.json";

/// What answers.
#[derive(Clone)]
pub struct Api {
    /// Who asks.
    pub door: Door,
    /// Who does it. A request has one of these from its beginning to its end.
    pub parts: Arc<Current<Parts>>,
    /// Tokens that were no good.
    pub wrong: Arc<WrongTokens>,
}

/// Who does what is asked: all that a reload of the configuration may replace.
#[derive(Clone)]
pub struct Parts {
    /// The administrator's use-cases.
    pub admin: Arc<Admin>,
    /// Who gives webmails their tokens; `None` where nobody can be asked for passwords.
    pub webmail: Option<Arc<Webmail>>,
    /// When refusals of logins leave.
    pub refusal_delay: Duration,
}

/// All routes.
pub fn routes(api: &Api) -> Router {
    let mut router = Router::new().route(DOCUMENT, get(async || document().into_response()));
    router = router.merge(webmail::routes(api));
    for operation in operations::ALL {
        let filter = MethodFilter::try_from(operation.method()).unwrap_or(MethodFilter::GET);
        let api = api.clone();
        let handler = move |request| call::answer(operation, api.clone(), request);
        router = router.route(operation.path, on(filter, handler));
    }
    bounded(
        router
            .fallback(async || Problem::NO_PATH.into_response())
            .method_not_allowed_fallback(async || Problem::NO_METHOD.into_response()),
    )
    .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
        Problem::BROKEN.into_response()
    }))
    .layer(SetResponseHeaderLayer::overriding(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-store"),
    ))
    .layer(SetResponseHeaderLayer::overriding(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ))
}

/// Ends what takes too long, with a problem.
fn bounded(router: Router) -> Router {
    let limit = Duration::from_secs(HTTP_REQUEST_SECONDS);
    router.layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, limit)).layer(
        map_response(async |response: Response| {
            // What has said itself what is wrong is left alone.
            let said = response.headers().contains_key(header::CONTENT_TYPE);
            let late = response.status() == StatusCode::GATEWAY_TIMEOUT && !said;
            if late { Problem::LATE.into_response() } else { response }
        }),
    )
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_never_ends_is_a_problem_in_the_end() {
        let router = Router::new()
            .route("/never", get(async || std::future::pending::<()>().await))
            .route("/told", get(async || Problem::SLOW.into_response()));
        let ask = async |path: &str| {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = bounded(router.clone()).oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            (parts.status.as_u16(), String::from_utf8(body.to_vec()).unwrap())
        };
        let (status, text) = ask("/never").await;
        assert_eq!(status, 504);
        assert!(text.contains("urn:mail2fa:too-late"), "{text}");
        assert_eq!(ask("/told").await.0, 408);
    }
}
