//! TODO-HEADER wire
