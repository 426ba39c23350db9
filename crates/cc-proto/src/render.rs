//! Written by the reader side: see the module name.
