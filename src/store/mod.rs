//! TODO-HEADER store
