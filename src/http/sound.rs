//! Requests that two programs in a row may read differently.
//!
//! # Security
//!
//! A web server before us and we must agree where a request ends and which host it is for. hyper refuses
//! before us what contradicts itself, but for two things that never arrive here: a length beside chunks is
//! dropped, the request is read as chunks, and the connection ends (RFC 9112 6.3); the same length said twice is
//! one. What else RFC 9112 leaves to the reader (3.2, 6.1) is refused here.

use axum::http::{HeaderMap, Version, header};

/// Whether a request says once whom it is for, and in one way how long it is.
pub(super) fn is_sound(version: Version, headers: &HeaderMap) -> bool {
    let hosts = headers.get_all(header::HOST).iter().count();
    let host = hosts == 1 || hosts == 0 && version <= Version::HTTP_10;
    let lengths = headers.get_all(header::CONTENT_LENGTH).iter().count();
    let codings = headers.get_all(header::TRANSFER_ENCODING).iter().count();
    host && lengths.saturating_add(codings) <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(version: Version, lines: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        is_sound(version, &headers)
    }

    #[test]
    fn one_host_and_one_length() {
        let host = ("host", "a.example");
        assert!(sound(Version::HTTP_11, &[host]));
        assert!(!sound(Version::HTTP_11, &[]));
        assert!(sound(Version::HTTP_10, &[]));
        for version in [Version::HTTP_10, Version::HTTP_11] {
            assert!(!sound(version, &[host, host]));
            assert!(!sound(version, &[host, ("host", "b.example")]));
            assert!(sound(version, &[host, ("content-length", "1")]));
            assert!(sound(version, &[host, ("transfer-encoding", "chunked")]));
            for other in [("content-length", "1"), ("transfer-encoding", "chunked")] {
                assert!(!sound(version, &[host, ("content-length", "1"), other]));
                assert!(!sound(version, &[host, ("transfer-encoding", "gzip"), other]));
            }
        }
    }
}
