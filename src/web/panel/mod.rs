//! The pages and where they are. Each file has one entry of the menu, or one way through several pages.

mod activity;
mod app_passwords;
mod disable;
mod enrol;
mod factor;
mod field;
mod files;
mod link;
mod login;
mod new_phone;
mod programs;
mod recovery;
mod secret;
mod sign_ins;
mod when;

use axum::{
    Router,
    response::{IntoResponse, Redirect, Response},
    routing::{MethodRouter, get, post},
};

use super::{Panel, Settings, page, visitor::Visitor};

/// All of them, below the panel's path.
pub(super) fn routes(settings: &Settings) -> Router<Panel> {
    let pages: [(&str, MethodRouter<Panel>); 31] = [
        ("", get(factor::show).post(factor::save)),
        ("login", get(login::show).post(login::submit)),
        ("login/code", get(login::show_code).post(login::submit_code)),
        ("link", get(link::show).post(link::follow)),
        ("logout", post(login::log_out)),
        ("language", post(login::choose_language)),
        ("factor/before", get(enrol::before)),
        ("factor/begin", post(enrol::begin)),
        ("factor/again", post(enrol::again)),
        ("factor/scan", get(enrol::scan).post(enrol::confirm)),
        ("factor/disable", get(disable::show).post(disable::submit)),
        ("phone", get(new_phone::before)),
        ("phone/begin", post(new_phone::begin)),
        ("phone/again", post(new_phone::again)),
        ("phone/scan", get(new_phone::scan).post(new_phone::confirm)),
        ("recovery-codes", get(recovery::show)),
        ("recovery-codes/new", get(recovery::ask).post(recovery::make)),
        ("recovery-codes/shown", get(recovery::shown).post(recovery::kept)),
        ("recovery-codes/recovery-codes.txt", get(recovery::download)),
        ("app-passwords", get(app_passwords::show)),
        ("app-passwords/new", get(app_passwords::ask).post(app_passwords::make)),
        ("app-passwords/shown", get(app_passwords::shown).post(app_passwords::kept)),
        ("app-passwords/revoke", get(app_passwords::ask_revoke).post(app_passwords::revoke)),
        ("sign-ins", get(sign_ins::show)),
        ("sign-ins/end", post(sign_ins::end)),
        ("sign-ins/end-browser", post(sign_ins::end_browser)),
        ("sign-ins/end-all", post(sign_ins::end_all)),
        ("activity", get(activity::show)),
        ("panel.css", get(files::style)),
        ("panel.js", get(files::script)),
        ("logo", get(files::logo)),
    ];
    let mut router = Router::new();
    for (path, page) in pages {
        router = router.route(&settings.path(path), page);
    }
    // Without its last slash the path is what people type.
    let bare = settings.base.trim_end_matches('/');
    if !bare.is_empty() {
        router = router.route(bare, get(home));
    }
    router.method_not_allowed_fallback(page::not_allowed).fallback(page::not_found)
}

async fn home(visitor: Visitor) -> Response {
    Redirect::permanent(&visitor.settings().path("")).into_response()
}
