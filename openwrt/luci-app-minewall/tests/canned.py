"""Answers of the ubus object, in the shape that openwrt/UBUS.md gives them; test_live.py holds them to the daemon's."""

import copy
from datetime import datetime, timedelta, timezone


def ago(**time):
    """That long ago, as the daemon writes it."""
    return (datetime.now(timezone.utc) - timedelta(**time)).strftime("%Y-%m-%dT%H:%M:%SZ")


DAEMON = {
    "version": "0.1.0", "mode": "block", "uptime": 273845, "packets": 81234567, "packets_minute": 420, "payload_packets": 1234567,
    "not_tcp": 9, "malformed": 0, "detections": 17, "suspects": 2, "resets": 14, "let_go": 900,
    "flows": {"used": 212, "capacity": 8192, "opened": 99, "expired": 9, "evicted_settled": 0,
              "evicted_undecided": 0, "refused": 0},
    "assembly": {"used": 0, "capacity": 64, "taken_away": 0},
    "queue": {"number": 1330, "queues": 2, "waiting": 0, "dropped": 3, "user_dropped": 1, "facts_lost": 0},
    "probes": {"pool": 1, "not_pool": 2, "inconclusive": 0, "known": 0, "forbidden": 0, "too_many": 0, "dry": 0,
               "lost": 0},
    "learned": {"dpi": 3, "probe": 1, "operator": 0, "fleet": 0, "blocking": 4, "refused_by_kernel": 52},
    "lists": {"files": 3, "entries": 1200, "bytes": 40000, "dns_answers": 7},
    "verdicts_failed": 0, "unreported": 0, "collector": None, "fleet": [], "watched": [], "hosts": [],
}

STATUS = {
    "state": "protecting", "problems": [], "version": "0.1.0", "enabled": True, "mode": "block", "running": True,
    "rules": True, "selftest": None, "suspended": 0, "daemon": DAEMON,
}


def status(**changes):
    """`status` with other members."""
    return {**copy.deepcopy(STATUS), **changes}


def off(code, text, **changes):
    """`status` of a service that does not watch."""
    return status(state="off", problems=[{"code": code, "text": text}], running=False, rules=False, daemon=None,
                  **changes)


def host(**changes):
    """One of `hosts`."""
    return {"client": "192.168.1.50", "mac": "02:00:5e:10:00:01", "host": "childs-laptop", "detections": 3,
            "first_time": ago(hours=5), "last_time": ago(minutes=3), "server": "203.0.113.9:3333",
            "dialect": "cryptonote", "verdict": "blocked", "unreported": 0, "host_allowed": False,
            "server_allowed": False, **changes}


def event(**changes):
    """One of `events`."""
    return {"event": "detection", "time": ago(minutes=3), "client": "192.168.1.50", "mac": "02:00:5e:10:00:01",
            "host": "childs-laptop", "server": "203.0.113.9:3333", "server_name": "pool.example", "server_is_pool": True,
            "dialect": "cryptonote", "coin": "rx/0",
            "agent": "XMRig/6.26.0 (Linux x86_64)", "wallet": "48edfH..Zx2q", "source": "dpi",
            "evidence": "login from the client", "verdict": "blocked", "payload_packets": 1, **changes}


def feed(**changes):
    """One of `feeds` of `lists`."""
    return {"name": "pools", "enabled": 1, "url": "https://lists.example/pools.txt", "policy": "suspect", "interval": "24",
            "entries": 1200, "last_success": 1700000000, "last_error": None, **changes}


def household():
    """Hosts and events of a house in which something goes on."""
    office = {"client": "192.168.1.77", "mac": "02:00:5e:10:00:09", "host": "office-pc", "verdict": "suspected",
              "server": "198.51.100.20:443", "dialect": "unknown"}
    unnamed = {"server_name": None, "server_is_pool": False}
    cellar = {"client": "192.168.1.12", "mac": "02:00:5e:10:00:07", "host": "rig-in-the-cellar",
              "server": "198.51.100.7:14444", "dialect": "stratum"}
    hosts = [
        host(),
        host(**office, detections=2, first_time=ago(hours=13), last_time=ago(hours=8)),
        host(**cellar, detections=12, first_time=ago(hours=67), last_time=ago(minutes=66), host_allowed=True),
    ]
    miner = {**unnamed, "coin": None, "agent": "cgminer/4.12", "wallet": None, "evidence": "subscribe from the client"}
    events = [event(**cellar, **miner, time=ago(minutes=minutes)) for minutes in range(1400, 60, -97)]
    events += [event(**office, **unnamed, event="suspicion", coin=None, agent=None, wallet=None, source="hmm", time=ago(hours=hours),
                     evidence="its sizes and times over 14 packets") for hours in (13, 8)]
    events += [event(time=ago(minutes=minutes)) for minutes in (300, 120, 3)]
    return hosts, sorted(events, key=lambda one: one["time"])
