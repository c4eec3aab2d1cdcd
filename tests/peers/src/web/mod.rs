//! Private web servers before the User Panel and the API, set up by what docs/panel.md and docs/api.md say.
//!
//! The snippets are read out of those pages and used as they stand, but for the path of the socket, or what the
//! page says of TCP in its place.
//! The certificate is made for the occasion.

mod visitor;

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};

pub use self::visitor::{Answer, Visitor};
use crate::clients::run_to_end;
use crate::daemon::Mail2fa;
use crate::folder::Folder;
use crate::group::Group;
use crate::port::Port;
use crate::wait;

/// Where docs/panel.md has the socket, and docs/api.md.
const SOCKET: &str = "/run/mail2fa-panel/socket";
const API_SOCKET: &str = "/run/mail2fa-api/socket";

/// Where docs/api.md has the address, by which the socket can be replaced.
const API_ADDRESS: &str = "127.0.0.1:8426";

/// How a web server reaches the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a Unix socket.
    Unix,
    /// By an address of the loopback network.
    Tcp,
}

/// Which web server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// nginx.
    Nginx,
    /// Apache 2.4 with mod_proxy.
    Apache,
    /// Caddy 2.
    Caddy,
}

impl Kind {
    /// The heading of its snippet.
    fn heading(self) -> &'static str {
        match self {
            Self::Nginx => "### nginx",
            Self::Apache => "### Apache",
            Self::Caddy => "### Caddy",
        }
    }
}

/// A mail2fa with its panel or API, and a web server before it. Dropping it stops both.
#[derive(Debug)]
pub struct Site {
    /// The daemon.
    pub mail2fa: Mail2fa,
    root: PathBuf,
    port: Port,
    _server: Group,
}

impl Site {
    /// Starts both.
    ///
    /// # Errors
    /// When one of them is not installed, refuses its settings or does not start.
    pub fn start(folder: &Arc<Folder>, kind: Kind) -> Result<Self> {
        let root = folder.sub("web")?;
        let socket = root.join("panel");
        let page = manual("panel.md")?;
        let here = socket.display().to_string();
        let section = local(snippet(&page, "## Switch it on")?, SOCKET, &here)?;
        let mail2fa = Mail2fa::start_alone(folder, &config(folder, &section))?;
        // What SocketGroup= does in mail2fa-panel.socket.
        chown(&socket, None, Some(web_group()?))?;
        let settings = local(snippet(&page, kind.heading())?, SOCKET, &here)?;
        Self::before(folder, root, mail2fa, kind, &settings)
    }

    /// Starts mail2fa with its API, and nginx before it.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_api(folder: &Arc<Folder>, way: Way) -> Result<Self> {
        let root = folder.sub("web")?;
        let page = manual("api.md")?;
        let settings = snippet(&page, "### nginx")?;
        let socket = root.join("api").display().to_string();
        let port = Port::take()?;
        let address = format!("127.0.0.1:{}", port.number());
        let (listen, settings) = match way {
            Way::Unix => (&socket, local(settings, API_SOCKET, &socket)?),
            Way::Tcp => {
                let by_tcp = format!("http://{API_ADDRESS};");
                ensure!(page.contains(&by_tcp), "docs/api.md has no {by_tcp}");
                let settings = local(settings, &format!("http://unix:{API_SOCKET};"), &by_tcp)?;
                (&address, local(&settings, API_ADDRESS, &address)?)
            }
        };
        let section = format!("[api]\nlisten = \"{listen}\"\n");
        let mail2fa = Mail2fa::start_alone(folder, &config(folder, &section))?;
        if way == Way::Unix {
            // What SocketGroup= does in mail2fa-api.socket.
            chown(&socket, None, Some(web_group()?))?;
        }
        Self::before(folder, root, mail2fa, Kind::Nginx, &settings)
    }

    fn before(
        folder: &Arc<Folder>,
        root: PathBuf,
        mail2fa: Mail2fa,
        kind: Kind,
        settings: &str,
    ) -> Result<Self> {
        certificate(&root)?;
        let port = Port::take()?;
        let command = match kind {
            Kind::Nginx => nginx(&root, port.number(), settings)?,
            Kind::Apache => apache(&root, port.number(), settings)?,
            Kind::Caddy => caddy(&root, port.number(), settings)?,
        };
        let mut server = Group::spawn(folder, command, &root.join("server.log"))?;
        wait::until(&format!("{kind:?} to listen"), || {
            let up = std::net::TcpStream::connect(("127.0.0.1", port.number())).is_ok();
            (up || server.ended().is_some()).then_some(up)
        })
        .and_then(|up| if up { Ok(()) } else { bail!("{kind:?} ended at once") })
        .with_context(|| folder.logs())?;
        Ok(Self { mail2fa, root, port, _server: server })
    }

    /// Somebody with a browser at this address of the loopback network.
    pub fn visitor(&self, address: &str) -> Visitor {
        let origin = format!("https://localhost:{}", self.port.number());
        Visitor::new(&self.root, origin, address)
    }
}

/// The text of a page in docs.
fn manual(page: &str) -> Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
    fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// The first fenced block below a heading.
fn snippet<'a>(page: &'a str, heading: &str) -> Result<&'a str> {
    let (_, below) = page
        .split_once(&format!("\n{heading}\n"))
        .with_context(|| format!("the page has no {heading}"))?;
    let (_, block) = below.split_once("\n```").context("no block")?;
    let (_, block) = block.split_once('\n').context("no block")?;
    let (block, _) = block.split_once("\n```").context("no end of the block")?;
    Ok(block)
}

/// The same with the test's own place.
fn local(snippet: &str, theirs: &str, ours: &str) -> Result<String> {
    ensure!(snippet.contains(theirs), "no {theirs} in {snippet}");
    Ok(snippet.replace(theirs, ours))
}

fn config(folder: &Folder, panel: &str) -> String {
    let root = folder.path().join("mail2fa");
    let root = root.display();
    format!(
        "[store]\ndirectory = \"{root}/store\"\nkey_file = \"{root}/master.key\"\n\n\
         [control]\nsocket = \"{root}/control\"\n\n[refusals]\ndelay = \"0s\"\n\n\
         [log]\ntarget = \"plain\"\nlevel = \"info\"\n\n\
         [passwords]\nsource = \"store\"\n[passwords.hashing]\nmemory_kib = 1024\npasses = 1\n\n\
         {panel}\n\n\
         [[listener]]\nname = \"postfix\"\nkind = \"client\"\nsocket = \"{root}/client\"\nmode = \"0600\"\n"
    )
}

fn web_group() -> Result<u32> {
    let group = nix::unistd::Group::from_name("www-data")?;
    Ok(group.context("no group www-data")?.gid.as_raw())
}

fn certificate(root: &Path) -> Result<()> {
    let mut openssl = Command::new("openssl");
    openssl.current_dir(root).args([
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
        "-keyout",
        "web.key",
        "-out",
        "web.pem",
    ]);
    let output = run_to_end(&mut openssl, "")?;
    ensure!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
    fs::set_permissions(root.join("web.key"), fs::Permissions::from_mode(0o600))?;
    Ok(())
}

fn nginx(root: &Path, port: u16, snippet: &str) -> Result<Command> {
    let at = root.display();
    let text = format!(
        "daemon off;
pid {at}/nginx.pid;
error_log stderr;
user www-data www-data;
worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path {at}/body;
    proxy_temp_path {at}/proxy;
    fastcgi_temp_path {at}/fastcgi;
    uwsgi_temp_path {at}/uwsgi;
    scgi_temp_path {at}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        server_name localhost;
        root {at}/nothing;
        ssl_certificate {at}/web.pem;
        ssl_certificate_key {at}/web.key;
{snippet}
    }}
}}
"
    );
    fs::write(root.join("nginx.conf"), text)?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(root).arg("-c").arg(root.join("nginx.conf"));
    command.args(["-e", "stderr"]);
    Ok(command)
}

fn apache(root: &Path, port: u16, snippet: &str) -> Result<Command> {
    let at = root.display();
    let mut text = String::new();
    for name in
        ["mpm_event", "authz_core", "socache_shmcb", "ssl", "headers", "proxy", "proxy_http"]
    {
        let _ = writeln!(text, "LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so");
    }
    let _ = write!(
        text,
        "ServerRoot {at}
ServerName localhost
PidFile {at}/apache.pid
DefaultRuntimeDir {at}
Mutex file:{at}
ErrorLog {at}/server.log
User www-data
Group www-data
StartServers 1
Listen 127.0.0.1:{port}
DocumentRoot {at}/nothing
<VirtualHost *:{port}>
ServerName localhost
SSLEngine on
SSLCertificateFile {at}/web.pem
SSLCertificateKeyFile {at}/web.key
{snippet}
</VirtualHost>
"
    );
    fs::create_dir_all(root.join("nothing"))?;
    fs::write(root.join("apache.conf"), text)?;
    let mut command = Command::new("apache2");
    command.args(["-D", "FOREGROUND", "-f"]).arg(root.join("apache.conf"));
    Ok(command)
}

fn caddy(root: &Path, port: u16, snippet: &str) -> Result<Command> {
    let at = root.display();
    let text = format!(
        "{{
    admin off
    auto_https disable_redirects
    skip_install_trust
    servers {{
        protocols h1 h2
    }}
    storage file_system {at}/storage
}}
https://localhost:{port} {{
    bind 127.0.0.1
    tls {at}/web.pem {at}/web.key
{snippet}
}}
"
    );
    fs::write(root.join("Caddyfile"), text)?;
    let mut command = Command::new("caddy");
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(root.join("Caddyfile"));
    command.env("HOME", root).env("XDG_CONFIG_HOME", root).env("XDG_DATA_HOME", root);
    Ok(command)
}
