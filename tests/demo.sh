#!/bin/sh
# A miner at home meets minewall on the router: `make demo`. Needs root; takes a few seconds.
set -u
minewall=$1
lab=$2
# shellcheck source=tests/lab/net.sh
. "${0%/*}/lab/net.sh"

# A heading; bold on a terminal.
say() {
	if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n' "$*"; else printf '\n%s\n' "$*"; fi
}

# Mbit/s; the median of three, since on a busy machine a single one says little.
download() {
	for _ in 1 2 3; do
		ip netns exec "$home" "$lab" fetch "$site" 2000
	done | sort -n | sed -n 2p
}

if [ "$(id -u)" != 0 ]; then
	echo "the demonstration makes network namespaces, which takes root" >&2
	exit 1
fi
lay_network
sed -n '/^#     home/,/^#    a web/s/^# //p' "${0%/*}/lab/net.sh"

start pool "$internet" "$lab" pool "$pool"
wait_for listening pool
start web "$internet" "$lab" web "$site"
wait_for listening web

say "1. Without minewall: the miner gets work, the web is as fast as this machine"
ip netns exec "$home" "$lab" miner "$pool" | cut -c -100
before=$(download)
echo "downloads of 2 GB: $before Mbit/s"

say "2. minewall runs on the router (real NFQUEUE)"
start_minewall
cat "$work/minewall"
heard=$(wc -l <"$work/pool")

say "3. The same miner again"
ip netns exec "$home" "$lab" miner "$pool"
wait_for 'a client was reset' pool
tail -n +$((heard + 1)) "$work/pool" | sed 's/^/at the pool: /'

say "4. Whose machine is it?"
wait_for mines minewall
grep mines "$work/minewall"
wait_for detection events.jsonl
cat "$work/events.jsonl"

say "5. The web goes on at full speed: decided connections bypass the queue"
after=$(download)
echo "downloads of 2 GB: $after Mbit/s ($((after * 100 / before)) % of before)"

say "6. minewall status"
"$minewall" status --config "$work/config"

if tail -n +$((heard + 1)) "$work/pool" | grep -q 'the pool hears'; then
	echo "the demonstration failed: the pool heard the miner" >&2
	exit 1
fi
say "What this was"
cat <<-END
	A miner behind a router got work from its pool; with minewall on the router its first message was cut off
	before the pool heard it, its machine was named, and a download beside it ran at $((after * 100 / before)) % of its former speed.
	Next: README.md, "Running it", for this machine; openwrt/GUIDE.md for a router; ./bootstrap.sh test for all tests.
END
