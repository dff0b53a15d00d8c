//! The iptables variant: the same table, and the queue by an xtables target in table `security`, behind the
//! firewall's `filter`.

use core::ops::RangeInclusive;

use super::names;
use crate::config::Config;

/// Loads `table` and sends the packets that it marks to the queue.
pub(super) fn install(config: &Config, table: &str) -> String {
    let bit = config.mark.queue_bit();
    let queue = xtables_queue(&config.queue_numbers());
    let answers = names::iptables(config);
    // The mark of a packet made by the kernel can be anything (an MLD report's is its spare room), hence -p tcp.
    // --noflush replaces the rules of our own chain and leaves all others, in one transaction.
    format!(
        "#!/bin/sh
set -e
for v in '' 6; do
	ip${{v}}tables-nft-restore --noflush <<'END'
*security
:minewall - [0:0]
-A minewall -p tcp -m mark --mark {bit:#010x}/{bit:#010x} -j NFQUEUE {queue}
{answers}COMMIT
END
	for hook in {HOOKS}; do
		ip${{v}}tables-nft -t security -C $hook -j minewall 2>/dev/null ||
			ip${{v}}tables-nft -t security -A $hook -j minewall
	done
done
nft -f - <<'END'
{table}END
"
    )
}

/// The options of the target NFQUEUE for the queues `numbers`.
pub(super) fn xtables_queue(numbers: &RangeInclusive<u16>) -> String {
    match (numbers.start(), numbers.end()) {
        (first, last) if first == last => format!("--queue-num {first} --queue-bypass"),
        (first, last) => format!("--queue-balance {first}:{last} --queue-bypass"),
    }
}

/// Undoes [`install`].
pub(super) fn remove(table: &str) -> String {
    format!(
        "#!/bin/sh
set -e
nft -f - <<'END'
{table}END
for v in '' 6; do
	ip${{v}}tables-nft -t security -S minewall >/dev/null 2>&1 || continue
	for hook in {HOOKS}; do
		while ip${{v}}tables-nft -t security -D $hook -j minewall 2>/dev/null; do :; done
	done
	ip${{v}}tables-nft -t security -F minewall
	ip${{v}}tables-nft -t security -X minewall
done
"
    )
}

const HOOKS: &str = "FORWARD OUTPUT INPUT";
