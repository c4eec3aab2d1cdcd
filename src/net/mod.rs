//! TODO-HEADER net
