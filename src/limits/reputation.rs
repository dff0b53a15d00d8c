//! Capacities of the reputation store, of the kernel's sets that it fills, and of the threads that write them.

use core::time::Duration;

use super::EVENT_LINE_MAX_BYTES;

/// Entries of the reputation store, 480 bytes each: there is room for a name.
pub const REPUTATION_ENTRIES: usize = if cfg!(test) { 12 } else { 768 };
/// Entries that other routers may fill.
pub const REPUTATION_FLEET_ENTRIES: usize = REPUTATION_ENTRIES / 3;
/// The store's file is read up to this length: the longest names in every entry.
pub const REPUTATION_FILE_BYTES: u64 = 560 * REPUTATION_ENTRIES as u64 + 64;
/// The longest line of JSON that an entry becomes.
pub const REPUTATION_LINE_BYTES: usize = 680;
/// The longest that is read: any event.
pub const REPUTATION_LINE_MAX_BYTES: usize = EVENT_LINE_MAX_BYTES;

/// Validity of a proof of a server: pools move, and addresses are handed on.
pub const LEARN_HOURS_DEFAULT: u32 = 7 * 24;
/// Delay before an entry is written, to spare the flash.
pub const REPUTATION_WRITE_WAIT: Duration = Duration::from_secs(60);
/// Delay before entries of other routers are written.
pub const REPUTATION_FLEET_WRITE_WAIT: Duration = Duration::from_secs(600);
/// And for what they only say again, as they do whenever they have lost the broker.
pub const REPUTATION_RENEWAL_WRITE_WAIT: Duration = Duration::from_secs(6 * 3_600);
/// Delay before a failed write of the store is repeated: the disk may be full for a while.
pub const REPUTATION_SAVE_AGAIN: Duration = Duration::from_secs(60);
/// A wall clock that is further from where it should be was set.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);
/// Interval at which the router's routes are read.
pub const LOCAL_NETWORKS_EVERY: Duration = Duration::from_secs(5);
/// Networks of this side.
pub const LOCAL_NETWORKS: usize = 128;
/// Bytes that are read of the kernel's routes.
pub const ROUTES_FILE_BYTES: u64 = 256 * 1_024;
/// A wall clock that says less than the program's age (seconds since 1970, UTC) has not been set since the router was
/// switched on.
pub const CLOCK_SET_FROM: u64 = match u64::from_str_radix(env!("MINEWALL_BUILT"), 10) {
    Ok(seconds) => seconds,
    Err(_) => panic!("build.rs writes a number"),
};
/// Entries of other routers that are taken in a minute.
pub const FLEET_ENTRIES_PER_MINUTE: u32 = 120;
/// The longest life of an element of the kernel's sets, and so of a block without a daemon.
pub const KERNEL_ELEMENT_SECONDS: u64 = 3_600;
/// Single addresses of lists that the kernel refuses by itself, 100 bytes each there and 24 here; more of them are
/// left to the first payload.
pub const KERNEL_LISTED: usize = if cfg!(test) { 4 } else { 1_024 };
/// Shortest interval between fillings by DNS answers: `nft` runs once for all of them.
pub const KERNEL_RESOLVED_WAIT: Duration = Duration::from_secs(2);
/// Interval at which the sets are filled anew.
pub const KERNEL_FILL_EVERY: Duration = Duration::from_secs(KERNEL_ELEMENT_SECONDS / 2);
/// Delay before a failed filling is repeated.
pub const KERNEL_FILL_AGAIN: Duration = Duration::from_secs(60);
/// Attempts a minute that the kernel refuses and tells the daemon of: of one address, where there is no hardware address.
pub const KERNEL_TOLD_PER_MINUTE: u32 = 6;
/// The same of one hardware address at one server, and at all servers together.
pub const KERNEL_TOLD_OF_PAIR: u32 = 2;
/// See [`KERNEL_TOLD_OF_PAIR`].
pub const KERNEL_TOLD_OF_CARD: u32 = 30;
/// Hardware addresses and servers that are counted for that: more than one host can make up of all that the sets hold.
pub const KERNEL_TOLD_PAIRS: usize = 4_096;
/// Hosts that are counted apart for that; attempts of more are refused and not told of.
pub const KERNEL_TOLD_HOSTS: u32 = 256;
/// Time for which a client without further attempts is counted.
pub const KERNEL_TOLD_SECONDS: u32 = 600;
/// Shortest interval at which the kernel is asked for its count of refused packets.
pub const KERNEL_COUNT_EVERY: Duration = Duration::from_secs(2);
/// Orders that may wait for the nft worker.
pub const NFT_WORKER_ORDERS: usize = 4;
/// Time limit of `nft`. Its priority is the lowest, and a busy router may not let it run for long.
pub const NFT_PATIENCE: Duration = Duration::from_secs(60);
/// Time limit for the end of the nft worker.
pub const NFT_WORKER_PATIENCE: Duration = Duration::from_secs(5);
/// Interval at which the nft worker listens for changes of rules.
pub const NFT_WORKER_LISTENS_EVERY: Duration = Duration::from_secs(1);
/// Time without a change after which rules are looked at: a firewall that reloads runs our script at the end.
pub const OFFLOAD_REST: Duration = Duration::from_secs(2);
/// Time between two looks at all rules, each of which runs `nft`.
pub const OFFLOAD_LOOKS_EVERY: Duration = Duration::from_secs(10);
/// Bytes of a listing of rules, without the elements of sets.
pub const NFT_LISTING_BYTES: usize = 4 * 1_024 * 1_024;
/// Stack of the nft worker's thread.
pub const NFT_WORKER_STACK_BYTES: usize = 128 * 1_024;
/// Lines for those who follow that may wait for the run loop's next turn.
pub const LINES_PENDING: usize = 64;
