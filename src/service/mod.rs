//! TODO-HEADER service

pub mod admin;
