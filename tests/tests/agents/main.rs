//! The real agent CLIs, pinned in `tests/agents`, as `cc-connect install` leaves them, with a model API of ours: what
//! another member typed is in the request to the model, the room's tools are offered, and whatever happens to us, the
//! human's prompt goes through.
//!
//! ```text
//! tests/agents/run-all
//! ```
//! fetches all of them and runs all of this. Where a CLI is missing its tests say that they are skipped; with
//! `CC_REQUIRE_AGENTS=1`, as in CI, those of Claude Code, Codex and opencode fail instead, and with
//! `CC_REQUIRE_AGENTS=all` every one.
//!
//! | file | what it is |
//! |---|---|
//! | `agent` | what the CLIs differ in, and where they are |
//! | `stage` | two machines, a room, a model, and one prompt |
//! | `fence` | how a message has to stand in it |
//! | `tree` | what of a home changed |
//! | `delivery`, `failures` | the tests' steps, the same for all |
//! | the others | one CLI each |

mod agent;
mod aider;
mod claude_code;
mod cline;
mod codex;
mod copilot;
mod delivery;
mod failures;
mod fence;
mod gemini;
mod opencode;
mod qwen;
mod stage;
mod tree;
