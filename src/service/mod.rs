//! TODO-HEADER service
