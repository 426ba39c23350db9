//! The room's core under any sequence of inputs.
//!
//! The bytes are a script: each step is a byte that names an input and some that choose what is in it. Members write
//! whatever they like, on any branch of any of their chains, with fields altered and signed all the same; what they wrote is
//! handed over by gossip and in sessions, whole, cut or garbled, in any order. The outputs are carried out as the engine
//! would, in memory. `pens.rs` is what is written, `stage.rs` what is done with it,
//! `log.rs` what is kept.

mod log;
mod pens;
mod stage;

use arbitrary::Unstructured;

/// Steps of one script: enough for a few sessions, and a run stays short.
const STEPS_MAX: usize = 200;

/// A script for a room of three members, of whom we are one.
pub fn room(data: &[u8]) {
    let mut script = Unstructured::new(data);
    let mut stage = stage::Stage::open(byte(&mut script));
    for _ in 0..STEPS_MAX {
        if script.is_empty() {
            break;
        }
        stage.step(&mut script);
    }
    stage.agrees();
}

/// The next byte; 0 where the script has ended.
fn byte(script: &mut Unstructured<'_>) -> u8 {
    script.arbitrary().unwrap_or_default()
}

/// What the next byte says.
fn flag(script: &mut Unstructured<'_>) -> bool {
    byte(script) % 2 == 1
}

/// As many of the next bytes as the next one says.
fn bytes<'a>(script: &mut Unstructured<'a>) -> &'a [u8] {
    let count = usize::from(byte(script)).min(script.len());
    script.bytes(count).unwrap_or_default()
}
