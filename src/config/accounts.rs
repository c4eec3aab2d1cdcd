//! User and group names to their numbers.

use nix::unistd::{Gid, Group, Uid, User};

/// A user, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRef {
    /// As written: a name or a number.
    pub name: String,
    /// The user id.
    pub uid: u32,
}

/// A group, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRef {
    /// As written: a name or a number.
    pub name: String,
    /// The group id.
    pub gid: u32,
}

/// The user and group databases.
pub trait Accounts {
    /// The number of a user name; `Ok(None)` if there is no such user.
    fn uid(&self, name: &str) -> Result<Option<u32>, String>;
    /// The number of a group name; `Ok(None)` if there is no such group.
    fn gid(&self, name: &str) -> Result<Option<u32>, String>;
}

/// The system's databases (`getpwnam`, `getgrnam`).
#[derive(Clone, Copy, Debug)]
pub struct SystemAccounts;

impl Accounts for SystemAccounts {
    fn uid(&self, name: &str) -> Result<Option<u32>, String> {
        User::from_name(name)
            .map(|user| user.map(|user| Uid::as_raw(user.uid)))
            .map_err(|errno| errno.desc().to_owned())
    }

    fn gid(&self, name: &str) -> Result<Option<u32>, String> {
        Group::from_name(name)
            .map(|group| group.map(|group| Gid::as_raw(group.gid)))
            .map_err(|errno| errno.desc().to_owned())
    }
}

impl UserRef {
    pub(super) fn resolve(name: String, accounts: &dyn Accounts) -> Result<Self, String> {
        let uid = number("user", &name, accounts.uid(&name))?;
        Ok(Self { name, uid })
    }
}

impl GroupRef {
    pub(super) fn resolve(name: String, accounts: &dyn Accounts) -> Result<Self, String> {
        let gid = number("group", &name, accounts.gid(&name))?;
        Ok(Self { name, gid })
    }
}

/// A name first, as chown(1) does it: there are users whose name is a number.
fn number(what: &str, name: &str, found: Result<Option<u32>, String>) -> Result<u32, String> {
    match found {
        Ok(Some(id)) => Ok(id),
        // The highest number means "leave it" to chown(2).
        Ok(None) => name
            .parse()
            .ok()
            .filter(|id| *id != u32::MAX)
            .ok_or_else(|| format!("there is no {what} {name:?} on this machine")),
        Err(error) => Err(format!("the {what} {name:?} cannot be looked up: {error}")),
    }
}
