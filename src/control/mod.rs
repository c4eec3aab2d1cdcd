//! TODO-HEADER control
