#!/bin/sh
# Many packets through the real queue: short connections, requests on kept ones, names and round trips in turn, until the
# daemon has seen PACKETS (ten million). `make soak`. Needs root.
#
# Prints the daemon's memory at every tenth. Fails if memory grows by more than a twentieth between the first tenth and
# the last, or if the kernel has queued other packets than the daemon has decided.
set -u
minewall=$1
lab=$2
packets=${PACKETS:-10000000}
# shellcheck source=tests/lab/net.sh
. "${0%/*}/net.sh"

lay_network
start web "$internet" "$lab" web "$site"
start echo "$internet" "$lab" echo 10.9.2.2:7
start names "$internet" "$lab" names 10.9.2.2:53
for name in web echo names; do wait_for listening $name; done
start_minewall
daemon=$last

counter() { "$minewall" status --json --config "$work/config" | sed "s/.*\"$1\":\([0-9]*\).*/\1/"; }
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$daemon/status"; }
# Packets that the kernel has put into the queue, are in it, and were dropped: nfnetlink_queue's table in proc (queue,
# port, waiting, copy mode, copy range, dropped, dropped by the program, sequence number of the latest).
# shellcheck disable=SC2016 # columns of awk's
queue() { ip netns exec "$router" awk '$1 == 1330 { print $8, $3, $6 + $7 }' /proc/net/netfilter/nfnetlink_queue; }
at_home() { ip netns exec "$home" "$lab" "$@" >>"$work/rates" || exit 1; }

uname -srm
tenth=1 first=0
: >"$work/rates"
while [ $tenth -le 10 ]; do
	at_home visit "$site" 8
	awk 'END { print $1 * 8 }' "$work/rates" >>"$work/connections"
	at_home kept "$site" 1
	at_home resolve 10.9.2.2:53 1
	at_home ping 10.9.2.2:7 1
	while [ $tenth -le 10 ] && [ "$(counter packets)" -ge $((packets * tenth / 10)) ]; do
		now=$(resident)
		[ "$first" -gt 0 ] || first=$now
		echo "$((tenth * 10)) %: $(counter packets) packets, resident $now kB"
		tenth=$((tenth + 1))
	done
done
echo "connections: $(awk '{ sum += $1 } END { print int(sum) }' "$work/connections")"
# Nothing is on its way any more once two looks agree.
until [ "$(queue)" = "$(sleep 0.2 && queue)" ]; do :; done
decided=$(counter packets)
queue | {
	read -r queued waiting dropped
	echo "queued $queued, waiting $waiting, dropped $dropped, decided $decided"
	[ "$queued" = "$decided" ] && [ "$waiting$dropped" = 00 ]
} || exit 1
[ $((now * 20)) -le $((first * 21)) ] || exit 1
