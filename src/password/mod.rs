//! TODO-HEADER password
