#!/bin/sh
set -e
for v in '' 6; do
	ip${v}tables-nft-restore --noflush <<'END'
*security
:minewall - [0:0]
-A minewall -p tcp -m mark --mark 0x08000000/0x08000000 -j NFQUEUE --queue-num 1330 --queue-bypass
-A minewall -p udp -m mark --mark 0x08000000/0x08000000 -j NFQUEUE --queue-num 1330 --queue-bypass
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
		meta l4proto udp udp sport 53 ct direction reply meta mark set meta mark & 0xf7ffffff
		meta l4proto udp udp dport 53 ct direction original meta mark set meta mark & 0xf7ffffff
	}
	chain watch_output {
		type filter hook output priority security - 10; policy accept;
		meta l4proto tcp oifname != "lo" meta mark & 0x07000000 == 0x04000000 goto own
		meta l4proto tcp oifname != "lo" ct direction original goto watch
		meta l4proto tcp oifname != "lo" goto local
		meta l4proto udp oifname != "lo" udp sport 53 ct direction reply goto answers
		meta l4proto udp oifname != "lo" udp dport 53 ct direction original goto questions
	}
	chain decide_output {
		type route hook output priority security + 110; policy accept;
		meta l4proto tcp oifname != "lo" goto decide
		meta l4proto udp oifname != "lo" udp sport 53 ct direction reply meta mark set meta mark & 0xf7ffffff
		meta l4proto udp oifname != "lo" udp dport 53 ct direction original meta mark set meta mark & 0xf7ffffff
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
		meta l4proto udp iifname != "lo" udp sport 53 ct direction reply meta mark set meta mark & 0xf7ffffff
		meta l4proto udp iifname != "lo" udp dport 53 ct direction original meta mark set meta mark & 0xf7ffffff
	}
	chain own {
		ct label set 119
		accept
	}
	chain local {
		ct state new ct direction original goto local_new
		ct label 118 goto watch
		accept
	}
	chain local_new {
		ct status dnat ct label set 118 accept
		fib daddr type != local ct label set 118 accept
		accept
	}
	chain watch {
		# These bits are ours between the hooks only.
		meta mark & 0x0f000000 != 0 meta mark set meta mark & 0xf0ffffff
		ct state untracked accept
		ct state invalid goto midway
		ct label 125 goto blocked
		ct label 119 accept
		ct state new goto fresh
		ct label 124 goto again
		ct label 123 goto shown
		ct label 122 goto again
		ct label 121 goto shown
		tcp flags & (syn | ack) == syn | ack meta l4proto @alive goto answered
		ct label 120 ct direction original goto start
		# Older than the first rule with a label, or joined midway.
		goto tuples
	}
	# The client's first packet behind its answered SYN, mostly without payload: it says where both streams begin.
	chain start {
		tcp flags & (syn | rst) != 0 accept
		ct label 126 jump unless_expected
		ct status assured goto first
		# A client that ends its side with its first packet never makes a connection assured. Its state has a longer
		# time then than one whose handshake is not finished.
		tcp flags & fin == fin ct expiration > 60s goto first
		ct label 127 goto first
		# It acknowledges what the server has not said, which the kernel tells from an old packet for half of all numbers,
		# or comes behind a reset: no server takes it, and its sender may be another host.
		meta l4proto @alive drop
	}
	chain first {
		delete @expected4 { ip saddr . tcp sport . ip daddr . tcp dport . tcp sequence }
		delete @answered4 { ip saddr . tcp sport . ip daddr . tcp dport }
		delete @expected6 { ip6 saddr . tcp sport . ip6 daddr . tcp dport . tcp sequence }
		delete @answered6 { ip6 saddr . tcp sport . ip6 daddr . tcp dport }
		ct label set 121 meta mark set meta mark | 0x05000000 goto to_queue
	}
	set answered4 {
		typeof ip saddr . tcp sport . ip daddr . tcp dport
		flags dynamic,timeout
		timeout 10s
		size 2048
	}
	set expected4 {
		typeof ip saddr . tcp sport . ip daddr . tcp dport . tcp sequence
		flags dynamic,timeout
		timeout 10s
		size 2048
	}
	set answered6 {
		typeof ip6 saddr . tcp sport . ip6 daddr . tcp dport
		flags dynamic,timeout
		timeout 10s
		size 2048
	}
	set expected6 {
		typeof ip6 saddr . tcp sport . ip6 daddr . tcp dport . tcp sequence
		flags dynamic,timeout
		timeout 10s
		size 2048
	}
	# What servers had said before these rules were loaded is not known; who is believed then is read as
	# one that is joined midway.
	set loaded {
		type inet_proto
		flags timeout
		timeout 10s
		elements = { tcp }
	}
	# The server says which byte it expects.
	chain answered {
		ct direction reply update @answered4 { ip daddr . tcp dport . ip saddr . tcp sport } update @expected4 { ip daddr . tcp dport . ip saddr . tcp sport . tcp ackseq } ct label set 126
		ct direction reply update @answered6 { ip6 daddr . tcp dport . ip6 saddr . tcp sport } update @expected6 { ip6 daddr . tcp dport . ip6 saddr . tcp sport . tcp ackseq } ct label set 126
		ct label set 120 accept
	}
	chain unless_expected {
		ip saddr . tcp sport . ip daddr . tcp dport . tcp sequence @expected4 return
		ip6 saddr . tcp sport . ip6 daddr . tcp dport . tcp sequence @expected6 return
		ip saddr . tcp sport . ip daddr . tcp dport @answered4 goto unexpected
		ip6 saddr . tcp sport . ip6 daddr . tcp dport @answered6 goto unexpected
		meta l4proto @loaded ct status assured ct label set 121 goto shown
		goto unexpected
	}
	chain unexpected {
		# The end of its side came before its first byte, which comes again.
		tcp flags & fin == fin ct expiration > 60s ct label set 127
		meta nfproto vmap { ipv4 : jump empty4, ipv6 : jump empty6 }
		meta l4proto @alive drop
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
		meta mark set meta mark | 0x07000000
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
		meta mark set meta mark | 0x06000000
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
		meta mark set meta mark & 0xf0ffffff
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
		meta l4proto @alive meta mark set meta mark | 0x08000000 accept
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
		meta mark & 0x0f000000 == 0 accept
		ct label 125 goto block
		meta mark & 0x07000000 vmap { 0x01000000 : goto undecided, 0x02000000 : goto benign, 0x03000000 : goto block, 0x07000000 : goto unanswered }
		meta mark set meta mark & 0xf0ffffff
	}
	chain undecided {
		meta mark set meta mark & 0xf0ffffff
		ct label 122 ct label set 123 accept
		ct label 121 accept
		goto forget
	}
	chain benign {
		meta mark set meta mark & 0xf0ffffff
		ct label 123 ct label set 124 accept
		ct label set 122
		ct label 122 accept
		goto remember
	}
	chain block {
		meta mark set meta mark & 0xf0ffffff
		ct label set 125
		goto blocked
	}
}
END
