//! The store's folder: who may enter it, what has to be in it, and the mark beside the data.
//!
//! The mark is a file of one line with the version of the latest change and the id of the
//! database it belongs to. It is written after the data is durable: for a change that adds,
//! removes, enrols or disenrols a mailbox before that is acknowledged, for others a moment later
//! (`STORE_MARK_MILLIS`) and when the store is closed. Data that fell back to an older state (a cut
//! file, damage in the log, a copy of the wrong day) is older than its mark, which is how that is
//! noticed.
//!
//! # Security
//!
//! The folder's mode is what keeps other users out: sled makes its files with the process's
//! umask. The mark is not sealed. It guards against accidents; somebody who can write to the
//! folder can put back an old copy of all of it, and nothing in the folder could tell.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};

use super::{
    error::OpenError,
    mark::{mark_text, parse_mark},
};
use crate::decision::record::Version;

/// The file that holds all of sled's data.
pub(super) const DATA: &str = "db";
const CONF: &str = "conf";
const MARK: &str = "mark";

/// A folder that has been checked.
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder, or takes an empty one.
    pub(super) fn create(path: &Path) -> Result<Self, OpenError> {
        let folder = Self { path: path.into() };
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(folder.io("making the folder", source)),
        }
        folder.check_access()?;
        let mut entries =
            fs::read_dir(path).map_err(|source| folder.io("reading the folder", source))?;
        if entries.next().is_some() {
            return Err(OpenError::AlreadyThere { dir: path.into() });
        }
        Ok(folder)
    }

    /// Takes a folder that holds a store.
    pub(super) fn existing(path: &Path) -> Result<Self, OpenError> {
        let folder = Self { path: path.into() };
        if !path.is_dir() {
            return Err(OpenError::NoStore { dir: path.into() });
        }
        folder.check_access()?;
        let present = [CONF, DATA, MARK].map(|name| path.join(name).is_file());
        match present {
            [true, true, true] => Ok(folder),
            [false, false, false] => Err(OpenError::NoStore { dir: path.into() }),
            [_, false, _] => Err(folder.damaged("its file db is missing")),
            [false, ..] => Err(folder.damaged("its file conf is missing")),
            [.., false] => Err(folder.damaged("its file mark is missing")),
        }
    }

    fn check_access(&self) -> Result<(), OpenError> {
        let meta =
            fs::metadata(&self.path).map_err(|source| self.io("looking at the folder", source))?;
        let mode = meta.permissions().mode() & 0o7777;
        let user = nix::unistd::geteuid().as_raw();
        if meta.uid() != user {
            return Err(OpenError::Owner { dir: self.path.clone(), owner: meta.uid(), user });
        }
        if mode & 0o077 != 0 {
            return Err(OpenError::Mode { dir: self.path.clone(), mode });
        }
        Ok(())
    }

    /// Waits until the files that were just made, and their names, are on disk.
    pub(super) fn sync_new(&self) -> Result<(), OpenError> {
        let sync = || -> io::Result<()> {
            for name in [CONF, DATA, MARK] {
                let file = File::open(self.path.join(name))?;
                file.set_permissions(PermissionsExt::from_mode(0o600))?;
                file.sync_all()?;
            }
            File::open(&self.path)?.sync_all()?;
            sync_parent(&self.path)
        };
        sync().map_err(|source| self.io("writing the new files to disk", source))
    }

    /// Opens the data file, to have a descriptor of our own for `fdatasync`.
    pub(super) fn data_file(&self) -> Result<File, OpenError> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.path.join(DATA))
            .map_err(|source| self.io("opening its file db", source))
    }

    /// Makes the mark of a new store.
    pub(super) fn new_mark(&self, id: [u8; 16]) -> Result<Mark, OpenError> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.path.join(MARK))
            .map_err(|source| self.io("making its file mark", source))?;
        let mark = Mark { file: self.lock(file)?, id };
        mark.write(Version(0)).map_err(|source| self.io("writing its file mark", source))?;
        Ok(mark)
    }

    /// Locks the store against other processes of this program, for as long as the result lives.
    pub(super) fn lock_mark(&self) -> Result<LockedMark, OpenError> {
        let path = self.path.join(MARK);
        let file = OpenOptions::new()
            .write(true)
            .open(&path)
            .map_err(|source| self.io("opening its file mark", source))?;
        let file = self.lock(file)?;
        let text = fs::read(&path).map_err(|source| self.io("reading its file mark", source))?;
        Ok(LockedMark { file, text })
    }

    fn lock(&self, file: File) -> Result<Flock<File>, OpenError> {
        Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, error)| match error {
            nix::errno::Errno::EWOULDBLOCK => OpenError::Locked { dir: self.path.clone() },
            other => self.io("locking its file mark", other.into()),
        })
    }

    /// Removes snapshots that sled began and did not finish. sled writes `snap.N.generating`
    /// while it opens a database and renames it when it is whole; when it dies in between, or the
    /// disk is full, it takes the torn file for its newest snapshot the next time and never opens
    /// the database again. A snapshot only spares it reading the log. The caller holds the lock:
    /// nobody else is opening the database.
    pub(super) fn remove_torn_snapshots(&self) -> Result<(), OpenError> {
        let remove = || -> io::Result<()> {
            for entry in fs::read_dir(&self.path)? {
                let name = entry?.file_name();
                let name = name.to_string_lossy();
                if name.starts_with("snap.") && name.ends_with(".generating") {
                    fs::remove_file(self.path.join(&*name))?;
                }
            }
            Ok(())
        };
        remove().map_err(|source| self.io("removing an unfinished snapshot", source))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn damaged(&self, what: impl Into<String>) -> OpenError {
        OpenError::Damaged { dir: self.path.clone(), what: what.into() }
    }

    pub(super) fn io(&self, what: &'static str, source: io::Error) -> OpenError {
        OpenError::Io { dir: self.path.clone(), what, source }
    }

    /// Free space for a process without privileges, bytes.
    pub(super) fn free_bytes(&self) -> Option<u64> {
        let stat = nix::sys::statvfs::statvfs(&self.path).ok()?;
        Some(stat.blocks_available().saturating_mul(stat.fragment_size()))
    }
}

/// The mark's file, locked, before it is known whose it must be.
pub(super) struct LockedMark {
    file: Flock<File>,
    text: Vec<u8>,
}

impl LockedMark {
    /// The mark of the database with this id. `None` for the version when it cannot be read as
    /// one, or is that of another database.
    pub(super) fn of(self, id: [u8; 16]) -> (Mark, Option<Version>) {
        let version = parse_mark(&self.text, id);
        (Mark { file: self.file, id }, version)
    }
}

/// The mark's file. Holds the lock of the store.
pub(super) struct Mark {
    file: Flock<File>,
    id: [u8; 16],
}

impl Mark {
    /// Writes the mark and waits for the disk. The line has always the same length and lies in
    /// one sector, so it is not torn.
    pub(super) fn write(&self, version: Version) -> io::Result<()> {
        self.file.write_all_at(mark_text(self.id, version).as_bytes(), 0)?;
        self.file.sync_data()
    }
}

/// Says that data is older than its mark.
pub(super) fn older_than_mark(newest: u64, mark: u64) -> String {
    format!(
        "the data is older than its mark (change {newest} is the last there, {mark} was \
         acknowledged)"
    )
}

/// Waits until the name of a file or folder is on disk.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(parent)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_open_to_others_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o750)).unwrap();
        let error = Folder::create(&path).err().unwrap().to_string();
        assert!(error.contains("chmod 0700"), "{error}");
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }

    #[test]
    fn no_store_is_an_error_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let absent = dir.path().join("absent");
        assert!(matches!(Folder::existing(&absent), Err(OpenError::NoStore { .. })));
        Folder::create(&absent).unwrap();
        assert!(matches!(Folder::existing(&absent), Err(OpenError::NoStore { .. })));
        fs::write(absent.join(MARK), "x").unwrap();
        assert!(matches!(Folder::existing(&absent), Err(OpenError::Damaged { .. })));
        assert!(matches!(Folder::create(&absent), Err(OpenError::AlreadyThere { .. })));
    }
}
