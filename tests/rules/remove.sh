#!/bin/sh
set -e
nft -f - <<'END'
table inet minewall
delete table inet minewall
END
for v in '' 6; do
	ip${v}tables-nft -t security -S minewall >/dev/null 2>&1 || continue
	for hook in FORWARD OUTPUT INPUT; do
		while ip${v}tables-nft -t security -D $hook -j minewall 2>/dev/null; do :; done
	done
	ip${v}tables-nft -t security -F minewall
	ip${v}tables-nft -t security -X minewall
done
