# SPDX-License-Identifier: GPL-2.0-or-later
"""What the host knows of itself: whom it never bans, and which services it remembers."""

import ipaddress
import os
import signal
import struct
import subprocess

import world
from counting_e2e import CountingTest
from world import ATTACKER4, ATTACKER6, SERVER4, wait_until


class Protected(CountingTest):
    def add_gateways(self):
        self.server.run("ip", "route", "add", "default", "via", ATTACKER4)
        self.server.run("ip", "-6", "route", "add", "default", "via", ATTACKER6)

    def wait_gateways(self, daemon, *gateways):
        wait_until(lambda: sorted(daemon.status()["host"]["gateways"]) == sorted(gateways), f"gateways are {gateways}")

    def test_a_scan_from_the_gateways_address_bans_nobody(self):
        self.add_gateways()
        daemon = self.start_daemon()
        self.wait_gateways(daemon, ATTACKER4, ATTACKER6)
        sent = self.send(self.syns(50) + self.syns(50, source=ATTACKER6))
        wait_until(lambda: daemon.status()["packets"]["rules"]["trusted"] == sent, "all probes are disregarded")
        self.assert_no_bans()
        self.assertEqual(daemon.explain(ATTACKER4)["protected_as"], "gateway")

    def test_nor_does_an_order(self):
        self.add_gateways()
        daemon = self.start_daemon()
        for address, role in ((ATTACKER4, "gateway"), (ATTACKER6, "gateway"), (SERVER4, "own address")):
            refused = daemon.cli("bans", "add", address, check=False)
            self.assertEqual(refused.returncode, 1, refused.stdout)
            self.assertIn(f"{address} is never banned: {address} is this host's {role}", refused.stdout)
        self.assert_no_bans()

    def test_whoever_becomes_the_gateway_is_let_in(self):
        daemon = self.start_daemon()
        self.send(self.syns(10))
        self.wait_banned(ATTACKER4)
        self.server.run("ip", "route", "add", "default", "via", ATTACKER4)
        wait_until(lambda: self.banned(4) == {}, "the ban is lifted")
        daemon.wait_log(f"{ATTACKER4} has been unbanned (protected_address)")
        self.server.run("ip", "route", "del", "default")
        self.wait_gateways(daemon)
        self.send(self.syns(10, first=3000))
        self.wait_banned(ATTACKER4)

    def test_a_gateway_found_banned_at_start_is_let_in(self):
        first = self.start_daemon()
        self.send(self.syns(10))
        self.wait_banned(ATTACKER4)
        self.assertEqual(first.stop(), 0)
        self.add_gateways()
        second = self.start_daemon(name="second")
        self.assertEqual(self.banned(4), {})
        self.assertEqual(second.status()["bans"]["wanted"], 0)


class Sessions(CountingTest):
    """The daemon sees a /run of its own, so that the test writes down who is logged in where sshd and logind would."""

    # The format that utmp(5) describes: type, process, line, id, user, host, exit, session, time, address, reserve.
    _RECORD = struct.Struct("=hxxi32s4s32s256shhiii16s20x")
    _USER_PROCESS, _DEAD_PROCESS = 7, 8

    def setUp(self):
        super().setUp()
        self.run_directory = os.path.join(self.directory, "run")
        os.makedirs(os.path.join(self.run_directory, "systemd", "sessions"))
        os.chmod(self.run_directory, 0o755)
        # Its own mount namespace goes with it.
        self.in_own_run = ("unshare", "--mount", "--propagation", "private", "sh", "-c",
                           f'mount --bind {self.run_directory} /run && exec "$@"', "sh")

    def write_utmp(self, *sessions):
        """Each a host, an address and a process; by rename, as nobody does, so that no half of it is read."""
        text = b"".join(self._RECORD.pack(kind, pid, b"pts/0", b"0", b"admin", host.encode(), 0, 0, 0, 0, 0,
                                          ipaddress.ip_address(address).packed.ljust(16, b"\0"))
                        for kind, pid, host, address in sessions)
        path = os.path.join(self.run_directory, "utmp")
        with open(path + ".new", "wb") as file:
            file.write(text)
        os.rename(path + ".new", path)

    def logged_in(self, host=ATTACKER4, address=ATTACKER4):
        return (self._USER_PROCESS, os.getpid(), host, address)

    def wait_peers(self, daemon, *peers):
        wait_until(lambda: sorted(daemon.status()["host"]["logged_in_peers"]) == sorted(peers), f"logged-in peers are {peers}")

    def assert_not_banned(self, daemon, source):
        before = daemon.status()["packets"]["rules"].get("trusted", 0)
        sent = self.send(self.syns(50, source=source))
        wait_until(lambda: daemon.status()["packets"]["rules"].get("trusted", 0) == before + sent, "all are disregarded")
        self.assert_no_bans()
        self.assertEqual(daemon.explain(source)["protected_as"], "logged-in peer")

    def test_where_somebody_is_logged_in_from_is_not_banned(self):
        self.write_utmp(self.logged_in(), self.logged_in("admin.example.org", ATTACKER6),
                        (self._USER_PROCESS, os.getpid(), ":0", "0.0.0.0"))
        daemon = self.start_daemon(wrapper=self.in_own_run)
        self.wait_peers(daemon, ATTACKER4, ATTACKER6)
        self.assert_not_banned(daemon, ATTACKER4)
        self.assert_not_banned(daemon, ATTACKER6)
        refused = daemon.cli("bans", "add", ATTACKER4, check=False)
        self.assertIn(f"{ATTACKER4} is this host's logged-in peer", refused.stdout)

    def test_whoever_logs_in_while_banned_is_let_in(self):
        daemon = self.start_daemon(wrapper=self.in_own_run)
        self.send(self.syns(10))
        self.wait_banned(ATTACKER4)
        self.write_utmp(self.logged_in())
        wait_until(lambda: self.banned(4) == {}, "the ban is lifted")
        daemon.wait_log(f"{ATTACKER4} has been unbanned (protected_address)")
        # Logged out: he may come back for a while.
        self.write_utmp((self._DEAD_PROCESS, os.getpid(), ATTACKER4, ATTACKER4))
        self.assert_not_banned(daemon, ATTACKER4)

    def test_a_record_without_its_process_is_left_over(self):
        gone = self.server.start("true")
        gone.wait()
        self.write_utmp((self._USER_PROCESS, gone.pid, ATTACKER4, ATTACKER4), self.logged_in(ATTACKER6, ATTACKER6))
        daemon = self.start_daemon(wrapper=self.in_own_run)
        self.wait_peers(daemon, ATTACKER6)
        self.send(self.syns(10))
        self.wait_banned(ATTACKER4)

    def test_a_name_alone_is_one_warning(self):
        self.write_utmp(self.logged_in("admin.example.org", "0.0.0.0"))
        daemon = self.start_daemon(wrapper=self.in_own_run)
        daemon.wait_log("a session from admin.example.org is recorded by name alone")
        self.write_utmp(self.logged_in("admin.example.org", "0.0.0.0"), self.logged_in(ATTACKER6, ATTACKER6))
        self.wait_peers(daemon, ATTACKER6)
        self.assertEqual(daemon.log().count("admin.example.org"), 1)

    def test_not_if_told_so(self):
        self.write_utmp(self.logged_in())
        daemon = self.start_daemon("allow.sessions=false", wrapper=self.in_own_run)
        self.send(self.syns(10))
        self.wait_banned(ATTACKER4)
        self.assertEqual(daemon.status()["host"]["logged_in_peers"], [])

    def test_a_reload_is_enough_to_ban_an_intruder(self):
        self.write_utmp(self.logged_in())
        config = self.write_config("allow.sessions = true\n")
        daemon = self.start_daemon(wrapper=self.in_own_run, config=config)
        self.wait_peers(daemon, ATTACKER4)
        self.write_config("allow.sessions = false\n")
        daemon.process.send_signal(signal.SIGHUP)
        self.wait_peers(daemon)
        daemon.cli("bans", "add", ATTACKER4)
        self.wait_banned(ATTACKER4)

    def test_logind_is_asked(self):
        if "libsystemd" not in subprocess.run(["ldd", world.FAREWELLD], check=True, text=True,
                                              stdout=subprocess.PIPE).stdout:
            self.skipTest("built without libsystemd")
        session = os.path.join(self.run_directory, "systemd", "sessions", "7")
        text = "UID=0\nUSER=root\nACTIVE=1\nSTATE={}\nREMOTE=1\nREMOTE_HOST={}\nTYPE=tty\nCLASS=user\nLEADER=1\n"
        with open(session, "w", encoding="utf-8") as file:
            file.write(text.format("active", ATTACKER4))
        daemon = self.start_daemon(wrapper=self.in_own_run)
        self.wait_peers(daemon, ATTACKER4)
        self.assert_not_banned(daemon, ATTACKER4)


class Services(CountingTest):
    def served_while_listening(self, daemon):
        """The number of served ports with one more service, which is gone again afterwards."""
        before = daemon.status()["host"]["served_ports"]
        extra = self.server.start("python3", "-c", "import socket, time; "
                                  "s = socket.create_server(('', 8080)); time.sleep(3600)")
        try:
            wait_until(lambda: daemon.status()["host"]["served_ports"] == before + 1, "the service is noticed", 30)
        finally:
            extra.kill()
            extra.wait()
        return before + 1

    def assert_remembered(self, stop):
        daemon = self.start_daemon()
        served = self.served_while_listening(daemon)
        self.assertGreaterEqual(served, 3, "22, 80 and the one that went")
        services = os.path.join(self.directory, "daemon", "state", "services")
        wait_until(lambda: "tcp/8080 " in self.text_of(services), "it is written down")
        stop(daemon)
        self.assertEqual(self.start_daemon().status()["host"]["served_ports"], served)

    @staticmethod
    def text_of(path):
        try:
            with open(path, encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def test_a_restart_remembers_them(self):
        self.assert_remembered(lambda daemon: daemon.stop())

    def test_so_does_a_start_after_a_crash(self):
        def crash(daemon):
            daemon.process.kill()
            daemon.wait_exit()
        self.assert_remembered(crash)

    def test_unless_they_are_not_to_be_remembered(self):
        daemon = self.start_daemon("detect.remember_services=0")
        served = self.served_while_listening(daemon)
        wait_until(lambda: daemon.status()["host"]["served_ports"] == served - 1, "it is forgotten with its listener")

    def test_a_broken_file_is_one_warning(self):
        state = os.path.join(self.directory, "daemon", "state")
        os.makedirs(state)
        with open(os.path.join(state, "services"), "w", encoding="utf-8") as file:
            file.write("tcp/22 tomorrow\n")
        daemon = self.start_daemon()
        daemon.wait_log("cannot be read: line 1 is none of farewell's")
        self.assertEqual(daemon.log().count("none of farewell's"), 1)
