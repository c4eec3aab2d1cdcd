//! Looking for secrets where none may be.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::folder::files_below;

/// A secret found in a file.
#[derive(Debug)]
pub struct Leak {
    /// The file.
    pub file: PathBuf,
    /// What was found, by its label: the report must not print the secret.
    pub label: String,
}

/// Secrets to look for, with what each is called in a report.
#[derive(Debug, Default)]
pub struct Secrets {
    anywhere: Vec<(String, Vec<u8>)>,
    codes: Vec<(String, Vec<u8>)>,
}

impl Secrets {
    /// Adds a secret in plain, in hex, and in base64 at each of the three alignments.
    pub fn add(&mut self, label: &str, secret: &str) {
        let bytes = secret.as_bytes();
        self.anywhere.push((label.to_owned(), bytes.to_vec()));
        let mut hex = String::new();
        for byte in bytes {
            let _ = write!(hex, "{byte:02x}");
        }
        self.anywhere.push((format!("{label} in hex"), hex.into_bytes()));
        for shift in 0..3 {
            let mut shifted = vec![0; shift];
            shifted.extend_from_slice(bytes);
            let text = STANDARD_NO_PAD.encode(&shifted).into_bytes();
            // The characters at either end depend on the neighbours of the secret.
            let first = (shift * 8).div_ceil(6);
            let end = shifted.len() * 8 / 6;
            if end.saturating_sub(first) >= 6 {
                self.anywhere.push((format!("{label} in base64"), text[first..end].to_vec()));
            }
        }
    }

    /// Adds something as it is, for what is too short to look for in other forms.
    pub fn add_plain(&mut self, label: &str, secret: &[u8]) {
        self.anywhere.push((label.to_owned(), secret.to_vec()));
    }

    /// Adds a code. Six digits are found in many a time of day or process id, so they count only
    /// where no digit, point, colon or hyphen is beside them.
    pub fn add_code(&mut self, label: &str, code: &str) {
        self.codes.push((label.to_owned(), code.as_bytes().to_vec()));
    }

    /// All files below `folder` that hold one of the secrets.
    pub fn find_below(&self, folder: &Path) -> Vec<Leak> {
        files_below(folder).into_iter().flat_map(|file| self.find_in(&file)).collect()
    }

    /// The secrets in one file.
    pub fn find_in(&self, file: &Path) -> Vec<Leak> {
        let content = std::fs::read(file).unwrap_or_default();
        let anywhere = self.anywhere.iter().filter(|(_, secret)| contains(&content, secret));
        let codes = self.codes.iter().filter(|(_, code)| contains_alone(&content, code));
        anywhere
            .chain(codes)
            .map(|(label, _)| Leak { file: file.to_path_buf(), label: label.clone() })
            .collect()
    }
}

fn contains(content: &[u8], secret: &[u8]) -> bool {
    !secret.is_empty() && content.windows(secret.len()).any(|window| window == secret)
}

fn contains_alone(content: &[u8], code: &[u8]) -> bool {
    let belongs = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b':'))
    };
    content.windows(code.len()).enumerate().any(|(start, window)| {
        let before = start.checked_sub(1).and_then(|index| content.get(index));
        let after = content.get(start + code.len());
        window == code && !belongs(before) && !belongs(after)
    })
}

#[cfg(test)]
mod tests {
    use super::Secrets;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn finds_every_form() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let mut secrets = Secrets::default();
        secrets.add("password", "correct horse");
        let forms = [
            "pass=correct horse\n".to_owned(),
            "636f727265637420686f727365".to_owned(),
            STANDARD.encode("\0a\0correct horse"),
            STANDARD.encode("\0al\0correct horse and more"),
            STANDARD.encode("\0ali\0correct horse"),
        ];
        for form in forms {
            std::fs::write(&file, &form).unwrap();
            assert_eq!(secrets.find_below(folder.path()).len(), 1, "{form}");
        }
        std::fs::write(&file, "correct  horse").unwrap();
        assert!(secrets.find_below(folder.path()).is_empty());
    }

    #[test]
    fn finds_codes_that_stand_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let mut secrets = Secrets::default();
        secrets.add_code("code", "189145");
        for (content, found) in [
            ("code=189145 used", 1),
            ("px189145", 1),
            ("189145", 1),
            ("12:00:01.189145Z", 0),
            ("pid 1189145", 0),
            ("189 145", 0),
        ] {
            std::fs::write(&file, content).unwrap();
            assert_eq!(secrets.find_in(&file).len(), found, "{content}");
        }
    }
}
