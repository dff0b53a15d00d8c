#!/bin/sh
# What probes cost the packets: round trips through the real queue with as many probes as the
# configuration allows, and with none, in alternating rounds of one run. `make bench`. Needs root.
#
# Every second a host makes another server suspect by 28 short sessions, in both kinds of rounds; in one
# kind the server is asked, in the other it is only said that it would be. The server speaks TLS and
# closes every connection at the first word, so that every question costs a handshake. Rounds are short and
# many, so that whatever else the machine does falls upon both kinds; it takes a minute. Fails if there was
# no storm.
set -u
minewall=$1
lab=$2
rounds=${ROUNDS:-13}
seconds=${STORM_SECONDS:-2}
# shellcheck source=tests/lab/net.sh
. "${0%/*}/../lab/net.sh"

server=198.51.100.7
lay_network
ip -n "$internet" addr add $server/32 dev eth0
ip -n "$router" route add $server/32 via 10.9.2.2
# All ports are one server's.
ip netns exec "$internet" nft 'table ip nat { chain in { type nat hook prerouting priority dstnat; tcp dport 20000-59999 redirect to :19999; }; }'
openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 2 -subj /CN=server \
	-keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
cat >"$work/nginx.conf" <<-EOF
	daemon off;
	error_log stderr notice;
	pid $work/nginx.pid;
	events {}
	http {
		access_log off;
		server {
			listen 19999 ssl;
			ssl_certificate $work/cert.pem;
			ssl_certificate_key $work/key.pem;
			error_page 400 =444 /;
			location / { return 444; }
		}
	}
EOF
start nginx "$internet" nginx -c "$work/nginx.conf" -p "$work"
wait_for 'start worker' nginx
start echo "$internet" "$lab" echo 10.9.2.2:7
wait_for listening echo
start_minewall
daemon=$last

write_options() {
	write_config
	cat >>"$work/config" <<-EOF
		option reputation_file '$work/reputation'
		option probes_per_hour '3600'
		option probes_per_block '3600'
		option host_events '3600'
		option probe_dry_run '$1'
	EOF
}
counter() {
	"$minewall" status --json --config "$work/config" | sed "s/.*\"$1\":\([0-9]*\).*/\1/"
}
ticks() { awk '{ print $14 + $15 }' "/proc/$daemon/stat"; }
memory() { sed -n "s/$1:[^0-9]*\([0-9]*\).*/\1/p" "/proc/$daemon/status"; }

port=20000
# round KIND DRY: a line "p50 p99 p99.9 count longest" for $work/KIND
round() {
	write_options "$2"
	reloads=$(grep -c 'configuration reloaded' "$work/minewall")
	kill -HUP "$daemon"
	while [ "$(grep -c 'configuration reloaded' "$work/minewall")" = "$reloads" ]; do sleep 0.05; done
	ip netns exec "$home" "$lab" suspects "$server:$port" "$seconds" &
	suspects=$!
	ip netns exec "$home" "$lab" ping 10.9.2.2:7 "$seconds" >>"$work/$1"
	wait $suspects
	port=$((port + seconds))
}

uname -srm
echo "resident before: $(memory VmRSS) kB"
number=0
calm_ticks=0
storm_ticks=0
while [ $number -lt "$rounds" ]; do
	before=$(ticks)
	round calm 1
	between=$(ticks)
	round storm 0
	calm_ticks=$((calm_ticks + between - before))
	storm_ticks=$((storm_ticks + $(ticks) - between))
	number=$((number + 1))
done
median() { awk -v column="$2" '{ print $column }' "$work/$1" | sort -n | sed -n $((rounds / 2 + 1))p; }
for kind in calm storm; do
	count=$(awk '{ sum += $4 } END { print sum }' "$work/$kind")
	echo "$kind: median $(median $kind 1) us, p99 $(median $kind 2) us, p99.9 $(median $kind 3) us ($count round trips)"
done
paste -d' ' "$work/calm" "$work/storm" |
	awk '{ printf "round %d: median %d and %d us, p99 %d and %d us\n", NR, $1, $6, $2, $7 }'
echo "processor time of minewall: calm $calm_ticks, storm $storm_ticks ticks; resident $(memory VmRSS) kB, at most $(memory VmHWM) kB"
asked=$(($(counter inconclusive) + $(counter not_pool)))
echo "probes: $asked asked, $(counter dry) left out; packets seen $(counter packets)"
[ "$asked" -ge "$rounds" ] || {
	echo "that was no storm" >&2
	exit 1
}
