//! How a case came out.

use std::error::Error;

/// How a case came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// As the specification says.
    Ok,
    /// Not so.
    Failed {
        /// What the specification asks for.
        expected: String,
        /// What the adapter did.
        came: String,
    },
    /// It could not be tried here, and why.
    Skipped(String),
}

impl Outcome {
    /// Whether the adapter did something else than the specification says.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }
}

/// Why a case went no further.
#[derive(Debug)]
pub enum Stop {
    /// The adapter did something else than what is expected.
    Fault {
        /// What the specification asks for.
        expected: String,
        /// What came.
        came: String,
    },
    /// It cannot be tried on this machine.
    Skip(String),
    /// The case itself could not be set up.
    Broken(Box<dyn Error>),
}

impl Stop {
    /// A fault.
    pub fn fault(expected: impl Into<String>, came: impl Into<String>) -> Self {
        Self::Fault {
            expected: expected.into(),
            came: came.into(),
        }
    }
}

impl<E: Error + 'static> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Broken(Box::new(error))
    }
}

/// What a step of a case gives.
pub(crate) type Checked<T = ()> = Result<T, Stop>;

impl From<Checked> for Outcome {
    fn from(checked: Checked) -> Self {
        match checked {
            Ok(()) => Self::Ok,
            Err(Stop::Skip(why)) => Self::Skipped(why),
            Err(Stop::Fault { expected, came }) => Self::Failed { expected, came },
            Err(Stop::Broken(error)) => Self::Failed {
                expected: "a home to try it in".to_owned(),
                came: format!("none could be made: {error}"),
            },
        }
    }
}
