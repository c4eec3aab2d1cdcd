//! The nom parsers that commands and replies share, over one framed line.
//!
//! # Security
//!
//! They work on whole lines that the framer has bounded, consume all of a number or nothing, and
//! turn every mismatch into a typed [`Fatal`] without a byte of the input in it.

use nom::{
    IResult, Parser,
    bytes::complete::{tag, take_till},
    character::complete::{char, u32 as decimal},
    combinator::{all_consuming, opt, rest},
    sequence::{preceded, separated_pair},
};

use super::{
    error::Fatal,
    field::{Field, Fields},
    ids::ProtocolVersion,
};
use crate::base::limits::AUTH_PARAMETERS;

/// Fields of one OK or FAIL line. A passdb may add many.
const REPLY_FIELDS: usize = 4 * AUTH_PARAMETERS;

type Malformed<'a> = nom::Err<nom::error::Error<&'a [u8]>>;

fn tab(input: &[u8]) -> IResult<&[u8], char> {
    char('\t').parse(input)
}

/// Up to the next TAB or the end; the TAB stays.
fn word(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_till(|byte| byte == b'\t').parse(input)
}

/// The command name and what follows the TAB behind it, if there is one.
pub(super) fn split_command(line: &[u8]) -> Result<(&[u8], Option<&[u8]>), Fatal> {
    if line.contains(&0) { Err(Fatal::NulByte) } else { Ok(split_word(line)) }
}

/// `<word> [TAB <rest>]`. Every text is that.
pub(super) fn split_word(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    (word, opt(preceded(tab, rest))).parse(text).map_or((text, None), |(_, parts)| parts)
}

/// `<number> [TAB <rest>]`: the id of a request and what follows.
pub(super) fn split_id(arguments: Option<&[u8]>) -> Result<(u32, Option<&[u8]>), Fatal> {
    all_consuming((decimal, opt(preceded(tab, rest))))
        .parse(arguments.unwrap_or_default())
        .map(|(_, parts)| parts)
        .map_err(|_: Malformed<'_>| Fatal::RequestId)
}

/// `<number>` and nothing else.
pub(super) fn number(arguments: Option<&[u8]>) -> Option<u32> {
    let parsed: IResult<&[u8], u32> = all_consuming(decimal).parse(arguments.unwrap_or_default());
    parsed.ok().map(|(_, number)| number)
}

/// `<major> TAB <minor>`; any major version is read, the caller judges it.
pub(super) fn version(arguments: Option<&[u8]>) -> Result<ProtocolVersion, Fatal> {
    all_consuming(separated_pair(decimal, tab, decimal))
        .parse(arguments.unwrap_or_default())
        .map(|(_, (major, minor))| ProtocolVersion { major, minor })
        .map_err(|_: Malformed<'_>| Fatal::VersionMalformed)
}

/// What follows the prefix `resp=`, if the text begins with it.
pub(super) fn behind_response_key(text: &[u8]) -> Option<&[u8]> {
    let parsed: IResult<&[u8], &[u8]> = tag("resp=").parse(text);
    parsed.ok().map(|(rest, _)| rest)
}

/// The fields of a reply. A TAB with nothing behind it is an empty field, as anywhere else.
pub(super) fn reply_fields(arguments: Option<&[u8]>) -> Result<Fields, Fatal> {
    let Some(text) = arguments else {
        return Ok(Fields::new());
    };
    if text.split(|byte| *byte == b'\t').nth(REPLY_FIELDS).is_some() {
        return Err(Fatal::TooManyParameters);
    }
    Ok(text.split(|byte| *byte == b'\t').map(Field::parse).collect())
}
