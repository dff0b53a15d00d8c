#!/bin/sh
# What reading lists costs the packets: round trips through the real queue while lists of ENTRIES entries are read
# again and again, and while nothing is read, in alternating rounds of one run. `make bench`. Needs root.
set -u
minewall=$1
lab=$2
rounds=${ROUNDS:-5}
seconds=${RELOAD_SECONDS:-6}
entries=${ENTRIES:-50000}
# shellcheck source=tests/lab/net.sh
. "${0%/*}/net.sh"

lay_network
start echo "$internet" "$lab" echo 10.9.2.2:7
wait_for listening echo
mkdir "$work/lists"
awk -v entries="$entries" 'BEGIN {
	for (number = 0; number < entries; number++) print "n" number ".pool" number % 977 ".test:3333"
}' >"$work/lists/many.block"
start_minewall
daemon=$last
cat >>"$work/config" <<-EOF
	list intel_lists '$work/lists'
	option intel_memory '16384'
EOF

reads() { grep -c 'entries of the built-in list' "$work/minewall"; }

reload() {
	before=$(reads)
	kill -HUP "$daemon" || exit 1
	tries=0
	while [ "$(reads)" = "$before" ]; do
		tries=$((tries + 1))
		[ $tries -lt 1000 ] || exit 1
		sleep 0.02
	done
}

# round KIND: a line "p50 p99 p99.9 count longest" for $work/KIND
round() {
	ip netns exec "$home" "$lab" ping 10.9.2.2:7 "$seconds" >>"$work/$1" &
	pinging=$!
	while [ "$1" = reading ] && kill -0 $pinging 2>/dev/null; do reload; done
	wait $pinging
}

uname -srm
reload
number=0
while [ $number -lt "$rounds" ]; do
	round calm
	round reading
	number=$((number + 1))
done
median() { awk -v column="$2" '{ print $column }' "$work/$1" | sort -n | sed -n $((rounds / 2 + 1))p; }
for kind in calm reading; do
	count=$(awk '{ sum += $4 } END { print sum }' "$work/$kind")
	longest=$(awk '$5 > longest { longest = $5 } END { print longest }' "$work/$kind")
	echo "$kind: median $(median $kind 1) us, p99 $(median $kind 2) us, p99.9 $(median $kind 3) us, longest $longest us ($count round trips)"
done
echo "lists were read $(reads) times, the last time: $(grep 'entries of the built-in list' "$work/minewall" | tail -n 1)"
sed -n 's/VmHWM:[^0-9]*\([0-9]*\).*/resident at most \1 kB/p' "/proc/$daemon/status"
