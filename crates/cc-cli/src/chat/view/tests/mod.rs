//! The drawing, tested.
//!
//! | file | what |
//! |---|---|
//! | `sample.rs` | rooms, members and messages to draw |
//! | `terminal.rs` | a terminal that keeps what was written to it, and checks that it shows what was drawn |
//! | `screens.rs` | the main screens, as snapshots |
//! | `hostile.rs` | what others write, in every place |
//! | `places.rs` | scrolling, sizes, clicks and costs |
//! | `typing.rs` | the cursor in what is typed |

mod hostile;
mod places;
mod sample;
mod screens;
mod terminal;
mod typing;
