#!/bin/sh
# What minewall costs a router: alternating rounds of one run without any rules, with a queue that does nothing and sees
# the same packets, and with minewall; medians and their ratios. `make bench`. Needs root and iperf3.
#
# New connections, requests and names: client, server and daemon share one CPU, so that what a packet costs any of them
# is seen. Streams: all CPUs. The no-op queue decides nothing, so a stream would stay in it: it is left out there.
set -u
minewall=$1
lab=$2
noop=$3
rounds=${ROUNDS:-5}
seconds=${SECONDS_EACH:-3}
# shellcheck source=tests/lab/net.sh
. "${0%/*}/lab/net.sh"

lay_network
start iperf "$internet" iperf3 -s --forceflush
wait_for listening iperf
start web "$internet" taskset -c 0 "$lab" web "$site"
wait_for listening web
start names "$internet" taskset -c 0 "$lab" names 10.9.2.2:53
wait_for listening names
daemon=""

rules_off() {
	ip netns exec "$router" sh -c "$("$minewall" rules --config "$work/config" --variant iptables --remove)" 2>/dev/null
	[ -z "$daemon" ] || {
		kill "$daemon"
		wait "$daemon" 2>/dev/null
		daemon=""
	}
}

# mode none|noop|minewall: what stands in the packets' way from now on.
mode() {
	rules_off
	case $1 in
	none) return ;;
	noop) start noop "$router" taskset -c 0 "$noop" 1330 && wait_for 'is watched' noop ;;
	minewall) start minewall "$router" taskset -c 0 "$minewall" run --config "$work/config" && wait_for 'is watched' minewall ;;
	esac
	daemon=$last
	ip netns exec "$router" nft -f "$work/rules.nft" 2>/dev/null || ip netns exec "$router" sh "$work/rules.sh"
}

write_config
"$minewall" rules --config "$work/config" >"$work/rules.nft"
"$minewall" rules --config "$work/config" --variant iptables >"$work/rules.sh"

# Mbit/s of $1 streams; the daemon may run anywhere.
throughput() {
	[ -z "$daemon" ] || taskset -p -a "$(printf '%x' $(((1 << $(nproc)) - 1)))" "$daemon" >/dev/null
	ip netns exec "$home" iperf3 -c 10.9.2.2 -t "$seconds" -P "$1" -J |
		sed -n '/"sum_received"/,/}/s/.*"bits_per_second":[^0-9]*\([0-9]*\).*/\1/p' | awk '{ print int($1 / 1e6) }'
}
on_one_cpu() { ip netns exec "$home" taskset -c 0 "$lab" "$1" "$2" "$seconds"; }

# measure MODES COMMAND...: lines of the command's figures in $work/MODE, of each mode.
measure() {
	modes=$1
	shift
	for each in $modes; do : >"$work/of-$each"; done
	round=0
	while [ $round -lt "$rounds" ]; do
		for each in $modes; do
			mode "$each"
			"$@" >>"$work/of-$each"
		done
		round=$((round + 1))
	done
	rules_off
}
# median MODE COLUMN
median() { awk -v column="$2" '{ print $column }' "$work/of-$1" | sort -n | sed -n $((rounds / 2 + 1))p; }
# tell NAME UNIT COLUMN MODES: medians, and minewall's against each of the others.
tell() {
	line=$(printf '%-44s' "$1, $2")
	with=$(median minewall "$3")
	for each in $4; do
		figure=$(median "$each" "$3")
		line="$line  $each $figure"
		[ "$each" = minewall ] || ratios="${ratios:-} $(awk -v a="$with" -v b="$figure" -v of="$each" 'BEGIN { printf "%.3f of %s", a / b, of }')"
	done
	echo "$line  ->${ratios:-}"
	ratios=""
}

uname -srm
echo "$(nproc) CPUs, $rounds rounds of $seconds s; medians"
measure "none noop minewall" on_one_cpu visit "$site"
tell "new connections, one CPU" "a second" 1 "none noop minewall"
tell "request on a new connection" "us, median" 2 "none noop minewall"
tell "request on a new connection" "us, 99th percentile" 3 "none noop minewall"
measure "none noop minewall" on_one_cpu kept "$site"
tell "request on a kept connection" "us, median" 2 "none noop minewall"
measure "none noop minewall" on_one_cpu resolve 10.9.2.2:53
tell "name of an address" "us, median" 2 "none noop minewall"
measure "none minewall" throughput 1
tell "1 stream" Mbit/s 1 "none minewall"
measure "none minewall" throughput 8
tell "8 streams" Mbit/s 1 "none minewall"

# Processor time of the daemon.
ticks() { awk '{ print $14 + $15 }' "/proc/$daemon/stat"; }
mode minewall
before=$(ticks)
visits=$(on_one_cpu visit "$site" | awk -v seconds="$seconds" '{ print $1 * seconds }')
between=$(ticks)
ip netns exec "$home" "$lab" fetch "$site" 4000 >/dev/null
after=$(ticks)
awk -v hertz="$(getconf CLK_TCK)" -v visits="$visits" -v one=$((between - before)) -v two=$((after - between)) 'BEGIN {
	printf "processor time: %.2f s for 100,000 connections, %.3f s for a GB\n", one / hertz * 100000 / visits, two / hertz / 4
}'
grep -E 'VmRSS|VmHWM' "/proc/$daemon/status"
"$minewall" status --config "$work/config"
