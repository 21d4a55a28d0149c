mod admit;
#[cfg(test)]
mod at_the_limit;
#[cfg(test)]
mod attacks;
mod cost;
#[cfg(test)]
mod differential;
mod expansion;
mod inputs;
mod lexer;

pub use admit::{Admitted, Guard, select};
pub use cost::OPERATION;
