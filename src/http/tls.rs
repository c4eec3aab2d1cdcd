//! TLS of our own: a certificate with its key, read from PEM files, which a reload replaces.
//!
//! TLS 1.2 and 1.3 with the suites that rustls has by default, HTTP/1.1 only. A connection keeps the
//! certificate that it began with.
//!
//! # Security
//!
//! A key that everybody can read is refused, and so is one that does not belong to the certificate. A file
//! is read up to a limit, and what was read of the key is wiped. Nothing of it is in an error.
//!
//! Whether the certificate has expired is not looked at: browsers say so, and to refuse would keep even those
//! out who would go on.

use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        Error, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
    server::TlsStream,
};
use zeroize::Zeroizing;

use crate::base::{Current, limits::TLS_FILE_BYTES};

/// What browsers and we speak in TLS.
const HTTP: &[u8] = b"http/1.1";

/// Bits of a mode that let everybody in.
const EVERYBODY: u32 = 0o007;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct TlsError {
    path: PathBuf,
    why: Why,
}

#[derive(Debug, thiserror::Error)]
enum Why {
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("has more than {TLS_FILE_BYTES} bytes")]
    TooLong,
    #[error("is not well-formed PEM")]
    Malformed,
    #[error("has no \"BEGIN CERTIFICATE\" in it")]
    NoCertificate,
    #[error("everybody can read it (mode {0:04o}): run chmod 0640 on it, with the service's group")]
    Open(u32),
    #[error(
        "has no key in it that can be used: it must be PEM with \"BEGIN PRIVATE KEY\", \
         \"BEGIN RSA PRIVATE KEY\" or \"BEGIN EC PRIVATE KEY\", without a passphrase"
    )]
    NoKey,
    #[error("does not belong to the certificate in {}", .0.display())]
    Another(PathBuf),
    #[error("cannot be used: {0}")]
    Rustls(Error),
}

/// A certificate and its key.
pub struct Identity(Arc<ServerConfig>);

impl Identity {
    /// Reads both files.
    ///
    /// # Errors
    ///
    /// With the file's path, when one cannot be read or used, or everybody can read the key.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let chain = chain(certificate).map_err(at(certificate))?;
        let private = private_key(key).map_err(at(key))?;
        let versions = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| at(certificate)(Why::Rustls(error)))?;
        let made = versions.with_no_client_auth().with_single_cert(chain, private);
        let mut config = made.map_err(|error| match error {
            Error::InconsistentKeys(_) => at(key)(Why::Another(certificate.into())),
            Error::InvalidCertificate(_) => at(certificate)(Why::Rustls(error)),
            _ => at(key)(Why::Rustls(error)),
        })?;
        config.alpn_protocols = vec![HTTP.to_vec()];
        Ok(Self(Arc::new(config)))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Identity")
    }
}

/// What makes TLS of connections. All copies have one certificate.
#[derive(Clone, Debug)]
pub struct Tls(Arc<Current<Identity>>);

impl Tls {
    /// With a certificate to begin with.
    pub fn new(identity: Identity) -> Self {
        Self(Arc::new(Current::new(identity)))
    }

    /// Connections that come from now on get this certificate.
    pub fn replace(&self, identity: Identity) {
        self.0.set(identity);
    }

    /// The handshake. It has no time limit of its own.
    pub(super) async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        let config = Arc::clone(&self.0.get().0);
        TlsAcceptor::from(config).accept(stream).await
    }
}

fn at(path: &Path) -> impl Fn(Why) -> TlsError {
    move |why| TlsError { path: path.into(), why }
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Why> {
    let text = read(&File::open(path)?)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.map_err(|_| Why::Malformed)?;
    if chain.is_empty() { Err(Why::NoCertificate) } else { Ok(chain) }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Why> {
    let file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & EVERYBODY != 0 {
        return Err(Why::Open(mode));
    }
    PrivateKeyDer::from_pem_slice(&read(&file)?).map_err(|_| Why::NoKey)
}

fn read(file: &File) -> Result<Zeroizing<Vec<u8>>, Why> {
    // Its whole room at once: a vector that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(TLS_FILE_BYTES + 1));
    let most = u64::try_from(TLS_FILE_BYTES + 1).unwrap_or(u64::MAX);
    file.take(most).read_to_end(&mut text)?;
    if text.len() > TLS_FILE_BYTES { Err(Why::TooLong) } else { Ok(text) }
}
