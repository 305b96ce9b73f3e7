# SPDX-License-Identifier: GPL-2.0-or-later
"""Ten thousand bans in place, and somebody does to the ruleset what people and programs do. After each: the kernel holds every
wanted ban with the time it had left, and farewelld says who it was."""

import datetime
import json
import os
import signal
import time

import world
from counting_e2e import CountingTest
from packets import tcp
from world import SERVER4, TABLE, wait_until

BANS = 10_000
LIBFAKETIME = "/usr/$LIB/faketime/libfaketimeMT.so.1"  # the loader fills in where libraries are


def banned_address(number):
    return f"10.0.{number // 256}.{number % 256}"


class Chaos(CountingTest):
    def setUp(self):
        super().setUp()
        elements = ", ".join(f"{banned_address(number)} timeout {3600 + number}s" for number in range(BANS))
        first = self.start_daemon(name="first")  # it makes the table
        self.assertEqual(first.stop(), 0, first.log())
        self.load(f"add element inet {TABLE} banned4 {{ {elements} }}\n")
        self.daemon = self.start_daemon()
        self.assertEqual(self.daemon.status()["bans"]["wanted"], BANS)

    def nft(self, *arguments):
        self.server.run("nft", *arguments)

    def load(self, ruleset):
        path = os.path.join(self.directory, "ruleset.nft")
        with open(path, "w", encoding="utf-8") as file:
            file.write(ruleset)
        self.nft("-f", path)

    def missing(self):
        """How many bans the kernel lacks, and how many it holds with another time than they have left; None while farewelld has
        so much to repair that it does not answer."""
        asked = time.monotonic()
        listing = self.daemon.cli("--json", "bans", "list", check=False)
        if listing.returncode != 0:
            return None
        wanted = {ban["source"]: ban["seconds_left"] for ban in json.loads(listing.stdout)["bans"]}
        held = self.banned(4)
        if held is None:
            return (BANS, 0)
        tolerance = 3 + time.monotonic() - asked  # the second question was answered that much later
        lost = [source for source in wanted if source not in held]
        wrong = [source for source in wanted if source in held and abs(held[source]["expires"] - wanted[source]) > tolerance]
        return (len(lost), len(wrong))

    def assert_whole(self, by="nft"):
        wait_until(lambda: self.missing() == (0, 0), f"every ban is back\n{self.daemon.log()}", 60)
        self.daemon.wait_log(f" by {by} (process ")
        status = self.daemon.status()
        self.assertEqual((status["bans"]["wanted"], status["nftables"]["enforced"], status["degraded"]), (BANS, BANS, False))
        rules = self.server.run("nft", "list", "table", "inet", TABLE).stdout
        self.assertIn("ip saddr @banned4 counter", rules)
        self.assertIn("type filter hook prerouting priority -450; policy accept;", rules)
        # And a scanner is still banned.
        self.load_policy()
        self.send([tcp("198.18.0.77", SERVER4, port) for port in range(1000, 1010)])
        self.wait_banned("198.18.0.77")

    def test_flush_ruleset(self):
        self.nft("flush", "ruleset")
        self.assert_whole()

    def test_a_hundred_flushes_in_a_row(self):
        for _ in range(100):
            self.nft("flush", "ruleset")
        self.assert_whole()

    def test_delete_table(self):
        self.nft("delete", "table", "inet", TABLE)
        self.assert_whole()

    def test_flush_one_set(self):
        self.nft("flush", "set", "inet", TABLE, "banned4")
        self.assert_whole()

    def test_some_elements_removed_and_one_prolonged(self):
        some = ", ".join(banned_address(number) for number in range(0, BANS, 100))
        self.nft("delete", "element", "inet", TABLE, "banned4", "{", some, "}")
        self.nft(f"delete element inet {TABLE} banned4 {{ {banned_address(1)} }}; "
                 f"add element inet {TABLE} banned4 {{ {banned_address(1)} timeout 9h }}")
        self.assert_whole()

    def test_a_restart_of_the_nftables_service(self):
        """It loads a file that begins with a flush."""
        self.load("flush ruleset\ntable inet filter { chain input { type filter hook input priority 0; }; }\n")
        self.assert_whole()

    def test_another_program_replaces_the_table(self):
        self.nft(f"delete table inet {TABLE}; add table inet {TABLE}; "
                 f"add set inet {TABLE} banned4 {{ type inet_service; }}; add chain inet {TABLE} prerouting")
        self.assert_whole()

    def test_a_saved_ruleset_is_loaded_back(self):
        """It looks the same, and is not: its bans are those of then."""
        saved = self.server.run("nft", "list", "table", "inet", TABLE).stdout
        self.load("flush ruleset\n" + saved)
        self.assert_whole()

    def test_rules_that_let_everybody_pass(self):
        self.nft("insert", "rule", "inet", TABLE, "prerouting", "accept")
        wait_until(lambda: "priority -450; policy accept;\n\t\taccept" not in
                   self.server.run("nft", "list", "chain", "inet", TABLE, "prerouting").stdout, "the rule is gone again")
        self.assert_whole()

    def test_a_flush_while_farewelld_is_stopped(self):
        self.daemon.process.send_signal(signal.SIGSTOP)
        self.nft("flush", "ruleset")
        self.nft("add", "table", "inet", "strangers")
        self.daemon.process.send_signal(signal.SIGCONT)
        self.assert_whole()

    def test_stopped_for_five_seconds_under_load(self):
        """What came meanwhile waits in the queues, as much as they hold; whoever scanned last is banned afterwards."""
        self.daemon.process.send_signal(signal.SIGSTOP)
        end = time.monotonic() + 5
        rounds = 0
        while time.monotonic() < end:
            self.send([tcp(f"198.18.0.{10 + rounds % 50}", SERVER4, 20000 + number) for number in range(9)])
            if rounds == 3:
                self.nft("delete", "table", "inet", TABLE)
            rounds += 1
        self.send([tcp("198.18.0.99", SERVER4, port) for port in range(1000, 1010)])
        self.daemon.process.send_signal(signal.SIGCONT)
        self.wait_banned("198.18.0.99")
        self.assertGreater(rounds, 50 / world.PATIENCE, "some load there was")
        self.daemon.cli("bans", "remove", "198.18.0.99")
        self.assert_whole()

    def test_the_wall_clock_steps_by_an_hour_and_back(self):
        """Bans are counted by a clock that nobody sets; the wall clock is only for people."""
        fake = os.path.join(self.directory, "clock")

        def step(offset):
            with open(fake + ".new", "w", encoding="utf-8") as file:
                file.write(offset)
            os.rename(fake + ".new", fake)
        step("+0s")
        self.daemon.process.kill()
        self.daemon.wait_exit()
        self.daemon = self.start_daemon(name="faked", wrapper=(
            "env", f"LD_PRELOAD={LIBFAKETIME}", f"FAKETIME_TIMESTAMP_FILE={fake}", "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1",
            "ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0"))
        before = self.daemon.explain(banned_address(7))["ban"]
        for offset in ("+3600s", "-3600s", "+0s"):
            step(offset)
            after = self.daemon.explain(banned_address(7))["ban"]
            self.assertAlmostEqual(after["seconds_left"], before["seconds_left"], delta=60)
            self.assertEqual(self.missing(), (0, 0), offset)
        step("+3600s")
        until = datetime.datetime.fromisoformat(self.daemon.explain(banned_address(7))["ban"]["until"])
        then = datetime.datetime.fromisoformat(before["until"])
        self.assertAlmostEqual((until - then).total_seconds(), 3600, delta=60, msg="the step was seen")
        self.nft("flush", "ruleset")
        self.assert_whole()

    def test_killed_and_started_again_with_the_bans_that_the_kernel_kept(self):
        for round_ in range(3):
            self.daemon.process.kill()
            self.daemon.wait_exit()
            self.assertIn("ip saddr @banned4 counter", self.server.run("nft", "list", "table", "inet", TABLE).stdout,
                          "the drop rule never went away")
            self.daemon = self.start_daemon(name=f"again{round_}")
            self.assertEqual(self.daemon.status()["bans"]["wanted"], BANS)
        self.nft("flush", "ruleset")
        self.assert_whole()


if __name__ == "__main__":
    world.unittest.main()
