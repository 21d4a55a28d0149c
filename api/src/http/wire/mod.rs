mod listen;
mod places;
mod stream;

pub use listen::{Entrance, listen};
