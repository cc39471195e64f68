//! Keys of the internal API that are in files, one a line, as Kubernetes mounts a Secret.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::settings::api_key::{ApiKey, KEYS_LEN_MAX};

/// The largest file, and far more than so many keys take.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Where keys are, beside those of the settings. What is there is read again while the node runs.
#[derive(Clone, Debug)]
pub struct KeyFiles {
    /// Files, and directories of files.
    paths: Vec<PathBuf>,
    /// What was there when the settings were read.
    first: Vec<ApiKey>,
}

/// Why the keys could not be read. It names file and line, and nothing that is in them.
#[derive(Debug, Error)]
pub(crate) enum KeyFileError {
    #[error("read {path}")]
    Io { path: PathBuf, source: io::Error },
    #[error("read {path}: it is longer than {FILE_BYTES_MAX} bytes")]
    TooLarge { path: PathBuf },
    #[error("read {path}, line {line}: it {problem}")]
    Line { path: PathBuf, line: usize, problem: String },
    #[error("read keys: there are more than {KEYS_LEN_MAX}")]
    TooMany,
}

impl KeyFiles {
    /// `None` if no path is named. Files without any key are a mistake, for nobody could call.
    pub(super) fn open(paths: &[String]) -> Result<Option<Self>, String> {
        if paths.is_empty() {
            return Ok(None);
        }
        let paths = paths.iter().map(PathBuf::from).collect();
        let mut files = Self { paths, first: Vec::new() };
        files.first = files.read().map_err(|error| match error {
            KeyFileError::Io { path, source } => {
                format!("cannot be read: {}: {source}", path.display())
            }
            other => format!("cannot be used: {other}"),
        })?;
        if files.first.is_empty() { Err("holds no key".to_owned()) } else { Ok(Some(files)) }
    }

    pub(crate) fn first(&self) -> &[ApiKey] {
        &self.first
    }

    /// All keys that are there now. Blocks.
    pub(crate) fn read(&self) -> Result<Vec<ApiKey>, KeyFileError> {
        let mut keys = Vec::new();
        for path in &self.paths {
            for file in files_at(path).map_err(|source| io_error(path, source))? {
                read_file(&file, &mut keys)?;
            }
        }
        Ok(keys)
    }
}

fn io_error(path: &Path, source: io::Error) -> KeyFileError {
    KeyFileError::Io { path: path.to_owned(), source }
}

/// The file, or those of a directory by name. Names that begin with a dot are left out: Kubernetes
/// keeps what it mounted before under such.
fn files_at(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !is_hidden && fs::metadata(entry.path())?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// A key without a name is called as its file.
fn read_file(path: &Path, keys: &mut Vec<ApiKey>) -> Result<(), KeyFileError> {
    let file = fs::File::open(path).map_err(|source| io_error(path, source))?;
    let mut text = String::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
    let len_bytes = read.map_err(|source| io_error(path, source))?;
    if len_bytes as u64 > FILE_BYTES_MAX {
        return Err(KeyFileError::TooLarge { path: path.to_owned() });
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let bad = |problem| KeyFileError::Line { path: path.to_owned(), line, problem };
        keys.push(ApiKey::read(text, &name).map_err(bad)?);
    }
    if keys.len() > KEYS_LEN_MAX { Err(KeyFileError::TooMany) } else { Ok(()) }
}
