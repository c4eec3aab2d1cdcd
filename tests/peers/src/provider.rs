//! An identity provider that Dovecot believes: tokens signed with a key that lies in a file of Dovecot's, so
//! that nobody need be asked (JWT, RFC 7519, with HS256).

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::codes::now_seconds;
use crate::dovecot::Generation;

const KEY: &[u8] = b"a key that the provider and Dovecot share";

/// Who makes tokens.
#[derive(Clone, Copy, Debug)]
pub struct Provider {
    key: &'static [u8],
    lives: i64,
}

impl Provider {
    /// The one that Dovecot believes.
    pub fn trusted() -> Self {
        Self { key: KEY, lives: 3_600 }
    }

    /// One that it does not.
    pub fn stranger() -> Self {
        Self { key: b"a key of somebody else, of the same kind.", lives: 3_600 }
    }

    /// Its tokens are over when they are made.
    #[must_use]
    pub fn expired(self) -> Self {
        Self { lives: -600, ..self }
    }

    /// A token of this mailbox.
    ///
    /// # Panics
    /// Never: a key of any length will do.
    pub fn token(self, mailbox: &str) -> String {
        let now = i64::try_from(now_seconds()).unwrap_or(i64::MAX);
        let claims = serde_json::json!({
            "sub": mailbox,
            "email": mailbox,
            "iss": "https://provider.example.org",
            "iat": now.min(now + self.lives),
            "exp": now + self.lives,
        });
        let head = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"HS256"}"#);
        let body = URL_SAFE_NO_PAD.encode(claims.to_string());
        let signed = format!("{head}.{body}");
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key).expect("any length of key will do");
        mac.update(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    /// Writes the key to where Dovecot looks for it, and gives the settings that make Dovecot believe
    /// it, beside a mechanism that mail2fa must not offer.
    pub(crate) fn settings(self, root: &Path, generation: Generation) -> Result<String> {
        let keys = root.join("keys");
        let file = keys.join("default/HS256/default");
        let folder = file.parent().unwrap_or(&keys);
        std::fs::create_dir_all(folder)?;
        std::fs::write(&file, STANDARD.encode(self.key))?;
        readable(&file)?;
        let prefix = format!("{}/", keys.display());
        let mechanisms = "auth_mechanisms = plain login external cram-md5 oauthbearer xoauth2\n";
        Ok(match generation {
            Generation::V23 => {
                let more: PathBuf = root.join("oauth2.conf.ext");
                let text = format!(
                    "introspection_mode = local\nusername_attribute = email\n\
                     local_validation_key_dict = fs:posix:prefix={prefix}\n"
                );
                std::fs::write(&more, text)?;
                readable(&more)?;
                format!(
                    "{mechanisms}passdb {{\n  driver = oauth2\n  mechanisms = oauthbearer xoauth2\n  \
                     args = {}\n}}\n",
                    more.display()
                )
            }
            Generation::V24 => format!(
                "{mechanisms}passdb oauth2 {{\n  mechanisms_filter = oauthbearer xoauth2\n}}\n\
                 oauth2 {{\n  introspection_mode = local\n  username_attribute = email\n  \
                 oauth2_local_validation {{\n    dict fs {{\n      fs posix {{\n        \
                 prefix = {prefix}\n      }}\n    }}\n  }}\n}}\n"
            ),
        })
    }
}

/// The auth process reads it under its own user.
fn readable(file: &Path) -> Result<()> {
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644))?;
    Ok(())
}
