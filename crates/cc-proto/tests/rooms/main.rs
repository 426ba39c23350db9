//! Rooms over a store in memory: what travels between cores, frame by frame.

mod floods;
mod receipts;
mod removal;
mod retract;
mod strays;
mod sync;
mod world;
