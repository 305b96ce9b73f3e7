# SPDX-License-Identifier: GPL-2.0-or-later
"""Who scans the server, and who only looks as if: drawn by lot from a seed. What each must lead to goes into the ledger."""

import itertools
import time
import typing

from defenders import ALL_TCP, OPEN_UDP
from ledger import Scan
from packets import ACK, FIN, PSH, SYN
from scene import ALLOWED, CONNECTING4, CONNECTING6, KNOCKER
from visitors import CLOSED_TCP, GATEWAY, RESOLVER
from world import SERVER4, SERVER6

CLOSED = [port for port in range(1, 30000) if port not in ALL_TCP]
# Ports of discovery and of answers are judged by other rules.
CLOSED_UDP = [port for port in range(2, 1024) if port not in (*OPEN_UDP, 67, 68, 69, 137, 138, 427, 443, 500, 546, 547)]
PORTS = 12  # of an ordinary scan: more than any threshold that a reload sets
XMAS = FIN | PSH | 32  # and URG
DNS_ANSWER = bytes.fromhex("12348180000100010000000007") + b"example\3org\0\0\1\0\1"

SCANS = ("raw", "raw", "raw IPv6", "raw IPv6", "connect", "connect IPv6", "login and connect", "udp", "xmas", "slow", "slow connect",
         "many sources", "neighbours", "decoys")
INNOCENT = ("forged gateway", "forged resolver", "allowlisted", "few ports", "late answers", "backscatter")


class Plan(typing.NamedTuple):
    """A scan, as it is made, and made once more by the same sources if something got in between."""
    kind: str
    expected: tuple  # addresses, each of which must be covered by a ban
    sources: tuple  # those who take part


class Scanners:
    def __init__(self, stage, draw):
        """`stage` has the scene, the jobs, the ledger, the pace, `note` and `violated`."""
        self._stage, self._ledger, self._draw = stage, stage.ledger, draw
        self._plans = {}  # by scan that is over and not banned yet
        self._used = set()  # addresses that were drawn
        self.packets = 0  # of connect scans: ports
        for address in ALLOWED:
            self._ledger.protect(address, "on the allowlist")
        for address in stage.scene.own_addresses():
            self._ledger.protect(address, "the server's own")
        self._ledger.protect(GATEWAY, "the gateway")
        self._ledger.protect(RESOLVER, "the resolver")

    def knock(self):
        """Somebody who is banned for ever asks for ever."""
        self._stage.jobs.start("attacker", lambda answer: self._stage.violated(f"the knocker ended: {answer}"), "knock", source=KNOCKER,
                               server=SERVER4, port=53, mac=self._stage.scene.server_mac, interval=0.02)

    def repeat_a_lot(self, count):
        """Two hundred sources, each of which has seen two closed ports and insists on them: nobody is banned for that."""
        sources, ports = [f"198.18.99.{number}" for number in range(1, 201)], [31001, 31002]
        for source in sources:
            self._ledger.protect(source, "who insists on two ports")
        over = []
        self._stage.jobs.start("attacker", over.append, "repeat", sources=sources, server=SERVER4, ports=ports, flags=XMAS,
                               mac=self._stage.scene.server_mac, times=count // len(sources) // len(ports), interval=0.0003)
        self._stage.wait(lambda: over, "all is sent", 180.0)

    def crowd(self, count):
        """So many scanners at once, until all are banned."""
        sources = tuple(self._new4() for _ in range(count))
        self._send(Plan("many sources", sources, sources), _by_turns([self._syns(source, PORTS) for source in sources]), 0.002, 1)
        self._stage.wait(lambda: not self._ledger.busy() & set(sources), "all of a crowd are banned", 120.0)

    def scan(self):
        if self._draw.random() > 0.75:
            self._look_like_one(self._draw.choice(INNOCENT))
            return
        kind = self._draw.choice(SCANS)
        if kind == "many sources":
            sources = tuple(self._new4() for _ in range(self._draw.randint(5, 20)))
        elif kind == "decoys":
            sources = tuple(self._new4() for _ in range(4))
        elif kind == "neighbours":
            network = self._new6().rsplit("::", 1)[0]
            sources = tuple(f"{network}::{number:x}" for number in range(16, 40))
        elif "connect" in kind:
            sources = self._free(CONNECTING6 if kind == "connect IPv6" else CONNECTING4)
        else:
            sources = (self._new6() if kind == "raw IPv6" else self._new4(),)
        if sources:  # else everybody who could is banned
            self._make(Plan(kind, sources[:1] if kind == "neighbours" else sources, sources), 1)

    def repeat(self):
        """Whoever scanned while nobody looked tries again."""
        for scan in self._ledger.to_repeat(time.monotonic()):
            self._make(self._plans[scan], scan.tries + 1)
        waiting = set(self._ledger.pending)
        self._plans = {scan: plan for scan, plan in self._plans.items() if scan in waiting}

    def _make(self, plan, tries):
        self._stage.note(f"{plan.kind} scan by {', '.join(plan.expected[:3])}" + (f", try {tries}" if tries > 1 else ""))
        if "connect" in plan.kind:
            self._connect(plan, tries)
            return
        interval = self._draw.choice((0.005, 0.02, 0.05))
        source = plan.sources[0]
        if plan.kind == "udp":
            probes = [("udp", source, SERVER4, port, self._draw.randrange(40000, 60000), "") for port in self._draw.sample(CLOSED_UDP, PORTS)]
        elif plan.kind == "xmas":
            probes = self._syns(source, PORTS, XMAS)
        elif plan.kind == "slow":
            probes, interval = self._syns(source, 8), self._draw.uniform(*self._stage.pace.slow)
        elif plan.kind == "many sources":
            probes = _by_turns([self._syns(one, PORTS) for one in plan.sources])
        elif plan.kind == "neighbours":
            probes = _by_turns([self._syns(one, 2 + tries) for one in plan.sources])
        elif plan.kind == "decoys":  # the same ports in the same order
            ports, interval = self._draw.sample(CLOSED, PORTS), 0.005
            probes = [probe for port in ports for one in plan.sources for probe in self._syns(one, 1, ports=[port])]
        else:
            probes = self._syns(source, self._draw.choice((PORTS, 40)))
        self._send(plan, probes, interval, tries)

    def _connect(self, plan, tries):
        ports = self._draw.sample(CLOSED_TCP, 14)
        self.packets += len(ports)
        self._begin(plan, tries, "connect", source=plan.sources[0], server=SERVER6 if ":" in plan.sources[0] else SERVER4, ports=ports,
                    interval=self._draw.uniform(0.3, 1.2) if plan.kind == "slow connect" else 0.02, login=22 if plan.kind == "login and connect" else 0)

    def _look_like_one(self, kind):
        """Whatever this leads to, it is no ban."""
        if kind.startswith("forged"):
            probes = self._syns(GATEWAY if kind.endswith("gateway") else RESOLVER, 40)
        elif kind == "allowlisted":
            probes = self._syns(self._draw.choice(ALLOWED), 40)
        else:
            source = self._new4()
            self._ledger.protect(source, f"who sent {kind}")
            if kind == "few ports":
                probes = self._syns(source, 3)
            elif kind == "late answers":
                probes = [("udp", source, SERVER4, port, 53, DNS_ANSWER.hex()) for port in self._draw.sample(range(33000, 60000), 10)]
            else:
                probes = self._syns(source, 40, SYN | ACK)
        self._send(Plan(kind, (), ()), probes, 0.01, 1)

    def _send(self, plan, probes, interval, tries):
        self.packets += len(probes)
        self._begin(plan, tries, "send", probes=probes, mac=self._stage.scene.server_mac, interval=interval)

    def _begin(self, plan, tries, job, **arguments):
        begin = time.monotonic()

        def when_done(answer):
            if "failed" in answer:
                self._stage.violated(f"a scan could not be made: {answer['failed']}")
            scan = Scan(plan.kind, plan.expected, begin, time.monotonic(), tries)
            self._ledger.end_scan(number, scan)
            self._plans[scan] = plan
        number = self._stage.jobs.start("attacker", when_done, job, **arguments)
        self._ledger.begin_scan(number, plan.sources, plan.kind)

    # What is drawn by lot.

    def _new4(self):
        return self._fresh(lambda: f"198.18.{self._draw.randrange(128, 256)}.{self._draw.randrange(1, 255)}")

    def _new6(self):
        return self._fresh(lambda: f"2001:db8:{self._draw.randrange(0x1000, 0x2000):x}:{self._draw.randrange(1, 0x10000):x}::"
                                   f"{self._draw.randrange(1, 0x10000):x}")

    def _fresh(self, draw):
        while True:
            address = draw()
            if address not in self._used:
                self._used.add(address)
                return address

    def _free(self, addresses):
        """One who has nothing to do and is not banned, if there is any."""
        busy = self._ledger.busy()
        free = [address for address in addresses if address not in busy and not self._ledger.is_covered(address)]
        return (self._draw.choice(free),) if free else ()

    def _syns(self, source, count, flags=SYN, ports=None):
        server = SERVER6 if ":" in source else SERVER4
        return [("tcp", source, server, port, self._draw.randrange(32768, 60000), flags) for port in ports or self._draw.sample(CLOSED, count)]


def _by_turns(lists):
    """One of each, so that all are under way at the same time."""
    return [probe for turn in itertools.zip_longest(*lists) for probe in turn if probe is not None]
