//! A QR code for a terminal, two modules to a character.
//!
//! Scanners want dark modules on a light ground. On a terminal the colours are set, so that it
//! comes out right whatever the theme is; elsewhere the light modules are drawn, which is right
//! for light text on a dark ground, the usual one.

use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};

use super::failure::{Exit, Failure};

/// Black on white by number: themes repaint the sixteen named colours.
const BLACK_ON_WHITE: &str = "\x1b[38;5;16;48;5;231m";
const RESET: &str = "\x1b[0m";

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// With colours of its own.
    Coloured,
    /// Text only.
    Plain,
}

/// Draws a text as a QR code, with its quiet zone, each line ended.
pub fn draw(text: &str, style: Style) -> Result<String, Failure> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L)
        .map_err(|error| Failure::new(Exit::Software, format!("no QR code: {error}")))?;
    // To Dense1x2 "dark" is what it draws a block for.
    let (dark, light) = match style {
        Style::Coloured => (Dense1x2::Dark, Dense1x2::Light),
        Style::Plain => (Dense1x2::Light, Dense1x2::Dark),
    };
    let drawn = code
        .render::<Dense1x2>()
        .dark_color(dark)
        .light_color(light)
        .quiet_zone(true)
        .module_dimensions(1, 1)
        .build();
    Ok(drawn
        .lines()
        .map(|line| match style {
            Style::Coloured => format!("{BLACK_ON_WHITE}{line}{RESET}\n"),
            Style::Plain => format!("{line}\n"),
        })
        .collect::<Vec<_>>()
        .concat())
}

#[cfg(test)]
mod tests {
    use std::{io::Write, process::Command};

    use super::*;

    const URI: &str = "otpauth://totp/Mail:alice%40example.org\
                       ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Mail\
                       &algorithm=SHA1&digits=6&period=30";

    /// What one sees: rows of dark modules, from what was printed.
    fn seen(drawn: &str, style: Style) -> Vec<Vec<bool>> {
        let mut rows = Vec::new();
        for line in drawn.lines() {
            let line = match style {
                Style::Coloured => {
                    line.strip_prefix(BLACK_ON_WHITE).unwrap().strip_suffix(RESET).unwrap()
                }
                Style::Plain => line,
            };
            let inked: Vec<(bool, bool)> = line
                .chars()
                .map(|c| match c {
                    ' ' => (false, false),
                    '\u{2580}' => (true, false),
                    '\u{2584}' => (false, true),
                    '\u{2588}' => (true, true),
                    other => panic!("{other:?}"),
                })
                .collect();
            // Ink is black with colours, and light on the dark ground without.
            let dark = |ink: bool| ink == (style == Style::Coloured);
            rows.push(inked.iter().map(|(upper, _)| dark(*upper)).collect());
            rows.push(inked.iter().map(|(_, lower)| dark(*lower)).collect());
        }
        rows
    }

    #[test]
    fn both_styles_show_the_same_picture_with_a_light_margin() {
        let coloured = seen(&draw(URI, Style::Coloured).unwrap(), Style::Coloured);
        let plain = seen(&draw(URI, Style::Plain).unwrap(), Style::Plain);
        // An odd number of rows leaves half a line at the end, which is ground, not picture.
        let rows = coloured[0].len();
        assert_eq!(coloured[..rows], plain[..rows]);
        assert!(rows <= 80, "fits a terminal of 80 columns: {rows}");
        for margin in 0..4 {
            assert!(plain[margin].iter().all(|dark| !dark), "quiet zone above");
            assert!(plain.iter().take(rows).all(|row| !row[margin]), "quiet zone at the left");
        }
        assert!(plain[4][4], "a finder pattern begins behind it");
    }

    #[test]
    fn a_scanner_reads_it() {
        for style in [Style::Coloured, Style::Plain] {
            let rows = seen(&draw(URI, style).unwrap(), style);
            let width = rows[0].len();
            let mut image = format!("P5 {} {} 255\n", width * 6, width * 6).into_bytes();
            for row in rows.iter().take(width) {
                let line: Vec<u8> =
                    row.iter().flat_map(|dark| [if *dark { 0 } else { 255 }; 6]).collect();
                (0..6).for_each(|_| image.extend_from_slice(&line));
            }
            let mut file = tempfile::Builder::new().suffix(".pgm").tempfile().unwrap();
            file.write_all(&image).unwrap();
            let Ok(output) =
                Command::new("zbarimg").args(["-q", "--raw"]).arg(file.path()).output()
            else {
                eprintln!("skipped: zbarimg is not installed");
                return;
            };
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), URI, "{style:?}");
        }
    }
}
