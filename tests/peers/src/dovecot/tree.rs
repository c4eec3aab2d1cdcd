//! Running a program of the Debian 13 tree.
//!
//! The program gets a mount namespace of its own in which the instance's folder lies at the same
//! path inside the tree as outside. So one path names a socket on both sides, and the mounts are
//! gone with the last process. The machine's passwd and group files, or what an instance makes of
//! them, are laid over the tree's, so that both sides agree on the numbers of dovenull and its kind.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::cache;

const ENTER: &str = r#"
set -e
tree=$1 dir=$2 passwd=$3 group=$4
shift 4
mount -t tmpfs tmpfs "$tree/tmp"
chmod 1777 "$tree/tmp"
mkdir -p "$tree$dir"
mount --bind "$dir" "$tree$dir"
mount --rbind /dev "$tree/dev"
mount --rbind /proc "$tree/proc"
mount --bind "$passwd" "$tree/etc/passwd"
mount --bind "$group" "$tree/etc/group"
exec chroot "$tree" "$@"
"#;

/// Where the Debian 13 tree is: `$MAIL2FA_PEER_CACHE/trixie`, or below the build folder.
///
/// # Errors
/// When it is not there.
pub fn trixie_tree() -> Result<PathBuf> {
    cache::find("trixie/usr/sbin/dovecot", "--trixie")?;
    cache::find("trixie", "--trixie")
}

/// Puts a program into the folder `bin` that runs the tree's `program` with what it is given, and these files as
/// passwd and group: for those who look for it in `PATH`.
///
/// # Errors
/// When the tree is not there.
pub fn put(folder: &Path, users: [&Path; 2], program: &str, bin: &Path) -> Result<()> {
    let enter = bin.join("enter.sh");
    std::fs::write(&enter, ENTER)?;
    let (tree, [passwd, group]) = (trixie_tree()?, users);
    let words = [&enter, &tree, folder, passwd, group].map(|path| path.display().to_string());
    let text = format!(
        "#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n\
         exec unshare --mount --propagation private /bin/sh {} {program} \"$@\"\n",
        words.join(" ")
    );
    let file = bin.join(program);
    std::fs::write(&file, text)?;
    Ok(std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755))?)
}

/// A command that runs `program` in the tree, with `folder` at the same path inside.
///
/// # Errors
/// When the tree is not there.
pub fn command(folder: &Path, program: &str, arguments: &[&str]) -> Result<Command> {
    let users = [Path::new("/etc/passwd"), Path::new("/etc/group")];
    command_with_users(folder, users, program, arguments)
}

/// As [`command`], with these files as passwd and group.
///
/// # Errors
/// When the tree is not there.
pub fn command_with_users(
    folder: &Path,
    users: [&Path; 2],
    program: &str,
    arguments: &[&str],
) -> Result<Command> {
    let tree = trixie_tree()?;
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "/bin/sh", "-c", ENTER, "enter"]);
    command.arg(tree).arg(folder).args(users).arg(program).args(arguments);
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    Ok(command)
}
