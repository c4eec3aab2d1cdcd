//! TODO-HEADER cli
