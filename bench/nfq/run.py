#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares consumers of packet queues in one run: the same packets, one consumer after another, round after
round, and medians of each round's ratios to the classic loop. Needs root; works in a network namespace of its
own, which goes with it.

Modes:
  drain     packets wait in the kernel, then the consumer is let loose: cost and rate with nothing in the way
  overload  packets come for seconds, as fast as one processor can send them: what is lost
  trickle   few packets, one by one: what waiting costs
Settings:
  same      one copy range, queue length and receive buffer for all
  own       each as its own documentation has it

A round of a consumer is void unless what it received and what the kernel lost at its socket are all the ids that
the kernel gave, and those and what found the queue full are all that was sent.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
import typing

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("BENCH_BIN", ROOT / "build" / "bench" / "bin"))
TIMEOUT = 60.0


class Consumer(typing.NamedTuple):
    program: str
    logs: bool = False  # a log group instead of a queue
    options: tuple[str, ...] = ()


CONSUMERS = {
    "classic": Consumer("classic"),
    "mnl": Consumer("mnl"),
    "batched": Consumer("batched"),
    "bare": Consumer("bare"),
    "farewell": Consumer("farewell"),
    "farewell-wait": Consumer("farewell", options=("--max-wait=10000",)),
    "classic-log": Consumer("classic_log", logs=True),
    "nflog": Consumer("nflog", logs=True),
}
BASE, CEILING = "classic", "bare"


class Mode(typing.NamedTuple):
    packets: int
    rate: int  # packets a second; 0: as fast as it goes
    waits: bool  # the packets are there before the consumer begins
    settings: tuple[str, ...]
    consumers: tuple[str, ...]
    max_length: int = 16_384


ALL = tuple(name for name in CONSUMERS if name != "farewell-wait")
MODES = {
    "drain": Mode(60_000, 0, True, ("same",), ALL, max_length=100_000),
    "overload": Mode(1_000_000, 0, False, ("same", "own"), ALL),
    "trickle": Mode(6_000, 2_000, False, ("same",), tuple(CONSUMERS)),
}


class Goal(typing.NamedTuple):
    """A column of a consumer's row, and what its median shall be."""
    what: str
    table: str
    name: str
    field: str
    most: bool  # the value is the most it may be, not the least
    value: float


GOALS = (
    Goal("CPU per packet, to classic", "drain/same", "farewell", "cpu_to_classic", True, 0.40),
    Goal("CPU per packet, to classic", "overload/same", "farewell", "cpu_to_classic", True, 0.40),
    Goal("delivered rate, to bare", "drain/same", "farewell", "rate_to_bare", False, 0.95),
    Goal("delivered rate, to bare", "overload/same", "farewell", "rate_to_bare", False, 0.95),
    Goal("classic loses", "overload/same", "classic", "unseen", False, 0.5),
    Goal("farewell loses meanwhile, in its worst round", "overload/same", "farewell", "unseen_worst", True, 0.0),
    Goal("CPU per packet of nflog, to classic", "drain/same", "nflog", "cpu_to_classic", True, 0.06),
    Goal("CPU per packet of nflog, to classic", "overload/same", "nflog", "cpu_to_classic", True, 0.06),
    Goal("system calls per packet", "overload/same", "farewell", "calls", True, 0.20),
)


def run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def set_rule(consumer: Consumer) -> None:
    """The packet is dropped in either case: by the verdict, or by the rule after the one that logs."""
    targets = [["NFLOG", "--nflog-group", "0"], ["DROP"]] if consumer.logs else [["NFQUEUE", "--queue-num", "0"]]
    run("iptables-nft", "-w", "-F", "INPUT")
    for target in targets:
        run("iptables-nft", "-w", "-A", "INPUT", "-p", "udp", "--dport", "7000", "-j", *target)


class Counters(typing.NamedTuple):
    """What the kernel says of the queue."""
    dropped_full: int  # these got no id
    lost_in_socket: int
    last_id: int


def counters() -> Counters | None:
    text = pathlib.Path("/proc/self/net/netfilter/nfnetlink_queue").read_text(encoding="ascii")
    rows = [[int(field) for field in line.split()] for line in text.splitlines()]
    return Counters(*rows[0][5:8]) if rows else None


def settled_counters() -> Counters | None:
    """After the flood: packets of a loopback device may still be on their way for a moment."""
    last, now = None, counters()
    while now != last:
        time.sleep(0.02)
        last, now = now, counters()
    return now


def is_sound(result: dict, kernel: Counters | None, logs: bool) -> bool:
    if result["received"] == 0:
        return False
    if logs:  # the kernel keeps no counters of a group; its numbers begin at 0
        return result["received"] + result["lost"] == result["last_id"] + 1 <= result["sent"]
    return (kernel is not None and result["received"] + kernel.lost_in_socket == kernel.last_id
            and kernel.last_id + kernel.dropped_full == result["sent"] and result["lost"] <= kernel.lost_in_socket)


def one(name: str, mode: Mode, settings: str) -> dict | None:
    """One consumer, one flood. None: the round is void."""
    consumer = CONSUMERS[name]
    set_rule(consumer)
    command = [str(BIN / f"bench_{consumer.program}"), *consumer.options]
    if settings == "same":
        command += ["--same", f"--max-length={mode.max_length}"]
    cpus = sorted(os.sched_getaffinity(0))
    flood = ["taskset", "-c", str(cpus[-1]), str(BIN / "bench_flood"), str(mode.packets), str(mode.rate)]
    process = subprocess.Popen(["taskset", "-c", str(cpus[0]), *command], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{name} did not start")
        if not mode.waits:
            process.stdin.write("go\n")
            process.stdin.flush()
        run(*flood)
        kernel = None if consumer.logs else settled_counters()
        output, _ = process.communicate("go\n" if mode.waits else None, timeout=TIMEOUT)
        if process.returncode != 0:
            raise RuntimeError(f"{name} failed")
        result = json.loads(output) | {"sent": mode.packets, "kernel": kernel}
    finally:
        process.kill()
        process.wait()
    if not is_sound(result, kernel, consumer.logs):
        return None
    result["cpu_ns"] = (result["user"] + result["system"]) * 1e9 / result["received"]
    result["rate"] = result["received"] / result["wall"] if result["wall"] > 0 else 0
    result["unseen"] = 1 - result["received"] / mode.packets
    return result


def median(values: list[float]) -> float:
    return statistics.median(values) if values else float("nan")


def report(title: str, rounds: list[dict[str, dict]], names: tuple[str, ...]) -> list[dict]:
    """Ratios are taken within each round, between neighbours in time, and only then their median."""
    print(f"\n{title}")
    print(f"  {'':14}{'CPU/packet':>12}{'to classic':>12}{'to bare':>10}{'rate':>12}{'to bare':>10}"
          f"{'not seen':>10}{'calls/packet':>14}")
    rows = []
    for name in names:
        mine = [one_round[name] for one_round in rounds if name in one_round]
        if not mine:
            print(f"  {name:14}{'void: received and lost do not add up':>40}")
            continue

        def ratio(field: str, other: str) -> float:
            return median([one_round[name][field] / one_round[other][field] for one_round in rounds
                           if name in one_round and other in one_round and one_round[other][field] > 0])
        row = {"name": name, "rounds": len(mine), "cpu_ns": median([r["cpu_ns"] for r in mine]),
               "cpu_to_classic": ratio("cpu_ns", BASE), "cpu_to_bare": ratio("cpu_ns", CEILING),
               "rate": median([r["rate"] for r in mine]), "rate_to_bare": ratio("rate", CEILING),
               "unseen": median([r["unseen"] for r in mine]), "unseen_worst": max(r["unseen"] for r in mine),
               "calls": median([r["system_calls"] / r["received"] for r in mine])}
        rows.append(row)
        print(f"  {name:14}{row['cpu_ns']:>9.0f} ns{row['cpu_to_classic']:>11.2f}x{row['cpu_to_bare']:>9.2f}x"
              f"{row['rate'] / 1000:>9.0f} k/s{row['rate_to_bare']:>9.2f}x{row['unseen']:>9.1%}{row['calls']:>14.3f}")
    return rows


def report_goals(tables: dict[str, list[dict]]) -> None:
    print("\ngoals")
    for goal in GOALS:
        rows = [row for row in tables.get(goal.table, []) if row["name"] == goal.name]
        if rows:
            seen = rows[0][goal.field]
            met = seen <= goal.value if goal.most else seen >= goal.value
            print(f"  {'met   ' if met else 'MISSED'}  {goal.what} ({goal.table}): {seen:.3f}, "
                  f"{'at most' if goal.most else 'at least'} {goal.value:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--consumers", default=",".join(CONSUMERS))
    parser.add_argument("--json", type=pathlib.Path, help="write every number of every round there")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench-nfq: needs root for a network namespace and its queues")
    if "BENCH_INSIDE" not in os.environ:
        os.execvpe("unshare", ["unshare", "--net", sys.executable, *sys.argv], {**os.environ, "BENCH_INSIDE": "1"})
    run("ip", "link", "set", "lo", "up")

    chosen = arguments.consumers.split(",")
    everything = {}
    for mode_name in arguments.modes.split(","):
        mode = MODES[mode_name]
        names = tuple(name for name in mode.consumers if name in chosen)
        for settings in mode.settings:
            rounds: list[dict[str, dict]] = []
            void = 0
            for number in range(arguments.rounds):
                this_round = {}
                order = names if number % 2 == 0 else tuple(reversed(names))
                for name in order:
                    result = one(name, mode, settings)
                    if result is None:
                        void += 1
                    else:
                        this_round[name] = result
                rounds.append(this_round)
            title = f"{mode_name}, {settings} settings, {mode.packets} packets, {arguments.rounds} rounds"
            rows = report(title + (f", {void} void" if void else ""), rounds, names)
            everything[f"{mode_name}/{settings}"] = {"rows": rows, "rounds": rounds}
    report_goals({name: table["rows"] for name, table in everything.items()})
    if arguments.json:
        arguments.json.write_text(json.dumps(everything, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
