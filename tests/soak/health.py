# SPDX-License-Identifier: GPL-2.0-or-later
"""How a process is: its memory, file descriptors and threads over one life, and whether they grow."""

import math
import os
import statistics
import time

RSS_SLOPE_MAX = 64.0  # KiB a minute, after the warm-up: 4 MiB an hour
JUDGED_FROM = 240.0  # seconds after the warm-up from which a slope says something
WARM_UP = 240.0  # it is over by then
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") / 1024


def _slope(samples):
    """KiB a minute, by the median of the slopes between each sample and the one half the time later."""
    half = len(samples) // 2
    slopes = sorted((late[1] - early[1]) / (late[0] - early[0]) * 60 for early, late in zip(samples, samples[half:]))
    return slopes[len(slopes) // 2]


class Life:
    """One life of farewelld, in samples of (seconds since its start, RSS in KiB, file descriptors, threads)."""

    def __init__(self, pid, setup):
        self.pid, self.setup = pid, setup
        self.began = time.monotonic()
        self.samples = []
        self._warm_after = math.inf

    def is_warm(self):
        """From now on nothing should grow any more."""
        self._warm_after = self.seconds()

    def sample(self):
        try:
            with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
                rss = int(file.read().split()[1]) * _PAGE_KIB
            descriptors, threads = (len(os.listdir(f"/proc/{self.pid}/{name}")) for name in ("fd", "task"))
        except (OSError, IndexError):
            return  # it has just ended, which others notice
        self.samples.append((time.monotonic() - self.began, rss, descriptors, threads))

    def seconds(self):
        return time.monotonic() - self.began

    def warm(self):
        return [sample for sample in self.samples if sample[0] >= self._warm_after]

    def slope(self):
        """KiB a minute of the life after the warm-up; None for a short one."""
        warm = self.warm()
        if not warm or warm[-1][0] - warm[0][0] < JUDGED_FROM:
            return None
        return _slope(warm)

    def _goes_on(self):
        """It stands higher at the end than at the beginning, and grows in both halves: memory that was given back meanwhile and is
        taken again is no leak, nor what some event took once and all that come after it use again."""
        warm = self.warm()
        third = len(warm) // 3
        first, last = (statistics.median(sample[1] for sample in part) for part in (warm[:third], warm[-third:]))
        half = len(warm) // 2
        return last > first and min(_slope(warm[:half]), _slope(warm[half:])) > RSS_SLOPE_MAX

    def leaks(self):
        """What has grown. Clients come and go, so of descriptors and threads the fewest of the first and last third count."""
        found = []
        slope = self.slope()
        if slope is not None and slope > RSS_SLOPE_MAX and self._goes_on():
            found.append(f"RSS grows by {slope:.0f} KiB a minute")
        settled = [sample for sample in self.samples if sample[0] >= 3]
        third = len(settled) // 3
        if third >= 5:
            for index, what in ((2, "file descriptors"), (3, "threads")):
                first, last = (min(sample[index] for sample in part) for part in (settled[:third], settled[-third:]))
                if last > first:
                    found.append(f"{first} {what} have become {last}")
        return found
