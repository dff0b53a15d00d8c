//! The command line.

#[cfg(feature = "host")]
fn main() {
    let mut words = std::env::args().skip(1);
    let result = match words.next().as_deref() {
        Some("train") => minewall::train::run(words),
        Some("evaluate") => minewall::evaluate::run(words),
        Some("sequences") => minewall::train::extract(words),
        _ => Err("train, evaluate or sequences".into()),
    };
    if let Err(error) = result {
        eprintln!("minewall: {error}");
        std::process::exit(1);
    }
}

#[cfg(not(feature = "host"))]
fn main() {}
