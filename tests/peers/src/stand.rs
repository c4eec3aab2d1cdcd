//! A whole mail server: Dovecot, Postfix and, between them and the passwords, mail2fa.

use std::process::Command;
use std::sync::Arc;

use anyhow::Result;

use crate::clients::{Curl, Login, Sasl, Swaks};
use crate::clock::Clock;
use crate::codes::Codes;
use crate::daemon::{Mail2fa, Plan};
use crate::dovecot::{Doors, Dovecot, Generation, PasswordMode};
use crate::folder::Folder;
use crate::postfix::{self, Postfix};

/// A mailbox with a second factor in the tests.
pub const ALICE: &str = "alice@example.org";
/// Its password.
pub const ALICE_PASSWORD: &str = "T9D3K!px";
/// A mailbox without one.
pub const BOB: &str = "bob@example.org";
/// Its password, which ends in what looks like a code.
pub const BOB_PASSWORD: &str = "Kd8#vw314159";

const DAY_SECONDS: u64 = 86_400;

/// How names are made on the two sides.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// Settings of Dovecot behind all others; `ROOT` stands for its folder.
    pub dovecot: &'a str,
    /// What is in mail2fa's section `[names]`.
    pub mail2fa: &'a str,
}

impl Default for Names<'_> {
    fn default() -> Self {
        Self { dovecot: "", mail2fa: "default_realm = \"example.org\"" }
    }
}

/// What is running. The fields are dropped in their order: who asks goes first.
#[derive(Debug)]
pub struct Stand {
    /// The Postfix.
    pub postfix: Postfix,
    /// mail2fa, unless the doors are direct.
    pub mail2fa: Option<Mail2fa>,
    /// The Dovecot.
    pub dovecot: Dovecot,
    /// Where the passwords are.
    pub mode: PasswordMode,
    /// The clock that mail2fa goes by, if not the real one.
    pub clock: Option<Arc<Clock>>,
    /// Where everything lies.
    pub folder: Arc<Folder>,
}

/// What a stand is made of.
struct Wanted<'a> {
    generation: Generation,
    mode: PasswordMode,
    doors: Doors,
    refusal_delay: &'a str,
    log: Option<&'a str>,
    names: &'a Names<'a>,
    clock: Option<Arc<Clock>>,
}

impl Stand {
    /// Starts all of it, with the mailboxes alice and bob, without a second factor.
    ///
    /// # Errors
    /// When a part does not start.
    pub fn start(generation: Generation, mode: PasswordMode, doors: Doors) -> Result<Self> {
        Self::start_with(generation, mode, doors, "0s", None)
    }

    /// As [`Self::start`], with the delay of refusals and the `[log]` section of mail2fa's
    /// configuration.
    ///
    /// # Errors
    /// When a part does not start.
    pub fn start_with(
        generation: Generation,
        mode: PasswordMode,
        doors: Doors,
        refusal_delay: &str,
        log: Option<&str>,
    ) -> Result<Self> {
        let names = Names::default();
        let wanted =
            Wanted { generation, mode, doors, refusal_delay, log, names: &names, clock: None };
        Self::furnished(Folder::new()?, wanted)
    }

    /// A stand whose two sides make names in their own ways, with Dovecot's passwords and without
    /// mailboxes.
    ///
    /// # Errors
    /// When a part does not start.
    pub fn with_names(generation: Generation, names: &Names<'_>) -> Result<Self> {
        let (mode, doors) = (PasswordMode::Dovecot, Doors::Mail2fa);
        let wanted =
            Wanted { generation, mode, doors, refusal_delay: "0s", log: None, names, clock: None };
        Self::assemble(Folder::new()?, wanted)
    }

    /// As [`Self::start`], with mail2fa at the doors and under a clock that the test moves.
    ///
    /// # Errors
    /// When a part does not start.
    pub fn start_with_clock(generation: Generation, mode: PasswordMode) -> Result<Self> {
        let folder = Folder::new()?;
        let clock = Some(Arc::new(Clock::new(&folder)?));
        let (doors, names) = (Doors::Mail2fa, Names::default());
        let wanted = Wanted {
            generation,
            mode,
            doors,
            refusal_delay: "0s",
            log: None,
            names: &names,
            clock,
        };
        Self::furnished(folder, wanted)
    }

    /// With Alice and Bob.
    fn furnished(folder: Arc<Folder>, wanted: Wanted<'_>) -> Result<Self> {
        let mut stand = Self::assemble(folder, wanted)?;
        stand.set_passwords(&[(ALICE, ALICE_PASSWORD), (BOB, BOB_PASSWORD)])?;
        Ok(stand)
    }

    fn assemble(folder: Arc<Folder>, wanted: Wanted<'_>) -> Result<Self> {
        let Wanted { generation, mode, doors, refusal_delay, log, names, clock } = wanted;
        let ports = postfix::Ports::take()?;
        let dovecot =
            Dovecot::start(&folder, generation, mode, doors, ports.relay(), names.dovecot)?;
        let postfix = Postfix::start(&folder, ports, dovecot.lmtp())?;
        let mail2fa = match doors {
            Doors::Direct => {
                std::os::unix::fs::symlink(dovecot.client_upstream(), postfix.sasl_socket())?;
                None
            }
            Doors::Mail2fa => {
                let plan = Plan {
                    mode,
                    dovecot: &dovecot,
                    postfix: Some(&postfix),
                    refusal_delay,
                    log,
                    names: names.mail2fa,
                    clock: clock.as_ref(),
                };
                Some(Mail2fa::start(&folder, &plan)?)
            }
        };
        Ok(Self { postfix, mail2fa, dovecot, mode, clock, folder })
    }

    /// Makes mailboxes, or gives the ones that are there other passwords, where passwords are in
    /// this stand.
    ///
    /// # Errors
    /// When one is refused.
    pub fn set_passwords(&mut self, logins: &[(&str, &str)]) -> Result<()> {
        match self.mode {
            PasswordMode::Dovecot => self.dovecot.set_passwords(logins, "SHA512-CRYPT"),
            PasswordMode::Store => logins
                .iter()
                .try_for_each(|(name, password)| self.mail2fa().set_password(name, password)),
        }
    }

    /// mail2fa.
    ///
    /// # Panics
    /// When the doors are direct.
    pub fn mail2fa(&self) -> &Mail2fa {
        self.mail2fa.as_ref().expect("this stand has no mail2fa")
    }

    /// mail2fa, to stop and start it.
    ///
    /// # Panics
    /// When the doors are direct.
    pub fn mail2fa_mut(&mut self) -> &mut Mail2fa {
        self.mail2fa.as_mut().expect("this stand has no mail2fa")
    }

    /// Switches the second factor of a mailbox on and gives its app. One code is used up by it.
    ///
    /// # Errors
    /// When a command fails.
    pub fn enrol(&self, name: &str) -> Result<Codes> {
        let secret = self.mail2fa().enable(name)?.secret;
        let mut codes = Codes::new(secret).with_clock(self.clock.clone());
        let code = codes.fresh()?;
        self.mail2fa().confirm(name, &code)?;
        Ok(codes)
    }

    /// Moves mail2fa's time ahead.
    ///
    /// # Errors
    /// When the clock's file cannot be written.
    ///
    /// # Panics
    /// When mail2fa goes by the real time.
    pub fn forward(&self, seconds: u64) -> Result<()> {
        self.clock.as_ref().expect("this stand has the real time").forward(seconds)
    }

    /// Moves mail2fa's time to noon of the next day, so that no midnight comes in between where days are counted.
    ///
    /// # Errors
    /// As [`Self::forward`].
    ///
    /// # Panics
    /// As [`Self::forward`].
    pub fn next_noon(&self) -> Result<()> {
        let now = self.clock.as_ref().expect("this stand has the real time").now_seconds();
        self.forward(DAY_SECONDS - now % DAY_SECONDS + DAY_SECONDS / 2)
    }

    /// The day so many days from mail2fa's present, in UTC, as date(1) writes it in this format.
    ///
    /// # Errors
    /// When date cannot be started.
    ///
    /// # Panics
    /// As [`Self::forward`].
    pub fn day(&self, days: u64, format: &str) -> Result<String> {
        let now = self.clock.as_ref().expect("this stand has the real time").now_seconds();
        let mut date = Command::new("date");
        date.env("LC_ALL", "C").args(["-u", &format!("+{format}")]);
        let output = date.args(["-d", &format!("@{}", now + days * DAY_SECONDS)]).output()?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Moves mail2fa's time to the beginning of the next step of 30 s, so that there is a new code, and time to
    /// type it.
    ///
    /// # Errors
    /// As [`Self::forward`].
    ///
    /// # Panics
    /// As [`Self::forward`].
    pub fn next_code(&self) -> Result<()> {
        let now = self.clock.as_ref().expect("this stand has the real time").now_seconds();
        self.forward(31 - now % 30)
    }

    /// curl at the IMAP port.
    pub fn imap(&self) -> Curl {
        Curl::imap(self.dovecot.imap())
    }

    /// curl at the POP3 port.
    pub fn pop3(&self) -> Curl {
        Curl::pop3(self.dovecot.pop3())
    }

    /// swaks at Postfix's submission port.
    pub fn smtp(&self, sasl: Sasl) -> Swaks {
        Swaks::new(self.postfix.submission(), sasl)
    }

    /// swaks at Dovecot's submission port.
    pub fn submission(&self, sasl: Sasl) -> Swaks {
        Swaks::new(self.dovecot.submission(), sasl)
    }
}

/// alice with her password alone.
pub fn alice() -> Login<'static> {
    Login::new(ALICE, ALICE_PASSWORD)
}

/// bob with his password.
pub fn bob() -> Login<'static> {
    Login::new(BOB, BOB_PASSWORD)
}
