#!/bin/sh
set -e
for v in '' 6; do
	ip${v}tables-nft-restore --noflush <<'END'
*mangle
:minewall - [0:0]
-A minewall -p tcp -m mark --mark 0x08000000/0x08000000 -j NFQUEUE --queue-num 1330 --queue-bypass
-A minewall -p udp --sport 53 -m mark --mark 0x08000000/0x08000000 -j NFQUEUE --queue-num 1330 --queue-bypass
COMMIT
END
	for hook in FORWARD OUTPUT INPUT; do
		ip${v}tables-nft -t mangle -C $hook -j minewall 2>/dev/null ||
			ip${v}tables-nft -t mangle -A $hook -j minewall
	done
done
nft -f - <<'END'
table inet minewall
delete table inet minewall
table inet minewall {
	chain watch_forward {
		type filter hook forward priority mangle - 10; policy accept;
		meta l4proto tcp goto watch
		meta l4proto udp udp sport 53 ct direction reply goto answers
	}
	chain decide_forward {
		type filter hook forward priority mangle + 10; policy accept;
		meta l4proto tcp goto decide
		meta l4proto udp udp sport 53 ct direction reply meta mark set meta mark & 0xf7ffffff
	}
	chain watch_output {
		type filter hook output priority mangle - 10; policy accept;
		meta l4proto tcp oifname != "lo" ct direction original meta mark & 0x07000000 == 0x04000000 goto own
		meta l4proto tcp oifname != "lo" ct direction original goto watch
		meta l4proto udp oifname != "lo" udp sport 53 ct direction reply goto answers
	}
	chain decide_output {
		type filter hook output priority mangle + 10; policy accept;
		meta l4proto tcp oifname != "lo" ct direction original goto decide
		meta l4proto udp oifname != "lo" udp sport 53 ct direction reply meta mark set meta mark & 0xf7ffffff
	}
	chain watch_input {
		type filter hook input priority mangle - 10; policy accept;
		meta l4proto tcp iifname != "lo" ct direction reply goto watch
		meta l4proto udp iifname != "lo" udp sport 53 ct direction reply goto answers
	}
	chain decide_input {
		type filter hook input priority mangle + 10; policy accept;
		meta l4proto tcp iifname != "lo" ct direction reply goto decide
		meta l4proto udp iifname != "lo" udp sport 53 ct direction reply meta mark set meta mark & 0xf7ffffff
	}
	chain own {
		ct mark set ct mark & 0xf8ffffff | 0x04000000
		accept
	}
	chain watch {
		# Whatever these bits said, it was no verdict of ours.
		meta mark & 0x0f000000 != 0 meta mark set meta mark & 0xf0ffffff
		ct state invalid,untracked accept
		ct mark & 0x07000000 vmap { 0x02000000 : goto again, 0x04000000 : accept, 0x03000000 : goto blocked }
		tcp flags & (syn | ack) == syn goto fresh
		meta nfproto vmap { ipv4 : jump empty4, ipv6 : jump empty6 }
		goto ask
	}
	# A flood of them is not shown: what comes of it is looked at when it says something.
	chain attempts {
		limit rate 500/second burst 500 packets goto ask
		accept
	}
	# The second look at what was let go.
	chain again {
		meta length >= 1000 accept
		meta nfproto vmap { ipv4 : jump empty4, ipv6 : jump empty6 }
		ct packets 1-4096 ct packets & 0x30 == 0 goto ask
		ct packets > 4096 ct packets & 0x3ff0 == 0 goto ask
		limit rate 32/second burst 32 packets goto ask
		accept
	}
	# Without us. A reset may pass: it may be one of ours, and it ends what is to end.
	chain blocked {
		tcp flags & rst == rst accept
		reject with tcp reset
	}
	set pools4 {
		type ipv4_addr . inet_service
		flags timeout
		timeout 3600s
		size 512
	}
	set pools6 {
		type ipv6_addr . inet_service
		flags timeout
		timeout 3600s
		size 512
	}
	set told4 {
		type ipv4_addr
		flags dynamic,timeout
		timeout 600s
		size 256
	}
	set told6 {
		type ipv6_addr
		flags dynamic,timeout
		timeout 600s
		size 256
	}
	chain fresh {
		ip daddr . tcp dport @pools4 goto known
		ip6 daddr . tcp dport @pools6 goto known
		goto attempts
	}
	# Known as pools. A few attempts of each host are shown to the daemon, which says whose they are.
	chain known {
		update @told4 { ip saddr limit rate 6/minute burst 6 packets } goto ask
		update @told6 { ip6 saddr limit rate 6/minute burst 6 packets } goto ask
		goto refuse
	}
	chain unheard {
		meta mark set meta mark & 0xf0ffffff
		ip daddr . tcp dport @pools4 goto refuse
		ip6 daddr . tcp dport @pools6 goto refuse
	}
	chain refuse {
		counter reject with tcp reset
	}
	# What names stand for.
	chain answers {
		limit rate 200/second burst 200 packets goto ask
		accept
	}
	chain ask {
		meta mark set meta mark | 0x08000000 accept
	}
	chain empty4 {
		tcp doff 8 ip length 52 accept
		tcp doff 5 ip length 40 accept
		tcp doff 11 ip length 64 accept
		tcp doff 10 ip length 60 accept
		tcp doff 6 ip length 44 accept
		tcp doff 7 ip length 48 accept
		tcp doff 9 ip length 56 accept
		tcp doff 12 ip length 68 accept
		tcp doff 13 ip length 72 accept
		tcp doff 14 ip length 76 accept
		tcp doff 15 ip length 80 accept
	}
	chain empty6 {
		tcp doff 8 ip6 length 32 accept
		tcp doff 5 ip6 length 20 accept
		tcp doff 11 ip6 length 44 accept
		tcp doff 10 ip6 length 40 accept
		tcp doff 6 ip6 length 24 accept
		tcp doff 7 ip6 length 28 accept
		tcp doff 9 ip6 length 36 accept
		tcp doff 12 ip6 length 48 accept
		tcp doff 13 ip6 length 52 accept
		tcp doff 14 ip6 length 56 accept
		tcp doff 15 ip6 length 60 accept
	}
	chain decide {
		tcp flags & (syn | ack) == syn meta mark & 0x07000000 == 0 goto unheard
		meta mark & 0x0f000000 == 0 accept
		ct mark & 0x07000000 == 0x03000000 goto block
		meta mark & 0x07000000 vmap { 0x01000000 : jump undecided, 0x02000000 : jump benign, 0x03000000 : goto block }
		meta mark set meta mark & 0xf0ffffff
	}
	chain undecided {
		ct mark set ct mark & 0xf8ffffff | 0x01000000
	}
	chain benign {
		ct mark set ct mark & 0xf8ffffff | 0x02000000
	}
	chain block {
		ct mark set ct mark & 0xf8ffffff | 0x03000000
		meta mark set meta mark & 0xf0ffffff
		goto blocked
	}
}
END
