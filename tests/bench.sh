#!/bin/sh
# What minewall costs: throughput and new connections through the router, with minewall and without
# any rules, in alternating rounds of one run, as ratios. `make bench`. Needs root and iperf3.
set -u
minewall=$1
lab=$2
rounds=${ROUNDS:-5}
seconds=${SECONDS_EACH:-3}
# shellcheck source=tests/lab/net.sh
. "${0%/*}/lab/net.sh"

lay_network
start iperf "$internet" iperf3 -s --forceflush
start web "$internet" "$lab" web "$site"
wait_for listening iperf
wait_for listening web
start_minewall

rules_on() {
	ip netns exec "$router" nft -f "$work/rules.nft" 2>/dev/null || ip netns exec "$router" sh "$work/rules.sh"
}

rules_off() {
	ip netns exec "$router" sh -c "$("$minewall" rules --config "$work/config" --variant iptables --remove)"
}

# Mbit/s of $1 streams
throughput() {
	ip netns exec "$home" iperf3 -c 10.9.2.2 -t "$seconds" -P "$1" -J |
		sed -n '/"sum_received"/,/}/s/.*"bits_per_second":[^0-9]*\([0-9]*\).*/\1/p' | awk '{ print int($1 / 1e6) }'
}

connections() {
	ip netns exec "$home" "$lab" visit "$site" "$seconds"
}

# compare NAME UNIT COMMAND...: medians with and without, and their ratio
compare() {
	name=$1
	unit=$2
	shift 2
	: >"$work/with"
	: >"$work/without"
	round=0
	while [ $round -lt "$rounds" ]; do
		rules_off
		"$@" >>"$work/without"
		rules_on
		"$@" >>"$work/with"
		round=$((round + 1))
	done
	with=$(sort -n "$work/with" | sed -n $((rounds / 2 + 1))p)
	without=$(sort -n "$work/without" | sed -n $((rounds / 2 + 1))p)
	awk -v name="$name" -v unit="$unit" -v with="$with" -v without="$without" \
		'BEGIN { printf "%-24s %8d %s with, %8d without: ratio %.3f\n", name, with, unit, without, with / without }'
}

uname -srm
compare "throughput, 1 stream" Mbit/s throughput 1
compare "throughput, 8 streams" Mbit/s throughput 8
compare "new connections" "1/s" connections
grep -E 'VmRSS|VmHWM' "/proc/$last/status"
"$minewall" status --config "$work/config"
