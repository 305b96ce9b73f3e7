# SPDX-License-Identifier: GPL-2.0-or-later
"""What only nftables' own queue statement can do; kernels without it have none of these. Run by suite.py."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))

import world  # noqa: E402
from counting_e2e import CountingTest  # noqa: E402
from packets import tcp  # noqa: E402
from world import SERVER4  # noqa: E402


class NativeQueue(CountingTest):
    def test_the_policy_of_the_end_to_end_tests_is_native_here(self):
        self.assertTrue(self.has_native_policy)
        self.assertIn("queue to 0-3", self.server.run("nft", "list", "chain", "inet", "firewall", "input").stdout)


class HashedBySource(CountingTest):
    closed = "queue to jhash ip saddr mod 4"
    SOURCES = [f"198.18.0.{number}" for number in range(101, 109)]

    def test_each_source_meets_one_queue(self):
        daemon = self.start_daemon()
        for source in self.SOURCES:
            self.send(self.syns(9, source=source))
        self.wait_judged(daemon, 9 * len(self.SOURCES))
        packets = [queue["packets"] for queue in daemon.status()["queues"]]
        self.assertEqual([count % 9 for count in packets], [0, 0, 0, 0], packets)
        self.assertGreater(sum(count > 0 for count in packets), 1, "not all to one")
        self.assert_no_bans()
        for source in self.SOURCES:
            self.send([tcp(source, SERVER4, 2000)])
        for source in self.SOURCES:
            self.wait_banned(source)


class BypassWithMark(CountingTest):
    """How `bypass` need not open a firewall: what it lets through carries a mark, and a later chain drops that."""

    closed = "meta mark set 0xfa2e queue num 0-3 bypass"
    later = "table inet firewall { chain later { type filter hook input priority 10; meta mark 0xfa2e drop; }; }"

    def test_nothing_is_let_in_while_nobody_listens(self):
        closed = ("curl", "-s", "--connect-timeout", "3", f"http://{world.SERVER4_FOR_CLIENT}:81/")
        self.assertEqual(self.client.run(*closed, check=False).returncode, 7, "bypass alone opens closed ports")
        self.server.run("nft", self.later)
        self.assertEqual(self.client.run(*closed, check=False).returncode, 28, "dropped by its mark")
        self.assert_served()
        daemon = self.start_daemon()
        self.send(self.syns(10))
        self.wait_banned(world.ATTACKER4)
        self.assert_served()
        daemon.stop()


if __name__ == "__main__":
    unittest.main()
