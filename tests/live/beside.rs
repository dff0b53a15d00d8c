//! Beside the rules of other programs that use marks: what each of them does to the connection's or the packet's mark,
//! reduced to the rules in question.

use minewall::rules::Memory;

use crate::daemon::Daemon;
use crate::mining::is_cut_from;
use crate::net::{Net, SERVERS, ip, wait_for};
use crate::session::Session;

/// Rules of another program: its name, a script, and whether it writes all of the connection's mark.
struct Program {
    name: &'static str,
    script: &'static str,
    takes_the_mark: bool,
}

const PROGRAMS: [Program; 8] = [
    Program {
        name: "qosmate, which keeps a DSCP in the mark",
        script: "nft -f - <<'END'
table inet dscptag {
	chain tag {
		type filter hook forward priority 0; policy accept;
		ct mark set 128
	}
	chain post { type filter hook postrouting priority 0; policy accept; ct mark & 128 == 128 counter; }
}
END",
        takes_the_mark: true,
    },
    Program {
        name: "UA2F by iptables",
        script: "for v in '' 6; do
ip${v}tables-nft -t mangle -N ua2f
ip${v}tables-nft -t mangle -A FORWARD -p tcp -j ua2f
ip${v}tables-nft -t mangle -A ua2f -j CONNMARK --set-mark 44
done",
        takes_the_mark: true,
    },
    Program {
        name: "UA2F by nft",
        script: "nft -f - <<'END'
table inet ua2f {
	chain post { type filter hook postrouting priority -5; policy accept; meta l4proto tcp ct mark set 44; }
}
END",
        takes_the_mark: true,
    },
    Program {
        name: "mwan3, with a mask",
        script: "for v in '' 6; do
ip${v}tables-nft -t mangle -A PREROUTING -j CONNMARK --restore-mark --nfmask 0x3f00 --ctmask 0x3f00
ip${v}tables-nft -t mangle -A PREROUTING -m mark --mark 0/0x3f00 -j MARK --set-xmark 0x100/0x3f00
ip${v}tables-nft -t mangle -A PREROUTING -j CONNMARK --save-mark --nfmask 0x3f00 --ctmask 0x3f00
done
ip rule add fwmark 0x100/0x3f00 lookup 100",
        takes_the_mark: false,
    },
    Program {
        name: "pbr, with a mask",
        script: "nft -f - <<'END'
table inet pbr {
	chain prerouting {
		type filter hook prerouting priority -150; policy accept;
		meta mark & 0x00ff0000 == 0 meta mark set meta mark & 0xff00ffff | 0x00010000
	}
}
END
ip rule add fwmark 0x10000/0xff0000 lookup 100",
        takes_the_mark: false,
    },
    Program {
        name: "a restore of the whole mark by iptables, and its exact value in a routing rule",
        script: "for v in '' 6; do
ip${v}tables-nft -t mangle -A PREROUTING -j CONNMARK --restore-mark
ip${v}tables-nft -t mangle -A PREROUTING -m mark --mark 0 -j MARK --set-mark 1
ip${v}tables-nft -t mangle -A POSTROUTING -m mark --mark 1 -m conntrack --ctstate NEW -j CONNMARK --save-mark
done
ip rule add fwmark 1 lookup 100
ip route add unreachable 10.7.2.2/32",
        takes_the_mark: false,
    },
    Program {
        name: "a restore of the whole mark by nft, and its exact value in a routing rule",
        script: "nft -f - <<'END'
table inet wan {
	chain pre {
		type filter hook prerouting priority -150; policy accept;
		meta mark set ct mark
		meta mark 0 meta mark set 1
	}
	chain post { type filter hook postrouting priority 0; policy accept; ct state new ct mark set meta mark; }
}
END
ip rule add fwmark 1 lookup 100
ip route add unreachable 10.7.2.2/32",
        takes_the_mark: false,
    },
    Program {
        name: "the recipe of Nordix/nfqueue-loadbalancer#23: the whole mark restored and saved",
        script: "for v in '' 6; do
ip${v}tables-nft -t mangle -A PREROUTING -j CONNMARK --restore-mark
ip${v}tables-nft -t mangle -A PREROUTING -m mark ! --mark 0 -j ACCEPT
ip${v}tables-nft -t mangle -A PREROUTING -m conntrack --ctstate NEW -j MARK --set-mark 7
ip${v}tables-nft -t mangle -A POSTROUTING -j CONNMARK --save-mark
done",
        takes_the_mark: false,
    },
];

/// Options under which a connection is bypassed soon.
const SOON: &str = "option budget_packets 8\noption low_rate 0\n";
const LARGE: [u8; 1_200] = [0x9e; 1_200];

/// Ways for packets with a routing mark.
const ROUTES: &str = "ip route add 10.7.2.0/24 dev wan0 table 100
ip -6 route add fd07:2::/64 dev wan0 table 100
ip route add 10.7.1.0/24 dev lan0 table 100
ip -6 route add fd07:1::/64 dev lan0 table 100";

/// Sessions succeed, decided ones leave the queue, miners are cut, and the other program's marks are those that it has
/// without minewall.
#[test]
fn labels_get_along_with_every_program() {
    for Program { name, script, .. } in PROGRAMS {
        let Some(net) = Net::new() else { return };
        net.router.script(ROUTES);
        net.router.script(script);
        let marks = || {
            SERVERS.map(|server| {
                let mut session = Session::open(&net.home, &net.internet, ip(server));
                (0..20).for_each(|_| session.exchange(&LARGE));
                // Without a rule that needs it nothing is tracked.
                net.connection(session.ports).map_or(0, |connection| connection.mark)
            })
        };
        let without = marks();
        let daemon = Daemon::start(&net, SOON);
        net.load_rules_with(&daemon.config(), Memory::Labels);
        assert_eq!(marks(), without, "{name}: marks of connections");
        for server in SERVERS {
            let mut session = Session::open(&net.home, &net.internet, ip(server));
            wait_for("it has left the queue", || {
                let before = net.queued();
                (0..10).for_each(|_| session.exchange(&LARGE));
                net.queued() == before
            });
            assert!(is_cut_from(&net.home, &net.internet, server), "{name}: a miner at {server}");
        }
        assert!(!daemon.status().contains("mark_conflict"), "{name}: {}", daemon.status());
    }
}

/// Without labels, a program that writes the whole mark is noticed and told once, with a remedy; from then on decided
/// connections leave the queue all the same, and miners are cut.
#[test]
fn a_lost_mark_is_noticed_and_the_network_is_fast() {
    for Program { name, script, .. } in PROGRAMS.into_iter().filter(|program| program.takes_the_mark) {
        let Some(net) = Net::new() else { return };
        net.router.script(script);
        let daemon = Daemon::start(&net, SOON);
        net.load_rules_with(&daemon.config(), Memory::Mark);
        let mut sessions = SERVERS.map(|server| Session::open(&net.home, &net.internet, ip(server)));
        wait_for("the conflict is noticed", || {
            sessions.iter_mut().for_each(|session| session.exchange(&LARGE));
            daemon.log().contains("overwrites their marks")
        });
        wait_for("decided connections leave the queue", || {
            let before = net.queued();
            sessions.iter_mut().for_each(|session| (0..50).for_each(|_| session.exchange(&LARGE)));
            net.queued() == before
        });
        assert_eq!(daemon.log().matches("overwrites their marks").count(), 1, "{name}");
        for server in SERVERS {
            assert!(is_cut_from(&net.home, &net.internet, server), "{name}: a miner at {server}");
        }
    }
}
