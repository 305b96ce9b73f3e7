#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The duel: real scanners and real clients against farewelld, beside nftables alone and nobody, judged from the wire alone.

run.py [--runs N] [--only WORD] [--defenders NAMES] [--markdown docs/duel.md]: as root, in network namespaces of its own. Every fight
has a world of its own, and is over two seconds after nothing passes any more. --quick takes about a minute and fails when anything comes
out wrong. --rivals has other programs that ban scanners defend the server instead, those that are installed. Results are kept, one JSON
line a fight, so that the page can be written from several sittings: --keep FILE --add.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time

_ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path[0:0] = [os.path.join(_ROOT, "tests/e2e"), os.path.join(_ROOT, "bench")]
sys.dont_write_bytecode = True

import programs  # noqa: E402

REPEATED_BY_RIVALS = "nmap -sS"
PROGRAMS = ("nmap", "masscan", "hping3", "traceroute", "tcpdump", "nft", "iptables-nft")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, help="of attacks where speed or the order of ports matters (7); the others once")
    parser.add_argument("--only", default="", metavar="WORD", help="only attacks whose name holds this")
    parser.add_argument("--series", action="store_true", help="only attacks where speed or order matters")
    parser.add_argument("--defenders", default="", metavar="NAMES", help="only these; names, or parts of names, with commas between them")
    parser.add_argument("--rivals", action="store_true", help=f"only other programs; \"{REPEATED_BY_RIVALS}\" --runs times, everything else once")
    parser.add_argument("--nmap-farewell", default="", metavar="PATH", help="the article's program, one more rival")
    parser.add_argument("--quick", action="store_true", help="a few fights of every kind")
    parser.add_argument("--bin", default=os.path.join(_ROOT, "build/release/bin"), help="where farewelld and farewell are")
    parser.add_argument("--realtime", action="store_true",
                        help="farewelld before everything else (SCHED_FIFO), as on a machine that is not busy")
    parser.add_argument("--keep", default=os.path.join(_ROOT, "build/duel.jsonl"), metavar="FILE", help="where the results go")
    parser.add_argument("--add", action="store_true", help="to those that are there already, instead of anew")
    parser.add_argument("--no-fight", action="store_true", help="only tell, or write, what --keep holds")
    parser.add_argument("--markdown", metavar="PAGE", help="write the results between the two marks of this page")
    return parser.parse_args()


OPTIONS = arguments()
programs.choose(OPTIONS.bin)

import attacks  # noqa: E402 (what they import reads the environment)
import marked  # noqa: E402
import page  # noqa: E402
from arena import Arena  # noqa: E402
from defenders import defenders  # noqa: E402
from world import Namespace  # noqa: E402


def plan():
    """Pairs of attack and defender. A series goes round by round, so that a busy hour falls on all defenders alike."""
    if OPTIONS.quick:
        wanted = [attack for attack in attacks.ALL if attack.name in attacks.QUICK]
        return [(attack, defender) for attack in wanted for defender in known_defenders() if defender.name in ("queue rule", "trap")]
    wanted = [attack for attack in attacks.ALL if OPTIONS.only in attack.name and (attack.is_series or not OPTIONS.series)]
    chosen = chosen_defenders()
    return [(attack, defender) for number in range(OPTIONS.runs) for attack in wanted for defender in chosen
            if number == 0 or is_repeated(attack, defender)]


def is_repeated(attack, defender):
    if defender.rival is not None:
        return attack.name == REPEATED_BY_RIVALS
    return attack.is_series and defender.name != page.NOBODY


def known_defenders():
    namespace = Namespace()
    try:
        return defenders(Arena.has_queue(namespace), OPTIONS.nmap_farewell)
    finally:
        namespace.close()


def chosen_defenders():
    """Those that are asked for and installed; says which are not."""
    known, words = known_defenders(), [word.strip() for word in OPTIONS.defenders.split(",") if word.strip()]
    names = {defender.name for defender in known}
    unknown = [word for word in words if not any(word in name for name in names)]
    if unknown:
        sys.exit(f"duel: no such defender: {', '.join(unknown)}; there are: {', '.join(sorted(names))}")

    def is_asked_for(defender):
        if words:
            return any(defender.name == word if word in names else word in defender.name for word in words)
        if OPTIONS.realtime:
            return defender.settings is not None
        return (defender.rival is not None) == OPTIONS.rivals
    chosen = []
    for defender in known:
        if not is_asked_for(defender):
            continue
        missing = defender.rival.missing() if defender.rival else ""
        if missing:
            print(f"duel: {defender.name} is left out; it takes: {missing}", file=sys.stderr)
        else:
            chosen.append(defender)
    return chosen


def fight(attack, defender):
    arena = Arena(defender, OPTIONS.realtime)
    try:
        arena.setUp()
        return arena.fight(attack)
    finally:
        arena.doCleanups()


def commit():
    answer = subprocess.run(["git", "-C", _ROOT, "rev-parse", "--short", "HEAD"], check=False, text=True, capture_output=True)
    return answer.stdout.strip() or "unknown"


def main():
    if os.geteuid() != 0:
        sys.exit("duel: needs root for network namespaces")
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        sys.exit(f"duel: missing programs: {' '.join(missing)}; scripts/install-dependencies installs them")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by way of every cleanup
    failed = False
    if not OPTIONS.no_fight:
        failed = fight_all()
    if OPTIONS.markdown or not OPTIONS.quick:
        with open(OPTIONS.keep, encoding="utf-8") as file:
            text = page.results([json.loads(line) for line in file])
        if OPTIONS.markdown:
            marked.write(OPTIONS.markdown, text)
        else:
            print(text)
    sys.exit(1 if failed else 0)


def fight_all():
    """Whether a quick one went wrong: a long one tells it in its table."""
    failed = False
    pairs = plan()
    os.makedirs(os.path.dirname(os.path.abspath(OPTIONS.keep)), exist_ok=True)
    about = {"kernel": platform.release(), "processors": len(os.sched_getaffinity(0)), "commit": commit(),
             "realtime": OPTIONS.realtime}
    with open(OPTIONS.keep, "a" if OPTIONS.add else "w", encoding="utf-8") as kept:
        for number, (attack, defender) in enumerate(pairs):
            row = {"attack": attack.name, "defender": defender.name, "date": time.strftime("%Y-%m-%d"), "load": os.getloadavg()[0], **about}
            if defender.rival is not None:
                row["version"] = defender.rival.version()
            try:
                row |= fight(attack, defender)
            except (AssertionError, OSError, subprocess.SubprocessError) as error:
                print(f"duel: {attack.name} against {defender.name} could not be fought: {error}", file=sys.stderr)
                failed = failed or OPTIONS.quick
                continue
            kept.write(json.dumps(row) + "\n")
            kept.flush()
            wrong = page.what_is_wrong(attack, row)
            failed = failed or bool(OPTIONS.quick and wrong)
            print(f"{number + 1:4}/{len(pairs)} {attack.name:42} {defender.name:20} {page.cell(attack, [row])}" + (f"   WRONG: {wrong}" if wrong else ""),
                  flush=True)
    return failed


if __name__ == "__main__":
    main()
