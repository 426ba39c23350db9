//! Plans cut short.
