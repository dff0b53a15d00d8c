pub mod uci;
