# SPDX-License-Identifier: GPL-2.0-or-later
"""What the host knows of itself: whom it never bans, and which services it remembers."""

import os

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
