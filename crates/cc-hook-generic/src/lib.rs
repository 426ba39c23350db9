//! cc-hook-generic
