# SPDX-License-Identifier: GPL-2.0-or-later
"""farewelld as a service: what it tells the service manager, when it feeds the watchdog, and what it says to the journal."""

import ctypes
import os
import select
import shutil
import signal
import socket
import time
import unittest

from counting_e2e import CountingTest
from unit_file_e2e import UNIT
from world import ATTACKER4, TABLE, wait_until

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_PTRACE_SEIZE, _PTRACE_INTERRUPT, _PTRACE_DETACH, _WALL = 0x4206, 0x4207, 17, 0x40000000
UNIT_SANDBOX = os.path.join(os.path.dirname(os.path.abspath(__file__)), "unit_sandbox.py")
INTERVAL = 0.8  # of the watchdog, in seconds; it is fed four times in it


class Listener:
    """A datagram socket in a file, at which a service manager or the journal would listen."""

    def __init__(self, path):
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        os.chmod(path, 0o666)

    def receive(self, limit=20.0):
        """The next datagram, or None if none comes in time."""
        readable, _, _ = select.select([self._socket], [], [], limit)
        return self._socket.recv(65536) if readable else None

    def receive_all(self):
        datagrams = []
        while (datagram := self.receive(0)) is not None:
            datagrams.append(datagram)
        return datagrams

    def wait_for(self, text, limit=20.0):
        """The next datagram with `text` in it; what comes before is thrown away."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            datagram = self.receive(max(0.0, end - time.monotonic()))
            if datagram and text in datagram:
                return datagram
        raise AssertionError(f"not told within {limit} s: {text}")

    def close(self):
        self._socket.close()


def stop_thread(thread):
    """Holds one thread of another process, as a debugger would; needs root."""
    for request in (_PTRACE_SEIZE, _PTRACE_INTERRUPT):
        if _libc.ptrace(request, thread, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")
    os.waitpid(thread, _WALL)


def let_thread_go(thread):
    _libc.ptrace(_PTRACE_DETACH, thread, None, None)


class ServiceTest(CountingTest):
    def setUp(self):
        super().setUp()
        self.manager = Listener(os.path.join(self.directory, "notify"))
        self.addCleanup(self.manager.close)

    def start_service(self, *settings, watchdog=False, **options):
        wrapper = ["env", f"NOTIFY_SOCKET={self.manager.path}"]
        if watchdog:
            wrapper.append(f"WATCHDOG_USEC={int(INTERVAL * 1e6)}")
        return self.start_daemon(*settings, wrapper=wrapper, ready=False, **options)


class Notify(ServiceTest):
    def bound_queues(self):
        table = self.server.run("cat", "/proc/thread-self/net/netfilter/nfnetlink_queue").stdout
        return [line.split()[0] for line in table.splitlines()]

    def test_ready_means_that_queues_and_table_are_there(self):
        daemon = self.start_service()
        self.assertEqual(self.manager.receive(), b"READY=1\nSTATUS=enforcing")
        self.assertEqual(self.bound_queues(), ["0", "1", "2", "3"])
        self.assertEqual(self.server.run("nft", "list", "table", "inet", TABLE, check=False).returncode, 0)
        self.assertEqual(daemon.cli("status").returncode, 0)

    def test_who_cannot_start_is_never_ready_and_says_why(self):
        self.start_daemon()
        second = self.start_service(name="second")
        self.assertEqual(second.wait_exit(), 1)
        told = self.manager.receive_all()
        self.assertEqual(len(told), 1, told)
        self.assertIn(b"STATUS=bind queue 0: taken by process", told[0])

    def test_a_line_of_status_follows_what_happens(self):
        self.start_service()
        self.manager.wait_for(b"READY=1")
        self.send(self.syns(10))
        self.wait_banned(ATTACKER4)
        self.manager.wait_for(b"STATUS=enforcing: 1 ban, 10 packets, 0 lost", 30)

    def test_a_reload_begins_and_ends(self):
        path = self.write_config("[detect]\nthreshold = 10\n")
        daemon = self.start_service(config=path)
        self.manager.wait_for(b"READY=1")
        before = time.monotonic_ns() // 1000
        daemon.process.send_signal(signal.SIGHUP)
        reloading, microseconds = self.manager.receive().split(b"\nMONOTONIC_USEC=")
        self.assertEqual(reloading, b"RELOADING=1")
        self.assertTrue(before <= int(microseconds) <= time.monotonic_ns() // 1000)
        self.assertEqual(self.manager.receive(), b"READY=1\nSTATUS=configuration reloaded")

    def test_a_reload_of_mistakes_ends_as_well(self):
        path = self.write_config("[detect]\nthreshold = 10\n")
        daemon = self.start_service(config=path)
        self.manager.wait_for(b"READY=1")
        self.write_config("[detect]\nthreshold = 1\n")
        daemon.process.send_signal(signal.SIGHUP)
        self.manager.wait_for(b"RELOADING=1")
        self.assertIn(b"READY=1\nSTATUS=configuration not reloaded: the running one stays in force: ", self.manager.receive())

    def test_stopping_is_told(self):
        daemon = self.start_service()
        self.manager.wait_for(b"READY=1")
        self.assertEqual(daemon.stop(), 0)
        self.manager.wait_for(b"STOPPING=1\nSTATUS=stopping")


class Watchdog(ServiceTest):
    def assert_fed(self):
        for _ in range(6):
            self.assertIsNotNone(self.manager.wait_for(b"WATCHDOG=1"))

    def is_fed(self):
        """Whether the watchdog is fed within an interval from now on."""
        self.manager.receive_all()
        end = time.monotonic() + INTERVAL
        beats = 0  # the first may have been on its way
        while beats < 2 and (left := end - time.monotonic()) > 0:
            beats += self.manager.receive(left) == b"WATCHDOG=1"
        return beats == 2

    def fed_threads(self, daemon):
        """Those without which the watchdog is not fed."""
        needed = []
        for thread in sorted(map(int, os.listdir(f"/proc/{daemon.process.pid}/task"))):
            stop_thread(thread)
            if not self.is_fed():
                needed.append(thread)
            let_thread_go(thread)
            self.manager.wait_for(b"WATCHDOG=1")
        return needed

    def test_queues_without_a_packet_are_no_reason_to_starve(self):
        self.start_service(watchdog=True)
        self.manager.wait_for(b"READY=1")
        self.assert_fed()

    def test_a_log_group_without_a_packet_neither(self):
        self.start_service("capture.source=nflog", watchdog=True)
        self.manager.wait_for(b"READY=1")
        self.assert_fed()

    def test_every_receiving_thread_and_the_engine_and_the_control_thread_must_go_on(self):
        daemon = self.start_service(watchdog=True)
        self.assert_fed()
        needed = self.fed_threads(daemon)
        self.assertEqual(needed[0], daemon.process.pid, "the control thread feeds it")
        self.assertEqual(len(needed), 6, f"four queues, the engine, the control thread: {needed}; a slow disk is no reason")
        for queue in range(4):
            self.assertIn(f"threads that do not go on: queue {queue}; the watchdog is not fed", daemon.log())
        self.assertIn("threads that do not go on: the engine; the watchdog is not fed", daemon.log())
        self.assert_fed()

    def test_a_frozen_process_feeds_nothing(self):
        daemon = self.start_service(watchdog=True)
        self.assert_fed()
        os.kill(daemon.process.pid, signal.SIGSTOP)
        try:
            wait_until(lambda: not self.is_fed(), "the watchdog starves", 5)
        finally:
            os.kill(daemon.process.pid, signal.SIGCONT)
        self.assert_fed()


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed (Debian: systemd)")
class AsTheUnitStartsIt(ServiceTest):
    """As an ordinary user with CAP_NET_ADMIN alone, behind the unit's filter of system calls, with all else read-only."""

    def start_as_unit(self, *settings, config=None):
        own = os.path.join(self.directory, "own")
        for name in ("state", "run"):
            os.makedirs(os.path.join(own, name))
            os.chown(os.path.join(own, name), 65534, 65534)
        script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro / && umask 077 && exec "$@"'
        wrapper = ("unshare", "--mount", "sh", "-c", script, own,
                   "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all,+net_admin",
                   "--ambient-caps=+net_admin", "--bounding-set=-all,+net_admin", "--no-new-privs",
                   "env", f"NOTIFY_SOCKET={self.manager.path}", f"WATCHDOG_USEC={int(INTERVAL * 1e6)}",
                   "python3", UNIT_SANDBOX, UNIT)
        daemon = self.start_daemon("process.sandbox=required", f"state.directory={own}/state",
                                   f"control.socket={own}/run/control.sock", *settings, config=config, ready=False,
                                   wrapper=wrapper)
        daemon.socket = f"{own}/run/control.sock"
        self.assertTrue(wait_until(lambda: daemon.process.poll() is not None or self.manager.receive(0.1), "ready"))
        return daemon.wait_ready()

    def test_it_does_its_whole_work(self):
        path = self.write_config("[detect]\nthreshold = 10\n")
        daemon = self.start_as_unit(config=path)
        self.send(self.syns(10))
        self.wait_banned(ATTACKER4)
        self.assertIn(ATTACKER4, daemon.cli("explain", ATTACKER4).stdout)
        wait_until(lambda: ATTACKER4 in daemon.cli("events").stdout, "the history knows")
        self.server.run("nft", "delete", "table", "inet", TABLE)
        self.wait_banned(ATTACKER4)
        self.write_config("[detect]\nthreshold = 12\n")
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: daemon.status()["rule"]["threshold"] == 12, "the new threshold is in force")
        self.manager.wait_for(b"WATCHDOG=1")
        with open(f"/proc/{daemon.process.pid}/status", encoding="utf-8") as file:
            status = file.read()
        self.assertIn("Seccomp:\t2\n", status)
        self.assertRegex(status, r"CapEff:\s+0000000000001000\n")
        self.assertEqual(daemon.stop(), 0, daemon.log())
        complaints = [line for line in daemon.log().splitlines() if " info " not in line]
        self.assertEqual(len(complaints), 1, complaints)
        self.assertIn("rebuilt, 1 ban is back in force", complaints[0])

    def test_proven_sources_are_found_in_the_table_of_connections(self):
        daemon = self.start_as_unit("ban.cut_connections=true")
        self.send(self.syns(10))
        self.wait_banned(ATTACKER4)
        wait_until(lambda: daemon.status()["connections"]["walks"] >= 1, "the table of connections was walked through")


class JournalFields(CountingTest):
    """Against a journal of our own, at the place of the real one in a mount namespace of the daemon's."""

    def setUp(self):
        super().setUp()
        place = os.path.join(self.directory, "journal")
        os.makedirs(place)
        self.journal = Listener(os.path.join(place, "socket"))
        self.addCleanup(self.journal.close)
        script = ("mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal && mount --bind \"$0\" /run/systemd/journal && "
                  "JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec \"$@\"")
        self.wrapper = ("unshare", "--mount", "sh", "-c", script, place)

    def entry(self, text):
        """The fields of the next entry with `text` in it. None of ours holds a line break."""
        lines = self.journal.wait_for(text.encode()).decode().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def test_a_ban_has_fields_and_a_name(self):
        daemon = self.start_daemon("ban.duration=1h", wrapper=self.wrapper)
        started = self.entry("enforcing: 10 distinct closed ports")
        self.assertEqual((started["PRIORITY"], started["SYSLOG_IDENTIFIER"]), ("6", "farewelld"))
        self.send(self.syns(10))
        banned = self.entry("has been banned")
        self.assertEqual(banned["MESSAGE_ID"], "ffb23dd178e645e9bc8b3b28612132ef")
        self.assertEqual(banned["FAREWELL_ACTION"], "ban")
        self.assertEqual(banned["FAREWELL_SOURCE"], ATTACKER4)
        self.assertEqual(banned["FAREWELL_PORTS"], " ".join(f"tcp/{1000 + i}" for i in range(10)))
        self.assertEqual(banned["FAREWELL_FORM"], "full")
        self.assertTrue(banned["FAREWELL_REASON"].startswith("10 distinct closed ports"), banned)
        self.assertRegex(banned["FAREWELL_UNTIL"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertTrue(banned["MESSAGE"].startswith(f"{ATTACKER4} has been banned for 1h"), banned)
        self.server.run("nft", "delete", "table", "inet", TABLE)
        repaired = self.entry("back in force")
        self.assertEqual((repaired["PRIORITY"], repaired["FAREWELL_COUNT"]), ("4", "1"))
        self.assertIn("nft", repaired["FAREWELL_BY"])
        daemon.cli("bans", "remove", ATTACKER4)
        unbanned = self.entry("has been unbanned")
        self.assertEqual((unbanned["FAREWELL_ACTION"], unbanned["FAREWELL_SOURCE"]), ("unban", ATTACKER4))
        self.assertEqual(daemon.log(), "", "nothing is said twice")

    def test_stderr_that_is_not_the_journals_gets_lines(self):
        daemon = self.start_daemon(wrapper=(*self.wrapper, "env", "JOURNAL_STREAM=1:1"))
        daemon.wait_log("enforcing: 10 distinct closed ports")
        self.assertIsNone(self.journal.receive(0))
