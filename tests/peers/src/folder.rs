//! The temporary folder of one set of instances, and the helper that cleans up after a crash.
//!
//! A shell process of its own holds the reading end of a pipe. It learns which process groups were
//! started, and when the pipe closes, because the folder was dropped or because this process died
//! by Ctrl-C or kill -9, it ends those groups and removes the folder.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};

/// Lines of each log that are printed when a test fails.
const TAIL_LINES: usize = 60;

const REAPER: &str = r#"
trap '' HUP INT TERM
dir=$1 groups= keep=
while read -r verb arg; do
  case $verb in
    add) groups="$groups $arg" ;;
    del) left=; for g in $groups; do [ "$g" = "$arg" ] || left="$left $g"; done; groups=$left ;;
    keep) keep=1 ;;
  esac
done
for g in $groups; do kill -s TERM -- "-$g" 2>/dev/null; done
tries=50
while [ "$tries" -gt 0 ]; do
  alive=
  for g in $groups; do kill -s 0 -- "-$g" 2>/dev/null && alive=1; done
  [ -n "$alive" ] || break
  sleep 0.1; tries=$((tries - 1))
done
for g in $groups; do kill -s KILL -- "-$g" 2>/dev/null; done
[ -n "$keep" ] || rm -rf -- "$dir"
"#;

/// A folder below /tmp that goes away with its last user. It lies there whatever TMPDIR says: the
/// path of a Unix socket has room for 107 bytes only.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    reaper: Mutex<Option<(Child, ChildStdin)>>,
}

impl Folder {
    /// Makes the folder and starts its helper.
    ///
    /// # Errors
    /// When /tmp cannot be written or no process can be started.
    pub fn new() -> Result<Arc<Self>> {
        let path = tempfile::Builder::new()
            .prefix("m2f-")
            .tempdir_in("/tmp")
            .context("cannot make a folder in /tmp")?
            .keep();
        // Dovecot and Postfix reach their files under users of their own.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        let mut child = Command::new("/bin/sh")
            .args(["-c", REAPER, "mail2fa-peers-reaper"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("cannot start /bin/sh")?;
        let pipe = child.stdin.take().context("the helper has no standard input")?;
        Ok(Arc::new(Self { path, reaper: Mutex::new(Some((child, pipe))) }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A folder in it, made when it is not there, with the mode 0755.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn sub(&self, name: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        std::fs::create_dir_all(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        Ok(path)
    }

    /// Tells the helper that a process group lives.
    pub(crate) fn add_group(&self, group: i32) {
        self.tell(&format!("add {group}\n"));
    }

    /// Tells the helper that a process group is gone.
    pub(crate) fn forget_group(&self, group: i32) {
        self.tell(&format!("del {group}\n"));
    }

    /// Leaves the folder where it is when everything ends.
    pub fn keep(&self) {
        self.tell("keep 1\n");
    }

    fn tell(&self, line: &str) {
        if let Ok(mut reaper) = self.reaper.lock()
            && let Some((_, pipe)) = reaper.as_mut()
        {
            // A helper that is gone cannot be told; there is nothing to do about it here.
            let _ = pipe.write_all(line.as_bytes());
        }
    }

    /// The ends of all log files in the folder.
    pub fn logs(&self) -> String {
        let mut text = String::new();
        for file in files_below(&self.path) {
            if is_log(&file) {
                let content = std::fs::read(&file).unwrap_or_default();
                let content = String::from_utf8_lossy(&content);
                let lines: Vec<&str> = content.lines().collect();
                let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
                let _ = writeln!(text, "--- {}\n{}", file.display(), tail.join("\n"));
            }
        }
        text
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}\nThe files are kept in {}", self.logs(), self.path.display());
            self.keep();
        }
        let reaper = self.reaper.lock().ok().and_then(|mut reaper| reaper.take());
        if let Some((mut child, pipe)) = reaper {
            drop(pipe);
            let _ = child.wait();
        }
    }
}

/// Dovecot's index files end in "log" as well.
fn is_log(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.extension().is_some_and(|extension| extension == "log") && !name.starts_with("dovecot.")
        || name == "dovecot.log"
}

/// All regular files below a folder, in a stable order.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut todo = vec![folder.to_path_buf()];
    while let Some(next) = todo.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => todo.push(entry.path()),
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files.sort();
    files
}
