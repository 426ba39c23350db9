//! What is wrong with a text, before it is known which file it came from; and why an installation was refused.

use std::error::Error as StdError;
use std::io;
use std::path::{Path, PathBuf};

/// Why settings were left as they were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// The file is not what it has to be, so nothing in it can be told apart.
    #[error("{} is not valid {format}; it was left as it is", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// `JSON`, `TOML` or `UTF-8`.
        format: &'static str,
        /// Where and why.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The file can be read, but is not of the shape that the agent documents.
    #[error("in {} `{what}` is not {expected}; the file was left as it is", path.display())]
    WrongShape {
        /// The file.
        path: PathBuf,
        /// Which part.
        what: String,
        /// What it would have to be.
        expected: &'static str,
    },
    /// Something that is not ours stands where our entry belongs.
    #[error("{what} in {} is there already and not ours; it was left as it is", path.display())]
    Taken {
        /// The file.
        path: PathBuf,
        /// Which part.
        what: String,
    },
    /// The file cannot be edited without touching what is not ours.
    #[error("{} cannot be edited safely; add this to it yourself: {line}", path.display())]
    ByHand {
        /// The file.
        path: PathBuf,
        /// What to add.
        line: String,
    },
    /// Somebody else wrote to the file during the edit.
    #[error("{} was changed by another program at the same time; it was left as it is", path.display())]
    ChangedMeanwhile {
        /// The file.
        path: PathBuf,
    },
    /// Links of a folder that others may have made lead to a file that is not the folder's.
    #[error("{} leads out of its folder, to {}; it was left as it is", path.display(), to.display())]
    LeadsOutside {
        /// The file, as the agent would name it.
        path: PathBuf,
        /// Where it really is.
        to: PathBuf,
    },
    /// A file could not be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The agent has no settings of that scope.
    #[error("{agent} has no settings {scope} that could be edited")]
    NoSuchScope {
        /// The agent's title.
        agent: String,
        /// `of a folder` or `of the user`.
        scope: &'static str,
    },
    /// Neither `HOME` nor what stands for it is set.
    #[error("HOME is not set, so the settings cannot be found")]
    NoHome,
    /// A path that has to stand in settings is not UTF-8.
    #[error("{} is not UTF-8, which settings cannot hold", path.display())]
    NotText {
        /// The path.
        path: PathBuf,
    },
}

/// An [`InstallError`] without its file.
#[derive(Debug)]
pub(super) enum Fault {
    Malformed(&'static str, Box<dyn StdError + Send + Sync>),
    Shape {
        what: String,
        expected: &'static str,
    },
    Taken(String),
    ByHand(String),
}

impl Fault {
    pub fn shape(what: &str, expected: &'static str) -> Self {
        Self::Shape {
            what: what.to_owned(),
            expected,
        }
    }

    pub fn at(self, path: &Path) -> InstallError {
        let path = path.to_owned();
        match self {
            Self::Malformed(format, source) => InstallError::Malformed {
                path,
                format,
                source,
            },
            Self::Shape { what, expected } => InstallError::WrongShape {
                path,
                what,
                expected,
            },
            Self::Taken(what) => InstallError::Taken { path, what },
            Self::ByHand(line) => InstallError::ByHand { path, line },
        }
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed("JSON", error.into())
    }
}

impl From<toml::de::Error> for Fault {
    fn from(error: toml::de::Error) -> Self {
        Self::Malformed("TOML", error.into())
    }
}
