#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The soak: mixed traffic against the real farewelld for as long as told, while its ruleset, configuration and life are disturbed.

run.py [--seconds N] [--seed N]: as root, in network namespaces of its own; the exit status is 1 if anything was violated. Both set-ups, the
queue rule and the trap, take turns. In each phase farewelld first lives through disturbances for two thirds of the time, so that
its memory can be judged (if that is long enough: from 25 minutes in all), and is then ended and started again and again. The seed decides who comes, when, and what happens; how long
things take does not, so the same seed is the same story, told a little faster or slower."""

import argparse
import os
import random
import signal
import sys
import time

_ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path[1:1] = [os.path.join(_ROOT, "tests/e2e"), os.path.join(_ROOT, "bench/duel")]
sys.dont_write_bytecode = True

import programs  # noqa: E402

PHASE_SECONDS = 1800  # two thirds of it are a life that is long enough to be judged by its memory


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--bin", default=os.path.join(_ROOT, "build/release/bin"), help="where farewelld and farewell are")
    parser.add_argument("--setup", choices=("queue rule", "trap"), help="only this one")
    parser.add_argument("--busy", action="store_true", help="more of everything a second, for a short run")
    parser.add_argument("--sabotage", metavar="NAME", help="in the middle, do what the soak must notice: exit, lost-ban, wrong-ban, no-drop")
    parser.add_argument("--notes", metavar="FILE", help="everything that happened, a line each")
    return parser.parse_args()


OPTIONS = arguments()
programs.choose(OPTIONS.bin)

import disturbances  # noqa: E402 (what they import reads the environment)
import health  # noqa: E402
import world  # noqa: E402
from kernel_look import network_of  # noqa: E402
from report import Report  # noqa: E402
from scene import ALLOWED, KNOCKER, SETUPS, Scene  # noqa: E402
from stage import Pace, Stage, Stopped  # noqa: E402

MODEST = Pace(scan=0.7, visit=2.0, slow=(1.0, 4.0), look=1.0, disturb=1 / 8, restart=1 / 12, soft_durations=(60, 120, 300), durations=(400, 900))
BUSY = Pace(scan=2.0, visit=5.0, slow=(0.5, 1.2), look=0.4, disturb=1.5, restart=1.0, soft_durations=(20, 30, 40), durations=(50, 60))
PROBES_OF_A_RING = 16384  # between the thread of a queue and the engine: source/probe_ring.hpp
WARM_UP_ROUNDS = 20  # of every disturbance: after some 300 of them malloc's arenas were seen to be as large as they get
CROWD = 600  # scanners at once: below ban.per_minute, and more than are banned at any time later
SETTLE_WITHIN = 60.0 * world.PATIENCE  # for so long scans that were under way go on after the traffic has ended


class Soak:
    def __init__(self, stage):
        self._stage, self._scene, self._pace = stage, stage.scene, stage.pace
        self._draw = random.Random(f"{OPTIONS.seed} plan")

    def run(self):
        stage = self._stage
        count = max(1 if OPTIONS.setup else 2, round(OPTIONS.seconds / PHASE_SECONDS))
        seconds = OPTIONS.seconds / count
        self._begin()
        for number in range(count):
            if number > 0 and not OPTIONS.setup:
                stage.disturb(disturbances.change_over)
            begin = time.monotonic()
            self._warm_up(seconds)
            self._disturb_until(begin + seconds * 2 / 3, (*disturbances.ON_RULESET, *disturbances.HARMLESS), self._pace.disturb)
            stage.judge_counts()
            if OPTIONS.sabotage and number == 0:
                disturbances.SABOTAGES[OPTIONS.sabotage](stage)
                stage.wait_seconds(8 * world.PATIENCE)
                self._scene.daemon.process.send_signal(signal.SIGCONT)  # some stop it
            self._disturb_until(begin + seconds, (*disturbances.RESTARTS, *disturbances.RESTARTS, *disturbances.HARMLESS), self._pace.restart)
        self._end()

    def _begin(self):
        stage = self._stage
        self._scene.configure(allowed=ALLOWED, on_stop="leave", threshold=10, burst=5, soft_duration=60, duration=400)
        stage.reconfigure()
        stage.begin_life()
        stage.ledger.ban_by_hand(network_of(KNOCKER), 24 * 3600)
        stage.order("bans", "add", KNOCKER, "--for", "24h", "--reason", "knocks for ever")
        stage.flow(True)
        stage.scanners.knock()
        stage.clients.stand()

    def _warm_up(self, seconds):
        """What a life allocates once and uses little by little would look like growth for hours, and so would memory that is needed for
        a moment when there are more bans than ever before. So every ring gets round once, there are more bans than will ever be
        again, and everything that happens later happens now."""
        if seconds * 2 / 3 < health.WARM_UP + health.JUDGED_FROM:
            return
        stage = self._stage
        queues = 4 if self._scene.setup == "queue rule" or self._scene.has_native_queue else 1
        stage.scanners.repeat_a_lot(queues * PROBES_OF_A_RING * 5 // 4)
        stage.scanners.crowd(CROWD)
        for number in range(WARM_UP_ROUNDS):
            for disturbance in (*disturbances.ON_RULESET, *disturbances.HARMLESS):
                if number == 0 or disturbance not in disturbances.LENGTHY:
                    stage.disturb(disturbance)
            if stage.lives[-1].seconds() > health.WARM_UP - 30:
                break
        stage.look()
        stage.lives[-1].is_warm()

    def _disturb_until(self, end, chosen, rate):
        """Disturbances one after the other, and every minute farewelld is asked whether all adds up."""
        stage = self._stage
        judged = time.monotonic()
        while time.monotonic() < end:
            stage.wait_seconds(min(self._draw.expovariate(rate), max(0.0, end - time.monotonic())))
            stage.disturb(self._draw.choice(chosen))
            if time.monotonic() - judged > 60:
                stage.judge_log()
                stage.judge_counts()
                judged = time.monotonic()

    def _end(self):
        """Nobody comes any more, whoever scanned is banned, and a farewelld that is told to take its table with it does."""
        stage = self._stage
        stage.flow(False)
        stage.wait(stage.is_quiet, "all scans are over, and led to bans", SETTLE_WITHIN)
        stage.judge_counts()
        stage.scene.configure(on_stop="remove")
        disturbances.reload_changed(stage)
        stage.end_life(signal.SIGTERM, 0)
        if any(world.TABLE in line for line in self._scene.tables()):
            stage.violated("the table is still there, and ban.on_stop is remove")


def main():
    if os.geteuid() != 0:
        sys.exit("soak: needs root for network namespaces")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by way of every cleanup
    world.Namespace.seconds = OPTIONS.seconds + 1800
    report = Report(OPTIONS)
    scene = Scene(OPTIONS.setup or SETUPS[0])
    try:
        scene.setUp()
        stage = Stage(scene, OPTIONS.seed, (BUSY if OPTIONS.busy else MODEST).slower(world.PATIENCE), report)
        Soak(stage).run()
    except Stopped:
        print("soak: stopped, there were too many violations")
    finally:
        scene.doCleanups()
    if os.path.exists(scene.directory):
        report.violated(f"{scene.directory} is still there", ())
    report.summary(stage)
    sys.exit(1 if report.violations else 0)


if __name__ == "__main__":
    main()
