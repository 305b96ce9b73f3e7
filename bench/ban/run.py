#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""From the tenth probe on the wire to the element in the kernel's set, with the real farewelld in a network namespace
and a sender in another one. Prints Markdown. Needs root.

  latency  probes of many sources, ten each, at a steady rate: when the kernel tells of the ban
  chase    one source after another sends forty probes without pause: how many pass after the tenth
  storm    ten thousand sources send ten probes each, as fast as one processor can: when the last ban is there
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import typing

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("BENCH_BIN", ROOT / "build" / "bench" / "bin"))
os.environ.setdefault("FAREWELLD", str(BIN / "farewelld"))
os.environ.setdefault("FAREWELL", str(BIN / "farewell"))
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
import world  # pylint: disable=wrong-import-position

TIMEOUT = 120.0
SENDER, SERVER = "198.18.0.1", "198.18.0.2"
SETTINGS = ("detect.rule=plain", "detect.threshold=10", "detect.decoys=ban", "ban.per_minute=1000000")


class Capture(typing.NamedTuple):
    target: tuple[str, ...]
    settings: tuple[str, ...] = ()


CAPTURES = {"NFQUEUE": Capture(("NFQUEUE", "--queue-balance", "0:3")),
            "NFLOG": Capture(("NFLOG", "--nflog-group", "9"), ("capture.source=nflog", "capture.group=9"))}


class Sizes(typing.NamedTuple):
    latency: int
    chase: int
    storm: int
    rate: int = 10_000  # probes a second


FULL, SMALL = Sizes(2_000, 100, 10_000), Sizes(50, 5, 100)
THRESHOLD = 10

# Before the queue's rule and after our own table, which drops who is banned.
COUNT = """table ip bench {
  set seen { type ipv4_addr; size 65535; flags dynamic; }
  chain input { type filter hook input priority -1; update @seen { ip saddr counter }; }
}
"""


class Arena:
    """A sender's namespace and a server's with farewelld in it, removed on every way out."""

    def __init__(self, capture: Capture, wrapper: tuple[str, ...]) -> None:
        self.directory = tempfile.mkdtemp(prefix="farewell-bench-")
        self._closing = []
        os.chmod(self.directory, 0o755)
        try:
            self._build(capture, wrapper)
        except BaseException:
            self.close()
            raise

    def _build(self, capture: Capture, wrapper: tuple[str, ...]) -> None:
        self.server, self.sender = self._own(world.Namespace()), self._own(world.Namespace())
        self.server.run("ip", "link", "add", "wire", "type", "veth",
                        "peer", "name", "eth0", "netns", str(self.sender.pid))
        for namespace, device, address in ((self.server, "wire", SERVER), (self.sender, "eth0", SENDER)):
            namespace.run("ip", "addr", "add", f"{address}/15", "dev", device)
            namespace.run("ip", "link", "set", device, "up")
        self.mac = json.loads(self.server.run("ip", "-j", "link", "show", "dev", "wire").stdout)[0]["address"]
        for rule in (["-P", "INPUT", "DROP"], ["-A", "INPUT", "-i", "lo", "-j", "ACCEPT"],
                     ["-A", "INPUT", "-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "ACCEPT"],
                     ["-A", "INPUT", "-j", *capture.target]):
            self.server.run("iptables-nft", "-w", *rule)
        settings = [word for setting in (*SETTINGS, *capture.settings) for word in ("--set", setting)]
        self.daemon = self._own(world.Daemon(self.server, self.directory, settings, wrapper=wrapper))
        self.daemon.wait_ready()

    def _own(self, thing):
        self._closing.append(thing)
        return thing

    def probe(self, mode: str, first: int, sources: int, rate: int) -> dict:
        environment = dict(os.environ, SERVER_NETNS=f"/proc/{self.server.pid}/ns/net", SERVER_MAC=self.mac)
        process = self.sender.start(str(BIN / "bench_prober"), mode, str(first), str(sources), str(rate),
                                    stdout=subprocess.PIPE, text=True, env=environment)
        try:
            output, _ = process.communicate(timeout=TIMEOUT)
        finally:
            process.kill()
            process.wait()
        if process.returncode != 0:
            raise RuntimeError(f"bench_prober {mode} failed")
        return json.loads(output)

    def passed(self) -> list[int]:
        """How many packets of each source came by after the one that decided."""
        listing = json.loads(self.server.run("nft", "-j", "list", "set", "ip", "bench", "seen").stdout)
        elements = next(entry["set"]["elem"] for entry in listing["nftables"] if "set" in entry)
        return [element["elem"]["counter"]["packets"] - THRESHOLD for element in elements]

    def start_counting(self) -> None:
        path = os.path.join(self.directory, "count.nft")
        pathlib.Path(path).write_text(COUNT, encoding="ascii")
        self.server.run("nft", "-f", path)

    def stop_counting(self) -> None:
        self.server.run("nft", "delete", "table", "ip", "bench")

    def close(self) -> None:
        for thing in reversed(self._closing):
            thing.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def one_round(capture: Capture, sizes: Sizes, wrapper: tuple[str, ...]) -> dict:
    arena = Arena(capture, wrapper)
    try:
        result = {"latency": arena.probe("latency", 0, sizes.latency, sizes.rate)}
        arena.start_counting()
        result["chase"] = arena.probe("chase", sizes.latency, sizes.chase, sizes.rate)
        passed = sorted(arena.passed())
        arena.stop_counting()
        result["passed"] = {"p50": passed[len(passed) // 2], "p99": passed[(len(passed) - 1) * 99 // 100],
                            "max": passed[-1]}
        result["storm"] = arena.probe("storm", sizes.latency + sizes.chase, sizes.storm, 0)
        result["status"] = arena.daemon.status()
        return result
    finally:
        arena.close()


class Goal(typing.NamedTuple):
    what: str
    part: str
    field: str
    most: float
    unit: str


GOALS = (Goal("tenth probe to the ban, p50", "latency", "p50_us", 100, " us"),
         Goal("tenth probe to the ban, p99", "latency", "p99_us", 1_000, " us"),
         Goal("probes that pass after the tenth, at 10,000 a second, p99", "passed", "p99", 5, ""))


def report(rounds: list[dict[str, dict]], sizes: Sizes) -> None:
    def median(name: str, part: str, field: str) -> float:
        return statistics.median(this[name][part][field] for this in rounds)

    def worst(name: str, part: str, field: str) -> float:
        return max(this[name][part][field] for this in rounds)

    print("\n| tenth probe to the ban | banned | p50 | p99 | worst of all |\n|---|---|---|---|---|")
    for name in CAPTURES:
        print(f"| {name} | {median(name, 'latency', 'banned'):.0f} of {sizes.latency} |"
              f" {median(name, 'latency', 'p50_us'):.0f} us | {median(name, 'latency', 'p99_us'):.0f} us |"
              f" {worst(name, 'latency', 'max_us') / 1e3:.1f} ms |")
    print("\n| probes that pass after the tenth | banned | p50 | p99 | worst of all |\n|---|---|---|---|---|")
    for name in CAPTURES:
        print(f"| {name} | {median(name, 'chase', 'banned'):.0f} of {sizes.chase} |"
              f" {median(name, 'passed', 'p50'):.0f} | {median(name, 'passed', 'p99'):.0f} | {worst(name, 'passed', 'max'):.0f} |")
    print(f"\n| {sizes.storm} sources at once | banned | sending took | all in the kernel after the first probe |"
          " after the last probe |\n|---|---|---|---|---|")
    for name in CAPTURES:
        print(f"| {name} | {median(name, 'storm', 'banned'):.0f} of {sizes.storm} |"
              f" {median(name, 'storm', 'sending_us') / 1e3:.0f} ms |"
              f" {median(name, 'storm', 'from_first_us') / 1e3:.0f} ms |"
              f" {median(name, 'storm', 'from_last_us') / 1e3:.1f} ms |")
    print("\n| goal | NFQUEUE | NFLOG |\n|---|---|---|")
    for goal in GOALS:
        seen = [median(name, goal.part, goal.field) for name in CAPTURES]
        columns = " | ".join(f"{value:.0f}{goal.unit}, {'met' if value <= goal.most else 'missed'}" for value in seen)
        print(f"| {goal.what}: at most {goal.most:g}{goal.unit} | {columns} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--small", action="store_true", help="few sources: shows that it runs")
    parser.add_argument("--realtime", action="store_true",
                        help="farewelld before everything else (SCHED_FIFO), as on a machine that is not busy")
    parser.add_argument("--json", type=pathlib.Path, help="write every number of every round there")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench-ban: needs root for network namespaces and queues")

    sizes = SMALL if arguments.small else FULL
    wrapper = ("chrt", "--fifo", "1") if arguments.realtime else ()
    loads = [os.getloadavg()[0]]
    rounds = []
    for number in range(arguments.rounds):
        names = list(CAPTURES) if number % 2 == 0 else list(reversed(CAPTURES))
        rounds.append({name: one_round(CAPTURES[name], sizes, wrapper) for name in names})
        loads.append(os.getloadavg()[0])
        print(f"round {number + 1} of {arguments.rounds} done", file=sys.stderr)
    print(f"Linux {platform.release()}, {len(os.sched_getaffinity(0))} processors, {arguments.rounds} rounds,"
          f" load {min(loads):.1f} to {max(loads):.1f}, {time.strftime('%d %B %Y')}"
          + (", farewelld before everything else" if arguments.realtime else ""))
    report(rounds, sizes)
    if arguments.json:
        arguments.json.write_text(json.dumps(rounds, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
