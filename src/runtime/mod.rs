//! TODO-HEADER runtime
