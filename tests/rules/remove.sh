#!/bin/sh
set -e
nft -f - <<'END'
table inet minewall
delete table inet minewall
END
for v in '' 6; do
	ip${v}tables-nft -t mangle -S minewall >/dev/null 2>&1 || continue
	for hook in FORWARD OUTPUT INPUT; do
		while ip${v}tables-nft -t mangle -D $hook -j minewall 2>/dev/null; do :; done
	done
	ip${v}tables-nft -t mangle -F minewall
	ip${v}tables-nft -t mangle -X minewall
done
