//! TODO-HEADER config
