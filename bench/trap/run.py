#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What scanners learn of fifteen open ports behind the trap, and what ordinary clients pay for it.

run.py [--runs N] [--daemon FILE] [--only WORD]: in network namespaces of its own, as root; about twenty minutes for twenty
runs each. A scan is cut short two seconds after its source was banned, because from then on nothing answers it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import unittest

_ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.join(_ROOT, "tests/e2e"))
sys.dont_write_bytecode = True

import programs  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--bin", default=os.path.join(_ROOT, "build/release/bin"), help="where farewelld and farewell are")
    parser.add_argument("--only", default="", help="only measurements whose name holds this")
    return parser.parse_args()


OPTIONS = arguments()
programs.choose(OPTIONS.bin)

import trap_world  # noqa: E402 (it reads the environment)
import world  # noqa: E402

SCANS = {
    "nmap -sS": ("-sS",),
    "nmap -6 -sS": ("-6", "-sS"),
    "nmap -sS -g 53": ("-sS", "-g", "53"),
    "nmap -sT": ("-sT",),
    "nmap -6 -sT": ("-6", "-sT"),
    "nmap -sU, top 100": ("-sU", "--top-ports", "100"),
    "nmap -6 -sU, top 100": ("-6", "-sU", "--top-ports", "100"),
    "nmap -sA": ("-sA",),
    "nmap -sF": ("-sF",),
}


# SYNs of a bare stack from 50,000 addresses, again and again, as fast as they go.
_FLOOD = """
import sys
sys.path.insert(0, sys.argv[1])
import packets, world
frames = [packets.ethernet(sys.argv[2], packets.tcp(f"10.{sys.argv[3]}.{i >> 8}.{i & 255}", world.SERVER4, 80))
          for i in range(50000)]
print("ready", flush=True)
while True:
    packets.send_frames(frames)
"""


class Measurement(trap_world.TrapWorld):
    def setUp(self):
        super().setUp()
        self.held_before = 0

    def wants(self, name):
        return OPTIONS.only in name

    def test_scans(self):
        daemon = self.start_trap()
        print(f"{'scan':22} {'runs':>4} {'revealed, of 15':>16} {'most':>4} {'held':>5} {'closed ports before the ban':>28}")
        for name, scan in SCANS.items():
            if self.wants(name):
                self.series(name, daemon, lambda scan=scan: self.nmap(*scan), 6 if "-6" in scan else 4)
        if self.wants("masscan"):
            self.series("masscan 10 k/s", daemon, lambda: self.masscan(), 4)

    def series(self, name, daemon, scan, family):
        revealed, held, passed, all_found = [], [], [], []
        for _ in range(OPTIONS.runs):
            self.server.run("nft", "reset", "counters", "table", "inet", "operator", check=False)
            closed, before = self.reached_operator(), self.held_packets()
            found = scan()
            source = world.ATTACKER6 if family == 6 else world.ATTACKER4
            self.wait_banned(source, 60)
            revealed.append(len(found))
            all_found.append(found)
            held.append(self.held_packets() - before)
            passed.append(self.reached_operator() - closed)
            self.forget(daemon)
        if any(revealed):
            print(f"  {name}: {[found for found in all_found if found]}")
        print(f"{name:22} {OPTIONS.runs:4} {statistics.mean(revealed):16.2f} {max(revealed):4} "
              f"{statistics.mean(held):5.1f} {statistics.median(passed):20.0f} (most {max(passed)})", flush=True)

    def test_clients(self):
        if not self.wants("clients"):
            return
        print(f"{'connections':44} {'median ms':>10} {'p95 ms':>8} {'most ms':>8}")
        self.curl("ordinary stack, without farewell")
        self.start_trap("trap.hold=3s")
        self.curl("ordinary stack, with the trap")
        self.curl("ordinary stack, with the trap, IPv6", world.SERVER6_FOR_CLIENT)
        times = []
        for _ in range(OPTIONS.runs):
            self.can_connect(self.client, world.SERVER4_FOR_CLIENT, 81, 0.05)
            times += self.connect_times(self.client, world.SERVER4_FOR_CLIENT, (80,))
        self.tell("ordinary stack, right after a closed port", times)
        time.sleep(4)  # nobody is suspect any more
        self.bare_stack(self.client)
        times = []
        for _ in range(OPTIONS.runs):
            times += self.connect_times(self.client, world.SERVER4_FOR_CLIENT, (80,))
        self.tell("bare stack", times)

    def curl(self, name, address=world.SERVER4_FOR_CLIENT):
        self.tell(name, self.curl_times(self.client, address, trap_world.OPEN_TCP * max(1, OPTIONS.runs // 5)))

    def tell(self, name, times):
        ordered = sorted(times)
        print(f"{name:44} {1000 * statistics.median(times):10.2f} {1000 * ordered[int(0.95 * (len(ordered) - 1))]:8.2f} "
              f"{1000 * ordered[-1]:8.2f}", flush=True)

    def test_flood(self):
        if not self.wants("flood"):
            return
        self.start_trap()
        self.bare_stack(self.client)
        floods = [self.attacker.start("python3", "-c", _FLOOD, os.path.dirname(os.path.abspath(trap_world.__file__)),
                                      self.server_mac, str(network), stdout=subprocess.PIPE) for network in (1, 2)]
        try:
            for flood in floods:
                flood.stdout.readline()
            time.sleep(2)
            received, begin = self.received(), time.monotonic()
            times = []
            for _ in range(10):
                times += self.connect_times(self.client, world.SERVER4_FOR_CLIENT, (22, 443))
            rate = (self.received() - received) / (time.monotonic() - begin)
            filled = len(self.elements("held_tcp4"))
        finally:
            for flood in floods:
                flood.kill()
                flood.wait()
                flood.stdout.close()
        print(f"flood of {rate / 1000:.0f} k SYNs/s to an open port of 100 k addresses: {filled} of 65536 elements held")
        self.tell("bare stack, during the flood", times)
        begin = time.monotonic()
        world.wait_until(lambda: len(self.elements("held_tcp4")) < 1000, "room again", 60)
        print(f"the set has room again after {time.monotonic() - begin:.1f} s")

    def received(self):
        links = json.loads(self.server.run("ip", "-j", "-s", "link", "show", "dev", "att").stdout)
        return links[0]["stats64"]["rx"]["packets"]


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=0)
