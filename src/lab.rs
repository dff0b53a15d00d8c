//! Tools of the desk: captures replayed through the engine, training and evaluation of stage one.

pub mod evaluate;
pub mod fuzz;
pub mod replay;
pub mod train;
