//! Certificates for tests, made by the openssl program: a root of its own for each folder.
#![allow(dead_code, reason = "each test uses a part of this")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// A root that signs certificates for `localhost` and `127.0.0.1`.
pub struct Authority {
    folder: PathBuf,
}

/// Files of one certificate.
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    pub fn new(folder: &Path) -> Self {
        let own = Self { folder: folder.into() };
        own.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=Root \
             -addext basicConstraints=critical,CA:true -keyout root.key -out root.pem",
        );
        own
    }

    /// What a client trusts.
    pub fn root(&self) -> PathBuf {
        self.folder.join("root.pem")
    }

    /// A certificate with a key of this kind, as `openssl req -newkey` names it.
    pub fn sign(&self, name: &str, kind: &str) -> Files {
        self.openssl(&format!(
            "req -newkey {kind} -nodes -subj /CN=localhost -keyout {name}.key -out {name}.csr \
             -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
        ));
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA root.pem -CAkey root.key -CAcreateserial -days 30 \
             -copy_extensions copy -out {name}.pem"
        ));
        let files = Files {
            certificate: self.folder.join(format!("{name}.pem")),
            key: self.folder.join(format!("{name}.key")),
        };
        fs::set_permissions(&files.key, fs::Permissions::from_mode(0o640)).unwrap();
        files
    }

    fn openssl(&self, arguments: &str) {
        let mut command = Command::new("openssl");
        let output = command
            .args(arguments.split_whitespace())
            .current_dir(&self.folder)
            .output()
            .unwrap_or_else(|error| panic!("openssl, which tests/setup installs: {error}"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
