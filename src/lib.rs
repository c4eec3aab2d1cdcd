//! mail2fa: two-factor authentication for every door of a mail server.
//!
//! The layers, from the bottom, and what each may know, are in `docs/architecture.md`;
//! `tests/tidy.rs` holds the code to it.

pub mod api;
pub mod audit;
pub mod base;
pub mod cli;
pub mod config;
pub mod decision;
pub mod http;
pub mod net;
pub mod notice;
pub mod password;
pub mod ports;
pub mod runtime;
pub mod service;
pub mod store;
pub mod sys;
pub mod upstream;
pub mod web;
pub mod wire;
