//! A private Roundcube, as Debian ships it and without any plugin: PHP's own web server on a
//! loopback port, SQLite, and the settings that docs/clients.md names.
//!
//! Roundcube keeps no connection: each click is a new IMAP login with what was typed into its login
//! form.

mod browser;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

pub use self::browser::{Browser, Page};
use crate::clients::run_to_end;
use crate::folder::Folder;
use crate::group::Group;
use crate::port::Port;
use crate::wait;

/// Where Debian puts the program.
const PROGRAM: &str = "/usr/share/roundcube";

/// Its public folder finds the program by where this very file lies, so it is not a link.
const INDEX: &str = "<?php
define('INSTALL_PATH', realpath(__DIR__ . '/..') . '/');
include INSTALL_PATH . 'index.php';
";

const MAKE_DATABASE: &str = "$all = new PDO('sqlite:' . $argv[1]);
$all->exec(file_get_contents($argv[2]));";

/// A running instance. Dropping it stops it.
#[derive(Debug)]
pub struct Roundcube {
    root: PathBuf,
    port: Port,
    _group: Group,
}

impl Roundcube {
    /// Writes the settings, makes the database and starts.
    ///
    /// # Errors
    /// When Roundcube or PHP is not installed or does not start.
    pub fn start(folder: &Arc<Folder>, imap: u16, smtp: u16) -> Result<Self> {
        ensure!(Path::new(PROGRAM).exists(), "Roundcube is missing: run tests/run");
        let root = folder.sub("roundcube")?;
        for name in ["roundcube/public_html", "roundcube/config", "roundcube/temp"] {
            folder.sub(name)?;
        }
        for name in ["program", "SQL", "skins", "plugins", "index.php"] {
            symlink(Path::new(PROGRAM).join(name), root.join(name))?;
        }
        for name in ["program", "skins", "plugins"] {
            symlink(Path::new("..").join(name), root.join("public_html").join(name))?;
        }
        for name in ["defaults.inc.php", "mimetypes.php"] {
            symlink(Path::new("/etc/roundcube").join(name), root.join("config").join(name))?;
        }
        std::fs::write(root.join("public_html/index.php"), INDEX)?;
        std::fs::write(root.join("config/config.inc.php"), settings(&root, imap, smtp))?;
        let mut make = Command::new("php");
        make.args(["-r", MAKE_DATABASE, "--"]).arg(root.join("database"));
        make.arg(root.join("SQL/sqlite.initial.sql"));
        let output = run_to_end(&mut make, "")?;
        ensure!(output.status.success(), "php: {}", String::from_utf8_lossy(&output.stderr));

        let port = Port::take()?;
        let mut php = Command::new("php");
        php.env("PHP_CLI_SERVER_WORKERS", "2");
        php.arg("-S").arg(format!("127.0.0.1:{}", port.number()));
        php.arg("-t").arg(root.join("public_html"));
        let group = Group::spawn(folder, php, &root.join("php.log"))?;
        let number = port.number();
        wait::until("PHP to start", || std::net::TcpStream::connect(("127.0.0.1", number)).ok())
            .with_context(|| folder.logs())?;
        Ok(Self { root, port, _group: group })
    }

    /// A browser of somebody who has not logged in yet.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.root, self.port.number())
    }
}

fn settings(root: &Path, imap: u16, smtp: u16) -> String {
    let root = root.display();
    format!(
        "<?php
$config['db_dsnw'] = 'sqlite:///{root}/database?mode=0600';
$config['imap_host'] = '127.0.0.1:{imap}';
$config['smtp_host'] = '127.0.0.1:{smtp}';
$config['smtp_user'] = '%u';
$config['smtp_pass'] = '%p';
$config['des_key'] = 'twenty-four characters!!';
$config['login_rate_limit'] = 0;
$config['plugins'] = [];
$config['language'] = 'en_US';
$config['log_dir'] = '{root}/';
$config['temp_dir'] = '{root}/temp/';
"
    )
}
