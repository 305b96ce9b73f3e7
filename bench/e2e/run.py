#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole path: probes from one network namespace, farewelld in another, beside programs that do what the article asks for, nftables alone, and nobody.
Round after round, in turn forwards and backwards, each measurement in namespaces of its own. Needs root.

  rate     the highest rate of probes without any loss, and what a packet costs there and at a rate that everybody bears
  calm     from the tenth probe to the ban, one scanner after another
  busy     the same among half as many probes as the defender's highest rate
  storm    ten thousand scanners at once, with ordinary ones among them
  memory   a million sources, and another million; in the first round only
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
import typing

_ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path[0:0] = [os.path.join(_ROOT, "tests/e2e"), os.path.join(_ROOT, "bench")]
sys.dont_write_bytecode = True

import programs  # noqa: E402

PARTS = ("rate", "calm", "busy", "storm", "memory")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--parts", default=",".join(PARTS), help="only these (%(default)s)")
    parser.add_argument("--defender", default="", metavar="WORD", help="only defenders whose name holds this")
    parser.add_argument("--quick", action="store_true", help="little of everything; fails if anybody bans nobody or farewelld loses a packet")
    parser.add_argument("--bin", default=os.path.join(_ROOT, "build/bench/bin"), help="where farewelld, farewell and the bench's programs are")
    parser.add_argument("--keep", default=os.path.join(_ROOT, "build/e2e.jsonl"), metavar="FILE", help="where the results go, a line each")
    parser.add_argument("--no-run", action="store_true", help="only tell, or write, what --keep holds")
    parser.add_argument("--markdown", metavar="PAGE", help="write the results between the two marks of this page")
    return parser.parse_args()


OPTIONS = arguments()
programs.choose(OPTIONS.bin)

import defenders  # noqa: E402 (what they import reads the environment)
import marked  # noqa: E402
import page  # noqa: E402
from arena import Arena  # noqa: E402


class Sizes(typing.NamedTuple):
    ladder: tuple[int, ...]  # probes a second; 0, the last: as fast as one processor can
    common: int  # a rate that everybody bears
    tenths: int  # of a second, for each rate
    scanners: int
    storm: int
    ordinary: int
    wait: int  # seconds, after the storm
    sources: int
    sources_rate: int


FULL = Sizes((*(1000 * thousands for thousands in (5, 10, 15, 20, 30, 40, 50, 60, 80, 100, 120, 140, 170, 200, 240, 280, 330, 400)), 0), 20_000, 15,
             500, 10_000, 200, 15, 1_000_000, 100_000)
QUICK = Sizes((1000,), 1000, 3, 10, 200, 5, 5, 1000, 10_000)
SIZES = QUICK if OPTIONS.quick else FULL
RATE_TRIES = 2  # one that loses may have met somebody else's work


def arena(defender, settings=()):
    return Arena(defender, OPTIONS.bin, settings)


# The parts. Each returns a row, or None where there is nothing to measure.

def at_rate(defender, rate):
    with arena(defender) as here:
        before = here.cpu()
        row = here.generate("rate", rate, SIZES.tenths)
        here.settle()
        cpu = here.cpu() - before
        row |= {"asked": rate, **here.losses(), "rate": row["sent"] / row["seconds"], "cpu_ns": cpu / row["sent"] * 1e9,
                "path_ns": (cpu + row["sending_cpu"]) / row["sent"] * 1e9}
        if here.daemon is not None:
            row["received"] = here.daemon.status()["packets"]["received"]
        return row


def lossless(defender, rate):
    for _ in range(RATE_TRIES):
        row = at_rate(defender, rate)
        if row["lost"] == 0:
            return row
    return None


def highest_rate(defender):
    """By halving the ladder."""
    ladder = SIZES.ladder if defender.settings is not None or defender.rival else SIZES.ladder[-1:]  # nobody is there to lose any
    best, low, high = None, 0, len(ladder)
    while low < high:
        middle = (low + high) // 2
        row = lossless(defender, ladder[middle])
        if row is not None:
            best, low = row, middle + 1
        else:
            high = middle
    return best


def part_rate(defender, _):
    common = at_rate(defender, SIZES.common)
    best = highest_rate(defender)
    return {"common": common, "best": best}


def scanners(defender, rate):
    with arena(defender) as here:
        here.start_judging()
        seen = here.generate("scanners", SIZES.scanners, rate, 0 if defender.is_told else 5)
        here.settle()
        passed = here.passed()
        told, dropped, through = [], [], []
        for number, scanner in enumerate(seen["scanners"]):
            address = ".".join(str(seen["first"] + number >> shift & 255) for shift in (24, 16, 8, 0))
            after = max(passed.get(address, 0) - 10, 0)
            if scanner["told"] >= 0:
                told.append(scanner["told"])
            if after < len(scanner["after"]):
                dropped.append(scanner["after"][after])
                through.append(after)
        return {"scanners": len(seen["scanners"]), "rate": rate, **here.losses(), "told": told, "dropped": dropped, "through": through}


def part_calm(defender, _):
    return None if defender is defenders.NOBODY else scanners(defender, 0)


def part_busy(defender, rows):
    """`rows` of this round: the rate was measured before."""
    mine = [row for row in rows if row["part"] == "rate" and row["defender"] == defender.name]
    if defender is defenders.NOBODY or not mine or mine[0]["best"] is None or (OPTIONS.quick and defender not in defenders.FAREWELL):
        return None
    return scanners(defender, int(mine[0]["best"]["rate"] / 2))


def part_storm(defender, _):
    if defender is defenders.NOBODY:
        return None
    with arena(defender) as here:
        before = here.rss()
        row = here.generate("storm", SIZES.storm, SIZES.ordinary, SIZES.wait if defender.is_told else 0)
        here.settle()
        row |= {"rss_before": before, "rss_after": here.rss(), **here.losses()}
        row["banned"] = row["told"] if defender.is_told else here.bans_by_themselves() - SIZES.ordinary
        return row


def part_memory(defender, _):
    if defender in (defenders.FAREWELL_ONE_QUEUE, defenders.PROCESS, defenders.NFT_ALONE, defenders.NOBODY):  # as another, or nothing runs
        return None
    rows = []
    for memory in ("16MiB", "256MiB") if defender.settings is not None and not OPTIONS.quick else ("",):
        with arena(defender, (f"detect.memory={memory}",) if memory else ()) as here:
            rss = [here.rss()]
            for million in range(2):
                sent = here.generate("sources", million * SIZES.sources, SIZES.sources, SIZES.sources_rate)["sent"]
                here.settle()
                rss.append(here.rss())
            row = {"memory": memory, "sent": sent, "rss": rss, **here.losses()}
            if here.daemon is not None:
                row["tracked"] = here.daemon.status()["sources"]["tracked"]
            rows.append(row)
    return {"rows": rows}


MEASURE = {"rate": part_rate, "calm": part_calm, "busy": part_busy, "storm": part_storm, "memory": part_memory}


# All of it.

def commit():
    answer = subprocess.run(["git", "-C", _ROOT, "rev-parse", "--short", "HEAD"], check=False, text=True, capture_output=True)
    return answer.stdout.strip() or "unknown"


def run_all():
    about = {"kernel": platform.release(), "processors": len(os.sched_getaffinity(0)), "commit": commit(), "date": time.strftime("%Y-%m-%d")}
    chosen = [defender for defender in defenders.ALL if OPTIONS.defender in defender.name]
    rows = []
    os.makedirs(os.path.dirname(os.path.abspath(OPTIONS.keep)), exist_ok=True)
    with open(OPTIONS.keep, "w", encoding="utf-8") as kept:
        for number in range(1 if OPTIONS.quick else OPTIONS.rounds):
            this_round = []
            for part in (part for part in OPTIONS.parts.split(",") if part != "memory" or number == 0):
                for defender in chosen if number % 2 == 0 else reversed(chosen):
                    load = os.getloadavg()[0]
                    result = MEASURE[part](defender, this_round)
                    if result is not None:
                        this_round.append({"part": part, "defender": defender.name, "round": number, "load": load, **about, **result})
                        kept.write(json.dumps(this_round[-1]) + "\n")
                        kept.flush()
                        print(f"round {number + 1}, {part}: {defender.name}", file=sys.stderr)
            rows += this_round
    return rows


def main():
    if os.geteuid() != 0:
        sys.exit("bench-e2e: needs root for network namespaces and queues")
    if not set(OPTIONS.parts.split(",")) <= set(PARTS):
        sys.exit(f"bench-e2e: the parts are {', '.join(PARTS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by way of every cleanup
    if OPTIONS.no_run:
        with open(OPTIONS.keep, encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
    else:
        rows = run_all()
    wrong = page.what_is_wrong(rows) if OPTIONS.quick else []
    for fault in wrong:
        print(f"bench-e2e: {fault}", file=sys.stderr)
    text = page.results(rows, with_goals=not OPTIONS.quick)
    if OPTIONS.markdown:
        marked.write(OPTIONS.markdown, text)
    else:
        print(text)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
