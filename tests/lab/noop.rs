//! A netfilter queue that accepts every packet and looks at none: what the crossing alone costs, for `make bench`.
//!
//! usage: noop QUEUE

use std::io;

use nfq::{Queue, Verdict};

fn main() -> io::Result<()> {
    let number = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let number = number.ok_or(io::Error::other("usage: noop QUEUE"))?;
    let mut queue = Queue::open()?;
    queue.bind(number)?;
    queue.set_fail_open(number, true)?;
    // As much of each packet as minewall takes by default.
    queue.set_copy_range(number, 65_531)?;
    println!("queue {number} is watched");
    loop {
        let mut message = queue.recv()?;
        message.set_verdict(Verdict::Accept);
        queue.verdict(message)?;
    }
}
