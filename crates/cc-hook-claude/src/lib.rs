//! The cc-connect adapter for Claude Code: its prompt hook and its settings.

pub mod settings;
