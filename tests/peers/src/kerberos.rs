//! A private Kerberos realm: MIT's key server on a loopback port, people and services in it, and the tickets that
//! mail clients show.
//!
//! Everything lies in the stand's folder, and programs are pointed to it by `KRB5_CONFIG`: neither
//! /etc/krb5.conf nor the machine's own tickets are looked at.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Result, ensure};

use crate::clients::run_to_end;
use crate::folder::Folder;
use crate::group::Group;
use crate::port::Port;
use crate::wait;

/// The realm. Its people are `NAME@EXAMPLE.ORG`, whom Dovecot knows in lower case.
const REALM: &str = "EXAMPLE.ORG";

/// The host that tickets are for.
pub const HOST: &str = "mail.example.org";

/// What a person has in the realm, where a client needs one.
const PERSON_PASSWORD: &str = "a password of the realm";

/// A running realm. Dropping it stops it.
#[derive(Debug)]
pub struct Kerberos {
    root: PathBuf,
    _port: Port,
    group: Option<Group>,
}

impl Kerberos {
    /// Makes a realm with the services of a mail server in it, and starts its key server.
    ///
    /// # Errors
    /// When the packages are missing, or it does not start.
    pub fn start(folder: &Arc<Folder>) -> Result<Self> {
        let root = folder.sub("kerberos")?;
        let port = Port::take()?;
        write_settings(&root, port.number())?;
        let mut realm = Self { root, _port: port, group: None };
        let database = ["-r", REALM, "create", "-s", "-P", "of the database"];
        realm.run("/usr/sbin/kdb5_util", &database, "")?;
        for service in ["imap", "pop", "smtp", "submission", "sieve"] {
            realm.admin(&format!("addprinc -randkey {service}/{HOST}"))?;
            let keytab = realm.keytab();
            realm.admin(&format!("ktadd -k {} {service}/{HOST}", keytab.display()))?;
        }
        // Dovecot's auth process reads it under its own user.
        let dovecot = nix::unistd::User::from_name("dovecot")?.map(|user| user.uid.as_raw());
        std::os::unix::fs::chown(realm.keytab(), dovecot, None)?;
        let mut command = realm.command("/usr/sbin/krb5kdc");
        command.arg("-n");
        let mut group = Group::spawn(folder, command, &realm.root.join("kdc-output.log"))?;
        let log = realm.root.join("kdc.log");
        wait::until("the key server to start", || {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let ended = group.ended().map(|status| Err(anyhow::anyhow!("{status}\n{text}")));
            ended.or_else(|| text.contains("commencing operation").then_some(Ok(())))
        })??;
        realm.group = Some(group);
        Ok(realm)
    }

    /// Takes a person in.
    ///
    /// # Errors
    /// When there is one of that name.
    pub fn add(&self, name: &str) -> Result<()> {
        self.admin(&format!("addprinc -pw \"{PERSON_PASSWORD}\" {name}")).map(drop)
    }

    /// Signs a person in, who gets a file with a ticket.
    ///
    /// # Errors
    /// When the key server refuses.
    pub fn sign_in(&self, name: &str) -> Result<PathBuf> {
        let file = self.root.join(format!("tickets-{name}"));
        let cache = format!("FILE:{}", file.display());
        let password = format!("{PERSON_PASSWORD}\n");
        self.run("kinit", &["-c", &cache, &format!("{name}@{REALM}")], &password)?;
        Ok(file)
    }

    /// The file that programs find the realm by.
    pub fn settings_file(&self) -> PathBuf {
        self.root.join("krb5.conf")
    }

    /// Dovecot's settings that make it take tickets of the realm. It asks a passdb as well whether there is
    /// such a mailbox, and "temporary failure" is what it says where all of them are for other mechanisms.
    pub(crate) fn settings(&self) -> String {
        format!(
            "auth_mechanisms = plain login external cram-md5 gssapi\n\
             auth_krb5_keytab = {}\nauth_gssapi_hostname = \"$ALL\"\n\
             import_environment = TZ KRB5_CONFIG={}\n\
             passdb {{\n  driver = static\n  mechanisms = gssapi\n  args = nopassword=y\n}}\n",
            self.keytab().display(),
            self.settings_file().display()
        )
    }

    fn keytab(&self) -> PathBuf {
        self.root.join("keytab")
    }

    fn admin(&self, query: &str) -> Result<String> {
        self.run("/usr/sbin/kadmin.local", &["-r", REALM, "-q", query], "")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("KRB5_CONFIG", self.settings_file());
        command.env("KRB5_KDC_PROFILE", self.root.join("kdc.conf"));
        command
    }

    fn run(&self, program: &str, arguments: &[&str], input: &str) -> Result<String> {
        let output = run_to_end(self.command(program).args(arguments), input)?;
        let (said, wrong) = (&output.stdout, String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "{program}: {wrong}");
        // kadmin.local ends well whatever happened.
        ensure!(!wrong.contains("while"), "{program} {arguments:?}: {wrong}");
        Ok(String::from_utf8_lossy(said).into_owned())
    }
}

fn write_settings(root: &Path, port: u16) -> Result<()> {
    let place = root.display();
    // No name is looked up in the DNS, and replays are not remembered in /var/tmp.
    let client = format!(
        "[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n \
         dns_canonicalize_hostname = false\n rdns = false\n udp_preference_limit = 1\n \
         default_rcache_name = none:\n\
         [realms]\n {REALM} = {{\n  kdc = 127.0.0.1:{port}\n }}\n\
         [domain_realm]\n .example.org = {REALM}\n\
         [logging]\n kdc = FILE:{place}/kdc.log\n"
    );
    // UDP ports are what keeps instances apart here, so it listens to TCP only.
    let server = format!(
        "[realms]\n {REALM} = {{\n  database_name = {place}/principals\n  \
         key_stash_file = {place}/stash\n  kdc_listen = \"\"\n  \
         kdc_tcp_listen = 127.0.0.1:{port}\n }}\n"
    );
    for (name, text) in [("krb5.conf", client), ("kdc.conf", server)] {
        let file = root.join(name);
        std::fs::write(&file, text)?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}
