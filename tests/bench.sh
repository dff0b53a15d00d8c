#!/bin/sh
# What minewall costs a router: alternating rounds of one run without any rules, with a queue that does nothing and sees
# the same packets, and with minewall; medians and their ratios. `make bench`. Needs root and iperf3.
#
# New connections, requests and names: client, server and daemon share one CPU, so that what a packet costs any of them
# is seen. Streams: all CPUs. The no-op queue decides nothing, so a stream would stay in it: it is left out there.
#
# Then with a flow table that a crowd has filled, against an empty one of the same size.
set -u
minewall=$1
lab=$2
noop=$3
rounds=${ROUNDS:-5}
seconds=${SECONDS_EACH:-2}
# shellcheck source=tests/lab/net.sh
. "${0%/*}/lab/net.sh"

lay_network
start iperf "$internet" iperf3 -s --forceflush
wait_for listening iperf
start web "$internet" taskset -c 0 "$lab" web "$site"
wait_for listening web
start echo "$internet" "$lab" echo 10.9.2.2:7
wait_for listening echo
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

# mode none|noop|minewall|empty|full: what stands in the packets' way from now on.
mode() {
	rules_off
	config=$work/config
	case $1 in
	none) return ;;
	noop) start noop "$router" taskset -c 0 "$noop" 1330 && wait_for 'is watched' noop ;;
	empty | full) config=$work/small ;;
	esac
	case $1 in
	minewall | empty | full)
		start minewall "$router" taskset -c 0 "$minewall" run --config "$config" && wait_for 'is watched' minewall
		;;
	esac
	daemon=$last
	ip netns exec "$router" nft -f "$work/rules.nft" 2>/dev/null || ip netns exec "$router" sh "$work/rules.sh"
	# The rules queue packets only while the daemon renews these, which this queue does not.
	[ "$1" != noop ] || ip netns exec "$router" nft 'delete element inet minewall alive { tcp, udp }
		add element inet minewall alive { tcp timeout 1d, udp timeout 1d }'
	[ "$1" != full ] || ip netns exec "$home" "$lab" crowd 10.9.2.2:7 3000 || exit 1
}

write_config
# A table that a crowd fills in a second.
{
	cat "$work/config"
	echo "option max_flows 1024"
} >"$work/small"
"$minewall" rules --config "$work/config" >"$work/rules.nft"
"$minewall" rules --config "$work/config" --variant iptables >"$work/rules.sh"

# Mbit/s of $1 streams; the daemon may run anywhere.
throughput() {
	[ -z "$daemon" ] || taskset -p -a "$(printf '%x' $(((1 << $(nproc)) - 1)))" "$daemon" >/dev/null
	ip netns exec "$home" iperf3 -c 10.9.2.2 -t "$seconds" -P "$1" -J |
		sed -n '/"sum_received"/,/}/s/.*"bits_per_second":[^0-9]*\([0-9]*\).*/\1/p' | awk '{ print int($1 / 1e6) }'
}
on_one_cpu() { ip netns exec "$home" taskset -c 0 "$lab" "$1" "$2" "$seconds"; }

# Processor time of the daemon, in ticks.
ticks() { if [ -z "$daemon" ]; then echo 0; else awk '{ print $14 + $15 }' "/proc/$daemon/stat"; fi; }

# measure MODES COMMAND...: of each mode a line a round in $work/of-MODE: the daemon's processor time in seconds, and the
# command's figures.
measure() {
	modes=$1
	shift
	for each in $modes; do : >"$work/of-$each"; done
	round=0
	while [ $round -lt "$rounds" ]; do
		for each in $modes; do
			mode "$each"
			before=$(ticks)
			figures=$("$@")
			echo "$(ticks) $before $(getconf CLK_TCK) $figures" |
				awk '{ $1 = ($1 - $2) / $3; $2 = $3 = ""; print }' >>"$work/of-$each"
		done
		round=$((round + 1))
	done
	rules_off
}
# median MODE EXPRESSION
median() { awk "{ print $2 }" "$work/of-$1" | sort -g | sed -n $((rounds / 2 + 1))p; }
# tell NAME EXPRESSION: medians in each mode, and the last one's against each of the others.
tell() {
	line=$(printf '%-52s' "$1") ratios=""
	with=$(median "${modes##* }" "$2")
	for each in $modes; do
		figure=$(median "$each" "$2")
		line="$line  $each $figure"
		[ "$each" = "${modes##* }" ] ||
			ratios="$ratios $(awk -v a="$with" -v b="$figure" -v of="$each" 'BEGIN { if (b > 0) printf "%.3f of %s", a / b, of }')"
	done
	echo "$line  ->$ratios"
}
per_connections="\$1 * 100000 / (\$2 * $seconds)"
per_gigabyte="\$1 * 8000 / (\$2 * $seconds)"

uname -srm
sed -n 's/model name[^:]*: //p' /proc/cpuinfo | head -n 1
echo "$(nproc) CPUs, $rounds rounds of $seconds s; medians; load $(cut -d' ' -f1-3 /proc/loadavg)"
measure "none noop minewall" on_one_cpu visit "$site"
tell "new connections, one CPU, a second" "\$2"
tell "request on a new connection, us, median" "\$3"
tell "request on a new connection, us, 99th percentile" "\$4"
tell "processor time of the daemon, s, 100,000 connections" "$per_connections"
measure "none noop minewall" on_one_cpu kept "$site"
tell "request on a kept connection, us, median" "\$3"
measure "none noop minewall" on_one_cpu resolve 10.9.2.2:53
tell "name of an address, us, median" "\$3"
for streams in 1 8; do
	measure "none minewall" throughput $streams
	tell "$streams streams, Mbit/s" "\$2"
	tell "processor time of the daemon, s, a GB" "$per_gigabyte"
done
measure "empty full" throughput 8
tell "8 streams beside a full flow table, Mbit/s" "\$2"
tell "processor time of the daemon, s, a GB" "$per_gigabyte"
measure "empty full" on_one_cpu visit "$site"
tell "new connections beside a full flow table, a second" "\$2"
tell "processor time of the daemon, s, 100,000 connections" "$per_connections"

mode minewall
on_one_cpu visit "$site" >/dev/null
grep -E 'VmRSS|VmHWM' "/proc/$daemon/status"
