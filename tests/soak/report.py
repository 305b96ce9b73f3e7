# SPDX-License-Identifier: GPL-2.0-or-later
"""What the soak prints: a line a minute, each violation with what had happened before, and a summary."""

import collections
import os
import platform
import statistics
import subprocess
import time

from clients import NOTICED

NOTES_SHOWN = 12
_HERE = os.path.dirname(os.path.abspath(__file__))


class Report:
    def __init__(self, options):
        self._begin = time.monotonic()
        self._notes = collections.deque(maxlen=NOTES_SHOWN)
        self._file = open(options.notes, "w", encoding="utf-8") if options.notes else None
        self.violations = 0
        self.disturbances = collections.Counter()
        self.state_bytes = 0
        self.lost_packets = {}  # by life
        commit = subprocess.run(["git", "-C", _HERE, "rev-parse", "--short", "HEAD"], check=False, text=True, capture_output=True).stdout.strip()
        print(f"soak: {options.seconds} s, seed {options.seed} (SOAK_SEED={options.seed} repeats it); kernel {platform.release()}, "
              f"{len(os.sched_getaffinity(0))} processors, commit {commit or 'unknown'}, {time.strftime('%Y-%m-%d %H:%M')}", flush=True)

    def _time(self):
        seconds = int(time.monotonic() - self._begin)
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"

    def note(self, what):
        line = f"{self._time()} {what}"
        self._notes.append(line)
        if self._file:
            print(line, file=self._file, flush=True)

    def violated(self, what, evidence):
        """Tells it; how many there are now."""
        self.violations += 1
        self.note(f"VIOLATION {what}")
        print(f"{self._time()} VIOLATION {what}")
        for line in list(self._notes)[:-1]:
            print(f"        before: {line}")
        for text in evidence:
            for line in text.splitlines():
                print(f"        | {line}", flush=True)
        return self.violations

    def minute(self, stage):
        counts, life = stage.ledger.counts, stage.lives[-1] if stage.lives and stage.lives[-1].samples else None
        rss = f"RSS {life.samples[-1][1] / 1024:.1f} MiB, {life.samples[-1][2]} fds, {life.samples[-1][3]} threads" if life else "not running"
        slowest = max(stage.repairs, default=0.0)
        print(f"{self._time()} {stage.scene.setup}: {counts['scans']} scans, {counts['bans']} bans, {len(stage.ledger.bans)} in force; "
              f"{stage.clients.visits} visits; {sum(self.disturbances.values())} disturbances, repaired within {slowest:.2f} s; {rss}; "
              f"{self.violations} violations", flush=True)

    def summary(self, stage):
        counts, clients = stage.ledger.counts, stage.clients
        print(f"""
scans          {counts['scans']} with {stage.scanners.packets} packets or connections; {counts['banned']} were to be banned and are, {counts['again']} tried again after a disturbance
               a ban was seen {_middle_and_most(stage.ledger.waits)} after the scan's end (looked for every {stage.pace.look} s)
bans           {counts['bans']} seen: {counts['ended']} ran out, {counts['lifted']} lifted by order, {counts['made_full']} made full, {len(stage.ledger.bans)} at the end
clients        {clients.visits} connections and questions, slowest {clients.slowest:.2f} s, {clients.waited} longer than {NOTICED} s; {clients.refused} refused by services that were away, {clients.unjudged} failed while the machine stood still
disturbances   {sum(self.disturbances.values())}: {', '.join(f'{count} {name}' for name, count in sorted(self.disturbances.items()))}
repairs        {len(stage.repairs)}: {_middle_and_most(stage.repairs)}
lives          {len(stage.lives)}, {sum(life.slope() is not None for life in stage.lives)} of them long enough to be judged by their memory
stood still    {len(stage.stills)} times, {max((end - begin for begin, end in stage.stills), default=0.0):.0f} s at most
packets lost   {sum(self.lost_packets.values())}
state          {self.state_bytes / 1024:.0f} KiB at most""")
        for life in stage.lives:
            if life.slope() is not None:
                warm = life.warm()
                print(f"memory         {life.setup}: RSS {warm[0][1] / 1024:.2f} MiB after the warm-up, {warm[-1][1] / 1024:.2f} MiB {(warm[-1][0] - warm[0][0]) / 60:.0f} min "
                      f"later, {life.slope():+.1f} KiB/min")
        print(f"violations     {self.violations}", flush=True)


def _middle_and_most(values):
    return f"{statistics.median(values):.2f} s in the middle, {max(values):.2f} s at most" if values else "none"
