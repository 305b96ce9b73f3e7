# SPDX-License-Identifier: GPL-2.0-or-later
"""Soft bans: what anybody could have sent in somebody's name cuts no connection that stands, and lets no new one in."""

import unittest

from counting_e2e import CountingTest
from packets import tcp
from standing import ECHO_PORT, StandingConnections
from world import ATTACKER4, ATTACKER6, SERVER4, SERVER6, TABLE, lasting, wait_until


class SoftBansTest(StandingConnections, CountingTest):
    def setUp(self):
        super().setUp()
        self.attacker.run("iptables-nft", "-w", "-P", "OUTPUT", "ACCEPT")
        self.serve_echo()
        self.open_port(ECHO_PORT)

    def scan(self, source=ATTACKER4, first=1000):
        target = SERVER6 if ":" in source else SERVER4
        self.send([tcp(source, target, port) for port in range(first, first + 10)])

    def wait_soft(self, address):
        kind = "soft6" if ":" in address else "soft4"
        return wait_until(lambda: (self.elements(kind) or {}).get(address), f"{address} in {kind}")


class SoftBans(SoftBansTest):
    def test_connections_that_stand_go_on_and_nothing_new_gets_in(self):
        daemon = self.start_daemon("ban.unproven=soft")
        for source, server in ((ATTACKER4, SERVER4), (ATTACKER6, SERVER6)):
            with self.subTest(source=source):
                ask = self.connect(server)
                self.scan(source)
                self.wait_soft(source)
                self.assertEqual(self.elements("banned6" if ":" in source else "banned4"), {})
                self.assertEqual(ask(), "echo")
                self.assertFalse(self.can_connect(self.attacker, server, ECHO_PORT))
                self.assert_shut_out(self.attacker, server)
                self.assertEqual(ask(), "echo", "still")
        self.assertIn("softly banned for 1h", daemon.log())
        self.assert_served()

    def test_what_is_no_syn_and_belongs_to_no_connection_gets_nothing(self):
        self.start_daemon("ban.unproven=soft")
        self.scan()
        self.wait_soft(ATTACKER4)
        ping = self.attacker.run("hping3", "--icmp", "-n", "-c", "1", SERVER4, check=False)
        self.assertIn(" 0 packets received", ping.stdout)
        for scan in ("-sA", "-sN", "-sF", "-sM"):
            found = self.attacker.run("nmap", scan, "-n", "-Pn", "-p", "22,80", "--max-retries", "1", "--reason", SERVER4).stdout
            self.assertNotIn("reset", found, scan)
        fragments = self.attacker.run("nmap", "-sS", "-f", "-n", "-Pn", "-p", "22,80", "--max-retries", "1", SERVER4).stdout
        self.assertNotIn("open", fragments.replace("open|filtered", ""), "a SYN in fragments")

    def test_the_table_drops_softly_after_connections_are_known(self):
        self.start_daemon("ban.unproven=soft")
        text = self.server.run("nft", "list", "table", "inet", TABLE).stdout
        for part in ("type filter hook prerouting priority -199; policy accept;", "ct state established,related accept",
                     "ip saddr @soft4 counter", "ip6 saddr @soft6 counter"):
            self.assertIn(part, text)

    def test_who_turns_to_full_bans_has_no_connections_tracked_for_him(self):
        first = self.start_daemon("ban.unproven=soft")
        self.assertEqual(first.stop(), 0, first.log())
        second = self.start_daemon("ban.unproven=full", name="second")
        self.assertNotIn("ct state", self.server.run("nft", "list", "table", "inet", TABLE).stdout)
        self.scan()
        self.wait_banned(ATTACKER4)
        self.assertTrue(second.status()["nftables"]["enforced"])

    def test_a_full_ban_cuts_them(self):
        self.start_daemon("ban.unproven=full")
        ask = self.connect(SERVER4)
        self.scan()
        self.wait_banned(ATTACKER4)
        self.assertFalse(self.elements("soft4"))
        self.assertEqual(ask(), "silence")

    def test_an_order_makes_a_soft_ban_full(self):
        daemon = self.start_daemon("ban.unproven=soft")
        ask = self.connect(SERVER4)
        self.scan()
        self.wait_soft(ATTACKER4)
        daemon.cli("bans", "add", ATTACKER4)
        self.assertIn(ATTACKER4, self.elements("banned4"))
        self.assertEqual(self.elements("soft4"), {})
        self.assertEqual(ask(), "silence")
        daemon.cli("bans", "remove", ATTACKER4)
        self.assertEqual(self.banned(4), {})

    def test_a_soft_ban_can_be_taken_back(self):
        daemon = self.start_daemon("ban.unproven=soft")
        self.scan()
        self.wait_soft(ATTACKER4)
        daemon.cli("bans", "remove", ATTACKER4)
        self.assertEqual(self.banned(4), {})
        self.assertTrue(self.can_connect(self.attacker, SERVER4))

    def test_they_outlive_a_flush_and_a_restart_as_what_they_are(self):
        daemon = self.start_daemon("ban.unproven=soft")
        self.scan()
        left = self.wait_soft(ATTACKER4)["expires"]
        self.server.run("nft", "flush", "ruleset")
        daemon.wait_log("rebuilt, 1 ban is back in force")
        self.load_policy()
        self.assertAlmostEqual(self.wait_soft(ATTACKER4)["expires"], left, delta=5)
        self.assertEqual(daemon.stop(), 0, daemon.log())
        second = self.start_daemon("ban.unproven=soft", name="second")
        self.assertTrue(second.explain(ATTACKER4)["ban"]["soft"])
        self.assertIn(ATTACKER4, self.elements("soft4"))
        self.assert_shut_out()

    def test_one_that_somebody_made_full_by_hand_is_soft_again(self):
        daemon = self.start_daemon("ban.unproven=soft")
        self.scan()
        self.wait_soft(ATTACKER4)
        self.server.run("nft", f"add element inet {TABLE} banned4 {{ {ATTACKER4} timeout 1h }}")
        daemon.wait_log("had been taken out or altered by nft")
        wait_until(lambda: self.elements("banned4") == {}, "the full one is gone")
        self.assertIn(ATTACKER4, self.elements("soft4"))

    def test_whoever_comes_back_is_kept_out_longer(self):
        daemon = self.start_daemon("ban.unproven=soft", f"ban.soft_duration={lasting(2)}", "ban.repeat_factor=3")
        self.scan()
        daemon.wait_log(f"{ATTACKER4} has been softly banned for {lasting(2)}")
        daemon.wait_log(f"{ATTACKER4} has been unbanned (expired)")
        self.scan(first=2000)
        daemon.wait_log(f"{ATTACKER4} has been softly banned for {lasting(6)}")
        self.assertIn("offence 2)", daemon.log())

    def test_whoever_was_banned_before_a_restart_is_known(self):
        daemon = self.start_daemon("ban.unproven=soft", f"ban.soft_duration={lasting(2)}", "ban.repeat_factor=3")
        self.scan()
        daemon.wait_log(f"{ATTACKER4} has been unbanned (expired)")
        self.assertEqual(daemon.stop(), 0, daemon.log())
        second = self.start_daemon("ban.unproven=soft", f"ban.soft_duration={lasting(2)}", "ban.repeat_factor=3")
        wait_until(lambda: second.status()["sources"]["offenders"] == 1, "the history has been asked")
        self.scan(first=2000)
        second.wait_log(f"{ATTACKER4} has been softly banned for {lasting(6)}")


if __name__ == "__main__":
    unittest.main()
