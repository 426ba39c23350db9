//! cc-hook-claude
