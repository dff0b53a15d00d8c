//! The command line.
fn main() {
    minewall::train::experiment::main()
}
