# shellcheck shell=sh disable=SC2034,SC2154
# The network of the demonstration and the benchmark; to be sourced.
#
#     home              router                  internet
#   +----------+      +---------------------+      +-----------------+
#   | 10.9.1.2 |------| 10.9.1.1   10.9.2.1 |------| 10.9.2.2  :3333 |  a mining pool
#   +----------+      |      minewall       |      |           :80   |  a web server
#    a miner and      +---------------------+      +-----------------+
#    a web visitor     forwards, masquerades
#
# Everything is in network namespaces of this run, named by its process id. `clean_up` ends what was
# started, by process id, and removes the namespaces; it runs on exit, also after an interrupt.

home=mw$$-home
router=mw$$-router
internet=mw$$-inet
work=$(mktemp -d)
started=""
pool=10.9.2.2:3333
site=10.9.2.2:80

clean_up() {
	trap - EXIT INT TERM HUP
	for pid in $started; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	for namespace in "$home" "$router" "$internet"; do
		ip netns del "$namespace" 2>/dev/null
	done
	rm -rf "$work"
}

lay_network() {
	trap clean_up EXIT
	trap 'exit 130' INT TERM HUP
	for namespace in "$home" "$router" "$internet"; do
		ip netns add "$namespace" || exit 1
		ip -n "$namespace" link set lo up
	done
	lay_link "$home" 10.9.1.2 lan0 10.9.1.1
	lay_link "$internet" 10.9.2.2 wan0 10.9.2.1
	ip netns exec "$router" sysctl -qw net.ipv4.ip_forward=1
	ip netns exec "$router" nft 'table ip nat { chain out { type nat hook postrouting priority srcnat; oifname wan0 masquerade; }; }'
}

# lay_link NAMESPACE ITS_ADDRESS ROUTER_DEVICE ROUTER_ADDRESS
lay_link() {
	ip link add eth0 netns "$1" type veth peer name "$3" netns "$router"
	ip -n "$1" addr add "$2/24" dev eth0
	ip -n "$router" addr add "$4/24" dev "$3"
	ip -n "$1" link set eth0 up
	ip -n "$router" link set "$3" up
	ip -n "$1" route add default via "$4"
}

# start NAME NAMESPACE COMMAND...: in the background, with its output in $work/NAME.
start() {
	name=$1
	namespace=$2
	shift 2
	# What an earlier program of that name said must not be taken for this one's.
	: >"$work/$name"
	ip netns exec "$namespace" "$@" >"$work/$name" 2>&1 &
	started="$! $started"
	last=$!
}

# wait_for TEXT FILE: until a line of $work/FILE holds TEXT, a minute at most.
wait_for() {
	tries=0
	until grep -q "$1" "$work/$2" 2>/dev/null; do
		tries=$((tries + 1))
		if [ $tries -gt 1200 ]; then
			echo "waited in vain for '$1' in the output of $2:" >&2
			cat "$work/$2" >&2
			exit 1
		fi
		sleep 0.05
	done
}

write_config() {
	cat >"$work/config" <<-EOF
		config minewall 'main'
			option mode 'block'
			option queues '${queues:-1}'
			option event_log '$work/events.jsonl'
			option hosts_file '$work/hosts'
			option control_socket '$work/control.sock'
			option reputation_file '$work/reputation'
			list leases_file '$work/leases'
	EOF
	mac=$(ip netns exec "$home" cat /sys/class/net/eth0/address)
	echo "4000000000 $mac 10.9.1.2 childs-laptop *" >"$work/leases"
}

# The daemon first, then the rules: packets that arrive while a queue is being bound are lost.
start_minewall() {
	write_config
	start minewall "$router" "$minewall" run --config "$work/config"
	wait_for 'is watched' minewall
	# nft's own queue statement where the kernel has it, iptables' NFQUEUE elsewhere.
	"$minewall" rules --config "$work/config" >"$work/rules.nft"
	"$minewall" rules --config "$work/config" --variant iptables >"$work/rules.sh"
	ip netns exec "$router" nft -f "$work/rules.nft" 2>/dev/null || ip netns exec "$router" sh "$work/rules.sh"
}
