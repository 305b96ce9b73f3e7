# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes on all the time: traffic comes as it was drawn, the kernel and farewelld are looked at, and all of that while somebody waits
for something. And farewelld's lives: how one begins, is asked about itself, and ends."""

import json
import os
import random
import re
import signal
import subprocess
import time
import typing

import disturbances
import kernel_look
import world
from clients import Clients
from health import Life
from jobs import Jobs
from ledger import REPAIR_WITHIN, TOLERANCE, Ledger
from scanners import Scanners
from scene import KNOCKER
from world import PATIENCE

START_WITHIN = 30.0 * PATIENCE
STATE_MAX = (1 << 20) + (64 << 10)  # history.size, and what lies beside the history
LATENCY_OF_COUNTS = 10.0 * PATIENCE  # within so long a moment comes at which nothing is between two counters
STALE = 1.0 * PATIENCE  # seconds that a look took
STILL = 5.0 * PATIENCE  # seconds without a turn of the loop, which nothing that it waits for takes
LOOKS_AT_LEAST = 5  # before something is too late: of a machine that stands still nothing can be said
CAUGHT_UP = 5.0  # seconds: traffic that was due longer ago, while nobody could attend to it, never comes
TOO_MANY = 20  # violations, after which nothing new is learnt
LINES_OF_LOG = 12  # with each violation
_ADDRESS = re.compile(r"198\.1[89][0-9.]*[0-9]|2001:db8[0-9a-f:]*")


class Stopped(Exception):
    """There were so many violations that going on makes no sense."""


class Pace(typing.NamedTuple):
    """How often, and how long."""
    scan: float  # a second
    visit: float  # a second
    slow: tuple  # seconds between two ports of a slow scan, at least and at most
    look: float  # seconds between two looks into the kernel
    disturb: float  # a second, while farewelld lives on
    restart: float  # a second, while it is ended again and again
    soft_durations: tuple  # seconds, of which each reload chooses one
    durations: tuple

    def slower(self, times):
        """For a machine on which everything takes so many times longer."""
        return Pace(*(value / times if name in ("scan", "visit", "disturb", "restart") else
                      tuple(int(part * times) for part in value) if name.endswith("durations") else value
                      for name, value in self._asdict().items()))


class Stage:
    def __init__(self, scene, seed, pace, report):
        self.scene, self.pace, self.report = scene, pace, report
        self.draw = random.Random(f"{seed} disturbances")
        self._draw_times = random.Random(f"{seed} times")
        self._durations = set()
        self.jobs = Jobs(scene)
        self.ledger = Ledger(self.violated, lambda: self._durations)
        self.scanners = Scanners(self, random.Random(f"{seed} scans"))
        self.clients = Clients(self, random.Random(f"{seed} clients"))
        self.lives = []
        self.repairs = []  # seconds
        self.stills = []  # times in which nothing went on: begin, end
        self._ticked = time.monotonic()
        self.is_alive = False  # farewelld is meant to run
        self._is_altered = False  # by others, and not mended yet
        self._due = {"scan": 0.0, "visit": 0.0, "look": 0.0, "health": 0.0, "minute": time.monotonic() + 60}
        self._is_flowing = False
        self._knocks = 0
        self._follower = None
        self._log_read = 0

    # Notes and violations.

    def note(self, what):
        self.report.note(what)

    def violated(self, what):
        if self.report.violated(what, self._evidence(what)) >= TOO_MANY:
            raise Stopped

    def _evidence(self, what):
        """What farewelld says about the first address in it, and the end of its log."""
        evidence = []
        addresses = _ADDRESS.findall(what)
        if addresses and self.is_alive and not self.scene.is_gone():
            try:
                evidence.append(self.scene.daemon.namespace.run(world.FAREWELL, "--socket", self.scene.daemon.socket, "explain", addresses[0],
                                                                check=False, timeout=3).stdout)
            except subprocess.TimeoutExpired:
                evidence.append("farewelld does not answer")
        if self.scene.daemon:
            evidence.append("\n".join(self.scene.daemon.log().splitlines()[-LINES_OF_LOG:]))
        return evidence

    # Time goes on.

    def is_quiet(self):
        """All scans are over, and have led to bans."""
        return not self.ledger.open_scans and not self.ledger.pending

    def flow(self, is_flowing):
        """Traffic begins, or ends."""
        self._is_flowing = is_flowing

    def was_still_since(self, begin):
        """The machine, or this program on it, stood still since then: what should have happened meanwhile may not have."""
        return any(end > begin for _, end in self.stills)

    def tick(self):
        now = time.monotonic()
        if now - self._ticked > STILL:
            self.stills.append((self._ticked, now))
        self._ticked = now
        if self._is_flowing:
            for name, rate, function in (("scan", self.pace.scan, self.scanners.scan), ("visit", self.pace.visit, self.clients.visit)):
                if now >= self._due[name]:
                    self._due[name] = max(self._due[name], now - CAUGHT_UP) + self._draw_times.expovariate(rate)
                    function()
        self.jobs.hear()
        if self.is_alive and self.scene.is_gone():
            self.violated(f"farewelld ended by itself with {self.scene.daemon.process.returncode}")
            self.is_alive = False
            self.begin_life()
        if now >= self._due["look"]:
            self.look()
            self._due["look"] = time.monotonic() + self.pace.look
            self.scanners.repeat()
        if now >= self._due["health"]:
            self._due["health"] = now + 1
            if self.is_alive:
                self.lives[-1].sample()
        if now >= self._due["minute"]:
            self._due["minute"] = now + 60
            self.report.minute(self)
        time.sleep(0.01)

    def look(self):
        """One look into the kernel, held against the books; not if it took so long that nobody knows what time it tells of."""
        found = kernel_look.look(self.scene.server)
        if found.took < STALE:
            self.ledger.compare(found, self._is_altered)

    def wait(self, condition, what, limit=REPAIR_WITHIN):
        """Everything goes on until condition() is true; how many seconds that took. Too long is a violation."""
        begin, looks = time.monotonic(), 1
        while not condition():
            looks += 1
            if time.monotonic() - begin > limit and looks > LOOKS_AT_LEAST:
                self.violated(f"not within {limit:.0f} s: {what}")
                break
            self.tick()
        return time.monotonic() - begin

    def wait_seconds(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.tick()

    # Disturbances.

    def disturb(self, disturbance):
        """One of disturbances.py; what is sent meanwhile may go unseen, but nobody who is banned gets through."""
        self.note(disturbance.__name__)
        self.report.disturbances[disturbance.__name__] += 1
        self._check_knocks("in calm times")
        if disturbance in disturbances.BLIND:
            self.ledger.begin_blind(time.monotonic())
        disturbance(self)
        if disturbance in disturbances.BLIND:
            self.ledger.end_blind(time.monotonic())
        self._check_knocks(f"over {disturbance.__name__}")

    def alter(self, *lines):
        """Somebody else does this to the ruleset. From then until it is mended, bans may be out of force."""
        self._check_knocks("in calm times")
        begin = time.monotonic()
        self._is_altered = True
        if self.scene.server.run("sh", "-c", 'echo "$0" | nft -f -', "\n".join(lines), check=False).returncode != 0:
            self.note("which failed as a whole, because a ban had just ended")
        looks = 1
        while not self._is_whole(begin, looks):
            looks += 1
            self.jobs.hear()
        self.look()
        self._is_altered = False
        self._knocks = self.scene.knocks_answered()

    def _is_whole(self, begin, looks):
        """The kernel holds every ban, and drops by it; or that took too long, which is told."""
        found = kernel_look.look(self.scene.server)
        missing = [network for network, ban in self.ledger.bans.items() if network not in found.bans and ban.ends > found.at + TOLERANCE]
        seconds = found.at - begin
        if found.is_there and not missing and not found.undropped:
            self.repairs.append(seconds)
            return True
        if seconds > REPAIR_WITHIN and looks > LOOKS_AT_LEAST:
            self.violated(f"LOST BAN: {len(missing)} bans are not back after {seconds:.0f} s: {', '.join(str(network) for network in missing[:5])}")
            return True
        return False

    def _check_knocks(self, when):
        """Whoever is banned for ever asks fifty times a second; answers were possible only while a ban was out of force."""
        answered = self.scene.knocks_answered()
        if answered != self._knocks:
            self.violated(f"LOST BAN: {answered - self._knocks} packets of {KNOCKER}, which is banned, came through {when}")
            self._knocks = answered

    def order(self, *words):
        """A command of `farewell` that must succeed."""
        done = self.scene.daemon.cli(*words, check=False)
        if done.returncode != 0:
            self.violated(f"`farewell {' '.join(words)}` failed with {done.returncode}: {done.stdout.strip()}")

    def client(self, *words):
        return self.scene.server.start(world.FAREWELL, "--socket", self.scene.daemon.socket, *words, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))

    def reconfigure(self):
        soft, full = self.draw.choice(self.pace.soft_durations), self.draw.choice(self.pace.durations)
        self._durations |= {soft, full}
        self.scene.configure(threshold=self.draw.choice((8, 9, 10)), burst=self.draw.choice((4, 5, 6)), soft_duration=soft, duration=full)

    # Lives of farewelld.

    def begin_life(self):
        """Started, and ready: all bans there were are in force, and nothing was let through meanwhile."""
        self.scene.start()
        self.wait(lambda: self.scene.is_gone() or self.scene.is_ready(), "farewelld answers", START_WITHIN)
        self.is_alive = True
        self.lives.append(Life(self.scene.daemon.process.pid, self.scene.setup))
        self._follow()

    def _follow(self):
        """From now on every event is kept: a wrong ban is one even if it is gone before anybody looks."""
        path = os.path.join(self.scene.directory, "events")
        with open(path, "w", encoding="utf-8") as output:
            self._follower = self.scene.server.start(world.FAREWELL, "--socket", self.scene.daemon.socket, "--json", "events", "--follow", "--max", "1",
                                                     stdout=output, stderr=output, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        self._events_path = path

    def end_life(self, with_signal, status):
        """Ended by a signal; its log, its events and what it took of the machine are judged."""
        self.judge_log()
        self.is_alive = False
        self.scene.daemon.process.send_signal(with_signal)
        self.wait(self.scene.is_gone, f"farewelld ends at signal {with_signal}")
        if self.scene.is_gone() and self.scene.daemon.process.returncode != status:
            self.violated(f"farewelld ended with {self.scene.daemon.process.returncode} instead of {status} at signal {with_signal}")
        self.judge_log()
        self._judge_events()
        for leak in self.lives[-1].leaks():
            self.violated(f"LEAK in a life of {self.lives[-1].seconds():.0f} s: {leak}")
        self._log_read = 0

    def judge_log(self):
        """No errors but those that a configuration with mistakes is told by."""
        lines = self.scene.daemon.log().splitlines()
        for line in lines[self._log_read:]:
            parts = line.split(None, 3)
            is_level = len(parts) == 4 and parts[2] in ("debug", "info", "warning", "error", "critical")
            if is_level and parts[2] in ("error", "critical") and "detect.threshold" not in line and "stays in force" not in line:
                self.violated(f"farewelld logged an error: {line}")
            elif not is_level:
                self.violated(f"farewelld said something strange: {line}")
        self._log_read = len(lines)

    def _judge_events(self):
        try:
            self._follower.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.violated("`farewell events --follow` goes on although farewelld is gone")
            self._follower.kill()
            self._follower.wait()
        with open(self._events_path, encoding="utf-8") as file:
            for line in file:
                if line.startswith("{"):
                    self._judge_event(json.loads(line))

    def _judge_event(self, event):
        if event.get("event") != "ban":
            return
        address, _, length = event["source"].partition("/")
        network = kernel_look.network_of(address, int(length) if length else None)
        for never, why in self.ledger.never.items():
            if never.version == network.version and never in network:
                self.violated(f"WRONG BAN: {never}, {why}, was banned by {network} (of the events)")

    # What farewelld says of itself, at a moment when nothing is under way.

    def judge_counts(self):
        problems = []

        def add_up():
            problems[:] = self._what_does_not_add_up()
            return not problems
        self.wait(add_up, f"farewelld's counters add up, and its bans are the kernel's: {problems}", LATENCY_OF_COUNTS)
        if problems:
            self.violated(f"does not add up: {'; '.join(problems)}")
        size = self.scene.state_bytes()
        self.report.state_bytes = max(self.report.state_bytes, size)
        if size > STATE_MAX:
            self.violated(f"the state directory takes {size} bytes, and may take {STATE_MAX}")

    def _what_does_not_add_up(self):
        status = self.scene.daemon.status()
        wanted = {ban["source"] for ban in self.scene.daemon.json("bans", "list")["bans"]}
        held = {str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)
                for network in kernel_look.look(self.scene.server).bans}
        packets, probes = status["packets"], status["probes"]
        lanes = status.get("queues") or status.get("groups")
        self.report.lost_packets[len(self.lives)] = sum(lane["lost_in_socket"] + lane.get("lost_in_queue", 0) for lane in lanes)
        sums = (
            ("packets received, and those of all queues", packets["received"], sum(lane["packets"] for lane in lanes)),
            ("packets received, and those by rule or not decoded", packets["received"],
             sum(packets["rules"].values()) + sum(packets["undecoded"].values())),
            ("packets received, and probes, disregarded and not decoded", packets["received"],
             packets["probes"] + sum(packets["disregarded"].values()) + sum(packets["undecoded"].values())),
            ("probes, and those judged or lost", packets["probes"], probes["judged"] + packets["probes_lost"]),
            ("bans wanted, and those enforced", status["bans"]["wanted"], status["nftables"]["enforced"]),
        )
        problems = [f"{what}: {one} and {other}" for what, one, other in sums if one != other]
        if wanted != held:
            problems.append(f"bans of farewelld alone: {sorted(wanted - held)[:5]}, of the kernel alone: {sorted(held - wanted)[:5]}")
        if status["degraded"]:
            problems.append(f"degraded: {status.get('trouble')}")
        return problems
