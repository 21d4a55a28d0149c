mod admit;
#[cfg(test)]
mod at_the_limit;
#[cfg(test)]
mod attacks;
mod expansion;
mod lexer;

pub use admit::{Admitted, Guard, select};
