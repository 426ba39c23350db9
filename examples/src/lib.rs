//! Programs that embed a cc-connect room, in `examples/examples`. Each names the command that runs it
//! and needs nothing but loopback.
