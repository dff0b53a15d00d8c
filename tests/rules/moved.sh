#!/bin/sh
set -e
for v in '' 6; do
	ip${v}tables-nft-restore --noflush <<'END'
*security
:minewall - [0:0]
-A minewall -p tcp -m mark --mark 0x00000800/0x00000800 -j NFQUEUE --queue-num 7 --queue-bypass
-A minewall -p udp -m mark --mark 0x00000800/0x00000800 -j NFQUEUE --queue-num 7 --queue-bypass
COMMIT
END
	for hook in FORWARD OUTPUT INPUT; do
		ip${v}tables-nft -t security -C $hook -j minewall 2>/dev/null ||
			ip${v}tables-nft -t security -A $hook -j minewall
	done
done
nft -f - <<'END'
table inet minewall
delete table inet minewall
table inet minewall {
	set alive {
		type inet_proto
		flags timeout
		timeout 2500ms
		elements = { tcp, udp }
	}
	set conflict {
		type inet_proto
		flags timeout
		timeout 1h
	}
	chain watch_forward {
		type filter hook forward priority security - 10; policy accept;
		meta l4proto tcp goto watch
		meta l4proto udp udp sport 53 ct direction reply goto answers
		meta l4proto udp udp dport 53 ct direction original goto questions
	}
	chain decide_forward {
		type filter hook forward priority security + 110; policy accept;
		meta l4proto tcp goto decide
		meta l4proto udp udp sport 53 ct direction reply meta mark set meta mark & 0xfffff7ff
		meta l4proto udp udp dport 53 ct direction original meta mark set meta mark & 0xfffff7ff
	}
	chain watch_output {
		type filter hook output priority security - 10; policy accept;
		meta l4proto tcp oifname != "lo" meta mark & 0x00000700 == 0x00000400 goto own
		meta l4proto tcp oifname != "lo" ct direction original goto watch
		meta l4proto tcp oifname != "lo" goto local
		meta l4proto udp oifname != "lo" udp sport 53 ct direction reply goto answers
		meta l4proto udp oifname != "lo" udp dport 53 ct direction original goto questions
	}
	chain decide_output {
		type route hook output priority security + 110; policy accept;
		meta l4proto tcp oifname != "lo" goto decide
		meta l4proto udp oifname != "lo" udp sport 53 ct direction reply meta mark set meta mark & 0xfffff7ff
		meta l4proto udp oifname != "lo" udp dport 53 ct direction original meta mark set meta mark & 0xfffff7ff
	}
	chain watch_input {
		type filter hook input priority security - 10; policy accept;
		meta l4proto tcp iifname != "lo" ct direction reply goto watch
		meta l4proto tcp iifname != "lo" goto local
		meta l4proto udp iifname != "lo" udp sport 53 ct direction reply goto answers
		meta l4proto udp iifname != "lo" udp dport 53 ct direction original goto questions
	}
	chain decide_input {
		type filter hook input priority security + 110; policy accept;
		meta l4proto tcp iifname != "lo" goto decide
		meta l4proto udp iifname != "lo" udp sport 53 ct direction reply meta mark set meta mark & 0xfffff7ff
		meta l4proto udp iifname != "lo" udp dport 53 ct direction original meta mark set meta mark & 0xfffff7ff
	}
	chain own {
		ct mark set ct mark & 0xfffff8ff | 0x00000400
		accept
	}
	chain local {
		ct state new ct direction original goto local_new
		ct mark & 0x00000700 != 0 goto watch
		accept
	}
	chain local_new {
		ct status dnat ct mark set ct mark & 0xfffff8ff | 0x00000600 accept
		fib daddr type != local ct mark set ct mark & 0xfffff8ff | 0x00000600 accept
		accept
	}
	chain watch {
		# These bits are ours between the hooks only.
		meta mark & 0x00000f00 != 0 meta mark set meta mark & 0xfffff0ff
		ct state untracked accept
		ct state invalid goto midway
		ct mark & 0x00000700 vmap { 0x00000200 : goto again, 0x00000100 : goto known_undecided, 0x00000400 : accept, 0x00000300 : goto blocked }
		ct state new goto fresh
		tcp flags & (syn | ack) == syn | ack meta l4proto @alive ct mark set ct mark & 0xfffff8ff | 0x00000500 accept
		ct mark & 0x00000700 == 0x00000500 ct direction original goto start
		# Where marks get lost, the first packet behind the handshake is told by its number.
		meta l4proto @conflict ct direction original ct original packets 2 ct reply packets 1 goto start
		meta l4proto @conflict goto tuples
		goto payload
	}
	# The client's first packet behind its answered SYN, mostly without payload: it says where both streams begin.
	chain start {
		tcp flags & (syn | rst) != 0 accept
		ct status assured goto first
		# A client that ends its side with its first packet never makes a connection assured. Its state has a longer
		# time then than one whose handshake is not finished.
		tcp flags & fin == fin ct expiration > 60s goto first
		# It acknowledges what the server has not said, which the kernel tells from an old packet for half of all numbers,
		# or comes behind a reset: no server takes it, and its sender may be another host.
		meta l4proto @alive drop
	}
	chain first {
		ct mark set ct mark & 0xfffff8ff | 0x00000100 meta mark set meta mark | 0x00000500 goto to_queue
	}
	# Both ends have taken part: nothing else is evidence.
	chain payload {
		ct status assured goto shown
	}
	chain shown {
		# An urgent byte is left out by most receivers, so the daemon makes it one as any other.
		tcp flags & urg == urg goto to_queue
		# What the server has, which an upload's server says without payload.
		ct direction reply tcp flags & (fin | syn | rst | ack) == ack goto to_queue
		meta nfproto vmap { ipv4 : jump empty4, ipv6 : jump empty6 }
		goto to_queue
	}
	# A reset may pass: it may be one of ours, and it ends what is to end.
	chain blocked {
		tcp flags & rst == rst accept
		reject with tcp reset
	}
	set opening_cards {
		type ether_addr
		flags dynamic,timeout
		timeout 60s
		size 1024
	}
	set opening4 {
		type ipv4_addr
		flags dynamic,timeout
		timeout 60s
		size 1024
	}
	set opening6 {
		type ipv6_addr
		flags dynamic,timeout
		timeout 60s
		size 1024
	}
	chain fresh {
		tcp flags & (syn | ack) != syn goto midway
		ip daddr . tcp dport @pools4 goto known
		ip6 daddr . tcp dport @pools6 goto known
		ip daddr @listed4 goto known
		ip6 daddr @listed6 goto known
		ip saddr . ip daddr @resolved4 goto known
		ip6 saddr . ip6 daddr @resolved6 goto known
		jump fresh_nonweb
		meta nfproto vmap { ipv4 : jump empty4, ipv6 : jump empty6 }
		# Data in a SYN, which the daemon takes off.
		meta iiftype ether update @opening_cards { ether saddr limit rate over 20/second burst 20 packets } goto opened_enough
		meta iiftype != ether update @opening4 { ip saddr limit rate over 20/second burst 20 packets } goto opened_enough
		meta iiftype != ether update @opening6 { ip6 saddr & ffff:ffff:ffff:ffff:: limit rate over 20/second burst 20 packets } goto opened_enough
		meta iiftype ether limit rate 50/second burst 50 packets goto to_queue
		meta iiftype ether goto opened_enough
		limit rate 50/second burst 50 packets goto to_queue
		goto opened_enough
	}
	chain opened_enough {
		# The client comes again without the data.
		meta l4proto @alive drop
	}
	# No connection yet, or no packet of it, unless the daemon remembers one of which the kernel was misled: made to
	# forget it by a forged end, or to take its window for a smaller one.
	chain midway {
		meta nfproto vmap { ipv4 : jump empty4, ipv6 : jump empty6 }
		meta iiftype ether update @opening_cards { ether saddr limit rate over 20/second burst 20 packets } accept
		meta iiftype != ether update @opening4 { ip saddr limit rate over 20/second burst 20 packets } accept
		meta iiftype != ether update @opening6 { ip6 saddr & ffff:ffff:ffff:ffff:: limit rate over 20/second burst 20 packets } accept
		meta iiftype ether limit rate 50/second burst 50 packets goto attempt
		meta iiftype ether accept
		limit rate 50/second burst 50 packets goto attempt
		accept
	}
	chain attempt {
		meta mark set meta mark | 0x00000700
		goto to_queue
	}
	set decided4 {
		type ipv4_addr . inet_service . ipv4_addr . inet_service
		flags dynamic,timeout
		timeout 3600s
		size 4096
	}
	set decided6 {
		type ipv6_addr . inet_service . ipv6_addr . inet_service
		flags dynamic,timeout
		timeout 3600s
		size 4096
	}
	set deciding_cards {
		type ether_addr
		flags dynamic,timeout
		timeout 3600s
		size 1024
	}
	set deciding4 {
		type ipv4_addr
		flags dynamic,timeout
		timeout 3600s
		size 1024
	}
	set deciding6 {
		type ipv6_addr
		flags dynamic,timeout
		timeout 3600s
		size 1024
	}
	chain known_undecided {
		meta l4proto @conflict goto tuples
		goto shown
	}
	chain tuples {
		ct direction original ip saddr . tcp sport . ip daddr . tcp dport @decided4 goto again
		ct direction original ip6 saddr . tcp sport . ip6 daddr . tcp dport @decided6 goto again
		ct direction reply ip daddr . tcp dport . ip saddr . tcp sport @decided4 goto again
		ct direction reply ip6 daddr . tcp dport . ip6 saddr . tcp sport @decided6 goto again
		goto payload
	}
	chain remember {
		ct direction original ip saddr . tcp sport . ip daddr . tcp dport @decided4 accept
		ct direction original ip6 saddr . tcp sport . ip6 daddr . tcp dport @decided6 accept
		ct direction reply ip daddr . tcp dport . ip saddr . tcp sport @decided4 accept
		ct direction reply ip6 daddr . tcp dport . ip6 saddr . tcp sport @decided6 accept
		# What a client has beyond its share is inspected for as long as it lasts.
		ct direction original meta iiftype ether update @deciding_cards { ether saddr limit rate over 512/hour burst 512 packets } accept
		ct direction original meta iiftype != ether update @deciding4 { ip saddr limit rate over 512/hour burst 512 packets } accept
		ct direction original meta iiftype != ether update @deciding6 { ip6 saddr & ffff:ffff:ffff:ffff:: limit rate over 512/hour burst 512 packets } accept
		ct direction reply update @deciding4 { ip daddr limit rate over 512/hour burst 512 packets } accept
		ct direction reply update @deciding6 { ip6 daddr & ffff:ffff:ffff:ffff:: limit rate over 512/hour burst 512 packets } accept
		ct direction original add @decided4 { ip saddr . tcp sport . ip daddr . tcp dport }
		ct direction original add @decided6 { ip6 saddr . tcp sport . ip6 daddr . tcp dport }
		ct direction reply add @decided4 { ip daddr . tcp dport . ip saddr . tcp sport }
		ct direction reply add @decided6 { ip6 daddr . tcp dport . ip6 saddr . tcp sport }
	}
	chain forget {
		ct direction original delete @decided4 { ip saddr . tcp sport . ip daddr . tcp dport }
		ct direction original delete @decided6 { ip6 saddr . tcp sport . ip6 daddr . tcp dport }
		ct direction reply delete @decided4 { ip daddr . tcp dport . ip saddr . tcp sport }
		ct direction reply delete @decided6 { ip6 daddr . tcp dport . ip6 saddr . tcp sport }
	}
	set looked_cards {
		type ether_addr
		flags dynamic,timeout
		timeout 60s
		size 1024
	}
	set looked4 {
		type ipv4_addr
		flags dynamic,timeout
		timeout 60s
		size 1024
	}
	set looked6 {
		type ipv6_addr
		flags dynamic,timeout
		timeout 60s
		size 1024
	}
	# The second look at what bypasses the queue.
	chain again {
		meta length >= 1000 accept
		meta nfproto vmap { ipv4 : jump empty4, ipv6 : jump empty6 }
		ct packets 1-4096 ct packets & 0x30 == 0 goto look
		ct packets > 4096 ct packets & 0x3ff0 == 0 goto look
		ct direction original meta iiftype ether update @looked_cards { ether saddr limit rate over 16/second burst 16 packets } accept
		ct direction original meta iiftype != ether update @looked4 { ip saddr limit rate over 16/second burst 16 packets } accept
		ct direction original meta iiftype != ether update @looked6 { ip6 saddr & ffff:ffff:ffff:ffff:: limit rate over 16/second burst 16 packets } accept
		ct direction reply update @looked4 { ip daddr limit rate over 16/second burst 16 packets } accept
		ct direction reply update @looked6 { ip6 daddr & ffff:ffff:ffff:ffff:: limit rate over 16/second burst 16 packets } accept
		ct direction reply limit rate 64/second burst 64 packets goto look
		ct direction reply accept
		meta iiftype ether limit rate 64/second burst 64 packets goto look
		meta iiftype ether accept
		limit rate 64/second burst 64 packets goto look
		accept
	}
	chain look {
		meta mark set meta mark | 0x00000600
		goto to_queue
	}
	set pools4 {
		type ipv4_addr . inet_service
		flags timeout
		timeout 3600s
		size 1792
	}
	set listed4 {
		type ipv4_addr
		flags timeout
		timeout 3600s
		size 1024
	}
	set listed_nonweb4 {
		type ipv4_addr
		flags timeout
		timeout 3600s
		size 1024
	}
	set resolved4 {
		type ipv4_addr . ipv4_addr
		flags timeout
		timeout 3600s
		size 512
	}
	set resolved_nonweb4 {
		type ipv4_addr . ipv4_addr
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
	set told_pairs4 {
		type ether_addr . ipv4_addr
		flags dynamic,timeout
		timeout 600s
		size 4096
	}
	set pools6 {
		type ipv6_addr . inet_service
		flags timeout
		timeout 3600s
		size 1792
	}
	set listed6 {
		type ipv6_addr
		flags timeout
		timeout 3600s
		size 1024
	}
	set listed_nonweb6 {
		type ipv6_addr
		flags timeout
		timeout 3600s
		size 1024
	}
	set resolved6 {
		type ipv6_addr . ipv6_addr
		flags timeout
		timeout 3600s
		size 512
	}
	set resolved_nonweb6 {
		type ipv6_addr . ipv6_addr
		flags timeout
		timeout 3600s
		size 512
	}
	set told6 {
		type ipv6_addr
		flags dynamic,timeout
		timeout 600s
		size 256
	}
	set told_pairs6 {
		type ether_addr . ipv6_addr
		flags dynamic,timeout
		timeout 600s
		size 4096
	}
	set told_cards {
		type ether_addr
		flags dynamic,timeout
		timeout 600s
		size 256
	}
	chain fresh_nonweb {
		tcp dport { 80, 443, 8080, 8443 } return
		ip daddr @listed_nonweb4 goto known
		ip6 daddr @listed_nonweb6 goto known
		ip saddr . ip daddr @resolved_nonweb4 goto known
		ip6 saddr . ip6 daddr @resolved_nonweb6 goto known
	}
	chain known {
		meta iiftype ether goto known_by_card
		update @told4 { ip saddr limit rate 6/minute burst 6 packets } goto attempt
		update @told6 { ip6 saddr limit rate 6/minute burst 6 packets } goto attempt
		goto refuse
	}
	chain known_by_card {
		update @told_pairs4 { ether saddr . ip daddr limit rate 2/minute burst 2 packets } goto told_card
		update @told_pairs6 { ether saddr . ip6 daddr limit rate 2/minute burst 2 packets } goto told_card
		goto refuse
	}
	chain told_card {
		update @told_cards { ether saddr limit rate 30/minute burst 30 packets } goto attempt
		goto refuse
	}
	chain unanswered {
		meta mark set meta mark & 0xfffff0ff
		tcp flags & (syn | ack) != syn accept
		goto refuse
	}
	chain refuse {
		counter reject with tcp reset
	}
	set answers_cards {
		type ether_addr
		flags dynamic,timeout
		timeout 60s
		size 1024
	}
	set answers4 {
		type ipv4_addr
		flags dynamic,timeout
		timeout 60s
		size 1024
	}
	set answers6 {
		type ipv6_addr
		flags dynamic,timeout
		timeout 60s
		size 1024
	}
	chain answers {
		update @answers4 { ip daddr limit rate over 50/second burst 50 packets } accept
		update @answers6 { ip6 daddr & ffff:ffff:ffff:ffff:: limit rate over 50/second burst 50 packets } accept
		meta iiftype ether limit rate 200/second burst 200 packets goto to_queue
		meta iiftype ether accept
		limit rate 200/second burst 200 packets goto to_queue
		accept
	}
	set questions_cards {
		type ether_addr
		flags dynamic,timeout
		timeout 60s
		size 1024
	}
	set questions4 {
		type ipv4_addr
		flags dynamic,timeout
		timeout 60s
		size 1024
	}
	set questions6 {
		type ipv6_addr
		flags dynamic,timeout
		timeout 60s
		size 1024
	}
	chain questions {
		meta iiftype ether update @questions_cards { ether saddr limit rate over 50/second burst 50 packets } accept
		meta iiftype != ether update @questions4 { ip saddr limit rate over 50/second burst 50 packets } accept
		meta iiftype != ether update @questions6 { ip6 saddr & ffff:ffff:ffff:ffff:: limit rate over 50/second burst 50 packets } accept
		meta iiftype ether limit rate 200/second burst 200 packets goto to_queue
		meta iiftype ether accept
		limit rate 200/second burst 200 packets goto to_queue
		accept
	}
	chain to_queue {
		meta l4proto @alive meta mark set meta mark | 0x00000800 accept
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
		meta mark & 0x00000f00 == 0 accept
		ct mark & 0x00000700 == 0x00000300 goto block
		meta mark & 0x00000700 vmap { 0x00000100 : goto undecided, 0x00000200 : goto benign, 0x00000300 : goto block, 0x00000700 : goto unanswered }
		meta mark set meta mark & 0xfffff0ff
	}
	chain undecided {
		meta mark set meta mark & 0xfffff0ff
		ct state new accept
		ct mark set ct mark & 0xfffff8ff | 0x00000100
		meta l4proto @conflict goto forget
	}
	chain benign {
		meta mark set meta mark & 0xfffff0ff
		ct mark set ct mark & 0xfffff8ff | 0x00000200
		meta l4proto @conflict goto remember
	}
	chain block {
		meta mark set meta mark & 0xfffff0ff
		ct mark set ct mark & 0xfffff8ff | 0x00000300
		goto blocked
	}
}
END
