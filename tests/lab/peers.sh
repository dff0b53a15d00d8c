#!/bin/sh
# Instructions a packet beside ndpiReader of Debian, on the traces of the repository or on CAPTURES (pcap, Ethernet): the
# same packets for both, counted by callgrind, without what each takes to start and to read a capture without packets.
#
# usage: peers.sh MINEWALL [CAPTURE...]
set -eu
minewall=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- tests/traces/*.pcap
"${0%/*}/../install-packages.sh" valgrind libndpi-bin >/dev/null
# One capture of them all, and one of none.
head -c 24 "$1" >"$work/none.pcap"
{
	head -c 24 "$1"
	for capture; do tail -c +25 "$capture"; done
} >"$work/all.pcap"

# instructions CAPTURE COMMAND...
instructions() {
	capture=$1
	shift
	valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" "$capture" 2>&1 >"$work/said" |
		sed -n 's/.*Collected : //p'
}
packets=$("$minewall" replay "$work/all.pcap" | sed -n 's/.* in \([0-9]*\) packets.*/\1/p')
# each NAME COMMAND...
each() {
	name=$1
	shift
	echo "$name: $((($(instructions "$work/all.pcap" "$@") - $(instructions "$work/none.pcap" "$@")) / packets)) instructions a packet"
}
echo "$packets packets of $# captures"
each minewall "$minewall" replay
each "$(ndpiReader -h 2>&1 | sed -n 's/.*\(nDPI [0-9.]*\).*/\1/p' | head -n 1)" ndpiReader -q -i
