# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections that a source had open when it was banned."""

import os
import signal
import subprocess
import unittest

from counting_e2e import CountingTest
from world import ATTACKER4, CLIENT4, SERVER4, SERVER4_FOR_CLIENT, wait_until

_ECHO = """
import socket, threading
listening = socket.create_server(("", 9000))
print("ready", flush=True)
def echo(connection):
    while data := connection.recv(100):
        connection.sendall(data)
while True:
    threading.Thread(target=echo, args=(listening.accept()[0],), daemon=True).start()
"""

_COME_AND_GO = """
import socket, sys
with socket.create_connection((sys.argv[1], 9000)) as connection:
    connection.sendall(b"x")
    connection.recv(1)
    connection.shutdown(socket.SHUT_WR)
    connection.recv(1)
"""

# Says something, waits for its echo, and so on; the file grows by a byte for each.
_TALK = """
import socket, sys, time
with socket.create_connection((sys.argv[1], 9000)) as connection, open(sys.argv[2], "ab", 0) as heard:
    while True:
        connection.sendall(b"x")
        heard.write(connection.recv(1))
        time.sleep(0.05)
"""


class ConnectionsTest(CountingTest):
    def setUp(self):
        super().setUp()
        self.attacker.run("iptables-nft", "-w", "-P", "OUTPUT", "ACCEPT")
        self.open_port(9000)
        self.start(self.server, _ECHO, stdout=subprocess.PIPE).stdout.readline()

    def start(self, namespace, program, *arguments, **options):
        process = namespace.start("python3", "-c", program, *arguments, **options)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        if process.stdout:
            self.addCleanup(process.stdout.close)
        return process

    def come_and_go(self):
        """A connection that both ends close in the ordinary way."""
        self.attacker.run("python3", "-c", _COME_AND_GO, SERVER4)

    def talk(self, namespace, address, name):
        path = os.path.join(self.directory, name)
        self.start(namespace, _TALK, address, path)
        wait_until(lambda: os.path.exists(path) and os.path.getsize(path) > 2, f"{name} talks with the server")
        return lambda: os.path.getsize(path)

    def flows(self, source):
        """Connections to the echo service that the kernel tracks."""
        lines = self.server.run("cat", "/proc/self/net/nf_conntrack").stdout.splitlines()
        return sum(1 for line in lines if f"src={source} " in line.split("dport=")[0] and "dport=9000 " in line)

    def ban_attacker(self):
        self.send(self.syns(10))
        self.wait_banned(ATTACKER4)


class Connections(ConnectionsTest):
    def test_it_is_tracked_and_goes_on_by_default(self):
        daemon = self.start_daemon()
        heard = self.talk(self.attacker, SERVER4, "attacker")
        self.ban_attacker()
        self.assertEqual(self.flows(ATTACKER4), 1)
        daemon.cli("bans", "remove", ATTACKER4)
        before = heard()
        wait_until(lambda: heard() > before + 2, "the connection goes on where it was interrupted")
        self.assertEqual(daemon.status()["connections"]["walks"], 0)

    def test_it_is_cut_if_told_so_and_no_other_is(self):
        daemon = self.start_daemon("ban.cut_connections=true")
        heard = self.talk(self.attacker, SERVER4, "attacker")
        client = self.talk(self.client, SERVER4_FOR_CLIENT, "client")
        self.ban_attacker()
        wait_until(lambda: self.flows(ATTACKER4) == 0, "its connection is not tracked any more")
        self.assertEqual(self.flows(CLIENT4), 1)
        wait_until(lambda: daemon.status()["connections"]["removed"] == 1, "it is counted")
        received = daemon.status()["packets"]["received"]
        before = heard()
        daemon.cli("bans", "remove", ATTACKER4)
        wait_until(lambda: daemon.status()["packets"]["received"] >= received + 2, "it tries to go on, and is dropped")
        self.assertEqual(heard(), before)
        others = client()
        wait_until(lambda: client() > others + 2, "the client's connection goes on")

    def test_a_ban_by_hand_cuts_as_well_and_a_reload_is_enough(self):
        config = self.write_config("ban.cut_connections = false\n")
        daemon = self.start_daemon(config=config)
        self.talk(self.attacker, SERVER4, "attacker")
        self.write_config("ban.cut_connections = true\n")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_log("configuration reloaded")
        daemon.cli("bans", "add", ATTACKER4)
        wait_until(lambda: self.flows(ATTACKER4) == 0, "its connection is not tracked any more")
        wait_until(lambda: daemon.status()["connections"]["removed"] == 1, "it is counted")

    def test_a_soft_ban_cuts_none_whatever_it_is_told(self):
        daemon = self.start_daemon("ban.unproven=soft", "ban.cut_connections=true")
        heard = self.talk(self.attacker, SERVER4, "attacker")
        self.ban_attacker()
        self.assertIn(ATTACKER4, self.elements("soft4"))
        before = heard()
        wait_until(lambda: heard() > before + 20, "the connection goes on")
        self.assertEqual(daemon.status()["connections"]["removed"], 0)


class Proof(ConnectionsTest):
    """Some seconds after a soft ban, farewelld asks whether the source has had connections that are over."""

    def test_who_came_and_went_is_banned_fully(self):
        daemon = self.start_daemon("ban.unproven=soft")
        self.come_and_go()
        self.ban_attacker()
        element = wait_until(lambda: self.elements("banned4").get(ATTACKER4), "the ban is full")
        self.assertGreater(element["expires"], 11 * 3600)
        self.assertEqual(self.elements("soft4"), {})
        daemon.wait_log(f"{ATTACKER4} has been banned for 12h")
        self.assertFalse(daemon.explain(ATTACKER4)["evidence"]["could_be_forged"])

    def test_who_is_still_there_stays_banned_softly(self):
        daemon = self.start_daemon("ban.unproven=soft")
        self.come_and_go()
        heard = self.talk(self.attacker, SERVER4, "attacker")
        self.ban_attacker()
        wait_until(lambda: daemon.status()["connections"]["walks"] > 0, "it was asked")
        self.assertEqual(self.elements("banned4"), {})
        before = heard()
        wait_until(lambda: heard() > before + 2, "its connection goes on")

    def test_who_never_came_stays_banned_softly(self):
        daemon = self.start_daemon("ban.unproven=soft")
        self.ban_attacker()
        wait_until(lambda: daemon.status()["connections"]["walks"] > 0, "it was asked")
        self.assertEqual(self.elements("banned4"), {})
        self.assertIn(ATTACKER4, self.elements("soft4"))


if __name__ == "__main__":
    unittest.main()
