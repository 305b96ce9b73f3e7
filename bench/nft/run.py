#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What bans cost in nftables: one ban's transaction, all of them put back after a flush, and a packet of somebody who
is not banned. Ours beside a rule for each ban, an interval set with timeouts and a policy that drops. One measurement
after another, each in a network namespace of its own, in turn forwards and backwards; ratios are taken within a round,
and the tables have their medians. Prints Markdown. Needs root.
"""

import argparse
import ctypes
import json
import os
import pathlib
import platform
import signal
import statistics
import subprocess
import sys
import typing

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = pathlib.Path(os.environ.get("BENCH_BIN", ROOT / "build" / "bench" / "bin")) / "bench_nftables"
TIMEOUT = 120.0
_PR_SET_PDEATHSIG = 1


class Measurement(typing.NamedTuple):
    what: str
    way: str
    held: int


def size_text(held: int) -> str:
    return {0: "0", 1_000: "1 k", 10_000: "10 k", 100_000: "100 k", 1_000_000: "1 M"}[held]


COMMITS = [Measurement("commit", way, held) for way, most in
           (("farewell", 1_000_000), ("interval", 100_000), ("rules", 10_000))
           for held in (0, 1_000, 10_000, 100_000, 1_000_000) if held <= most]
RESTORES = [Measurement("restore", "farewell", held) for held in (1_000, 100_000, 1_000_000)]
PACKETS = [Measurement("packet", "plain", 0),
           *(Measurement("packet", "farewell", held) for held in (0, 1_000, 100_000, 1_000_000)),
           Measurement("packet", "interval", 1_000), Measurement("packet", "interval", 100_000),
           Measurement("packet", "rules", 1_000)]
BASE = Measurement("packet", "plain", 0)
LARGE, EMPTY = Measurement("commit", "farewell", 1_000_000), Measurement("commit", "farewell", 0)


def measure(measurement: Measurement, seconds: float) -> dict:
    arguments = [measurement.what, measurement.way, str(measurement.held), str(seconds)]
    if measurement.what == "restore":
        arguments = [measurement.what, str(measurement.held)]
    libc = ctypes.CDLL(None)
    done = subprocess.run(["unshare", "--net", PROGRAM, *arguments], check=True, timeout=TIMEOUT, text=True,
                          stdout=subprocess.PIPE, preexec_fn=lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL))
    return json.loads(done.stdout)


class Rounds:
    """Results of all rounds."""

    def __init__(self) -> None:
        self.rounds: list[dict[Measurement, dict]] = []

    def median(self, measurement: Measurement, field: str) -> float:
        return statistics.median(one[measurement][field] for one in self.rounds)

    def ratio(self, measurement: Measurement, base: Measurement, field: str) -> float:
        return statistics.median(one[measurement][field] / one[base][field] for one in self.rounds)

    def has(self, measurement: Measurement) -> bool:
        return all(measurement in one for one in self.rounds)


def report_commits(rounds: Rounds) -> None:
    print("\n| one ban | held | in the netlink call, p50 | p99 | to 0 held, p50 | to its acknowledgement, p50 | p99 |"
          " CPU p50 | CPU p99 |\n|---|---|---|---|---|---|---|---|---|")
    for one in filter(rounds.has, COMMITS):
        empty = one._replace(held=0)
        call50, call99, p50, p99, cpu50, cpu99 = (rounds.median(one, field) for field in (
            "call_p50_us", "call_p99_us", "p50_us", "p99_us", "cpu_p50_us", "cpu_p99_us"))
        print(f"| {one.way} | {size_text(one.held)} | {call50:.1f} us | {call99:.1f} us |"
              f" {rounds.ratio(one, empty, 'call_p50_us'):.2f} | {p50:.1f} us | {p99:.1f} us |"
              f" {cpu50:.1f} us | {cpu99:.1f} us |")


def report_restores(rounds: Rounds) -> None:
    print("\n| bans put back after a flush | in all | of it building | CPU | CPU in the kernel | CPU a ban |"
          " looking at the rules | listing |\n|---|---|---|---|---|---|---|---|")
    for one in filter(rounds.has, RESTORES):
        whole, ban, cpu, kernel, intact = (rounds.median(one, field) for field in
                                           ("whole", "ban", "whole_cpu", "kernel_cpu", "is_intact"))
        listing = f"{rounds.median(one, 'list'):.3f} s" if "list" in rounds.rounds[0][one] else "not tried"
        print(f"| {size_text(one.held)} | {whole:.3f} s | {(whole - ban) * 1e3:.1f} ms | {cpu:.3f} s | {kernel:.3f} s |"
              f" {cpu / one.held * 1e6:.1f} us | {intact * 1e3:.1f} ms | {listing} |")


def report_packets(rounds: Rounds) -> None:
    print("\n| a packet of nobody banned | held | CPU | to a plain policy |\n|---|---|---|---|")
    for one in filter(rounds.has, PACKETS):
        print(f"| {one.way} | {size_text(one.held)} | {rounds.median(one, 'cpu_ns'):.0f} ns |"
              f" {rounds.ratio(one, BASE, 'cpu_ns'):.2f} |")


class Goal(typing.NamedTuple):
    what: str
    seen: float
    most: float
    unit: str = ""


def report_goals(rounds: Rounds) -> None:
    million = Measurement("restore", "farewell", 1_000_000)
    ours = [one for one in COMMITS if one.way == "farewell"]
    goals = [
        Goal("one ban in the netlink call, p99, the worst of all sizes",
             max(rounds.median(one, "call_p99_us") for one in ours), 10, " us"),
        Goal("one ban with a million held to one with none, p50", rounds.ratio(LARGE, EMPTY, "call_p50_us"), 1.5),
        Goal("a million put back after a flush", rounds.median(million, "whole"), 2, " s"),
        Goal("the same in CPU time", rounds.median(million, "whole_cpu"), 2, " s"),
        Goal("a packet of nobody banned, a million held, to a plain policy",
             rounds.ratio(Measurement("packet", "farewell", 1_000_000), BASE, "cpu_ns"), 2),
    ]
    print("\n| goal | seen | |\n|---|---|---|")
    for goal in goals:
        print(f"| {goal.what}: at most {goal.most:g}{goal.unit} | {goal.seen:.2f}{goal.unit} |"
              f" {'met' if goal.seen <= goal.most else 'missed'} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--small", action="store_true", help="at most a thousand bans: shows that it runs")
    parser.add_argument("--json", type=pathlib.Path, help="write every number of every round there")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench-nft: needs root for network namespaces and their rulesets")

    seconds = 0.02 if arguments.small else 0.7
    chosen = [one for one in (*COMMITS, *RESTORES, *PACKETS) if not arguments.small or one.held <= 1_000]
    loads = [os.getloadavg()[0]]
    rounds = Rounds()
    for number in range(arguments.rounds):
        rounds.rounds.append({one: measure(one, seconds) for one in (chosen if number % 2 == 0 else reversed(chosen))})
        loads.append(os.getloadavg()[0])
        print(f"round {number + 1} of {arguments.rounds} done", file=sys.stderr)
    print(f"Linux {platform.release()}, {len(os.sched_getaffinity(0))} processors, {arguments.rounds} rounds,"
          f" load {min(loads):.1f} to {max(loads):.1f}")
    report_commits(rounds)
    report_restores(rounds)
    report_packets(rounds)
    if not arguments.small:
        report_goals(rounds)
    if arguments.json:
        plain = [[{**one._asdict(), **result} for one, result in this.items()] for this in rounds.rounds]
        arguments.json.write_text(json.dumps(plain, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
