//! Keys that have no letter, as WebDriver writes them.

/// To the next field or link.
pub const TAB: &str = "\u{e004}";
/// Sends a form, follows a link.
pub const ENTER: &str = "\u{e007}";
/// Ticks a box, presses a button.
pub const SPACE: &str = " ";
/// The next choice of a drop-down.
pub const DOWN: &str = "\u{e015}";
/// The choice before.
pub const UP: &str = "\u{e013}";
