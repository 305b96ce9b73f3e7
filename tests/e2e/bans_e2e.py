# SPDX-License-Identifier: GPL-2.0-or-later
"""Bans in the kernel: that they hold, how they end, and what brings them back."""

import json
import os
import re
import shutil
import signal
import subprocess

import world
from counting_e2e import CountingTest
from packets import tcp
from world import ATTACKER4, ATTACKER6, CLIENT4, SERVER4, TABLE, lasting, wait_until


_OWN_TABLE = """
import ctypes, sys, time
library = ctypes.CDLL("libnftables.so.1")
library.nft_ctx_new.restype = ctypes.c_void_p
context = ctypes.c_void_p(library.nft_ctx_new(0))
table = sys.argv[1]
text = f"delete table inet {table}; add table inet {table} {{ flags owner; }}"
if library.nft_run_cmd_from_buffer(context, text.encode()) == 0:
    print("owned", flush=True)
    time.sleep(1000)
"""


class BansTest(CountingTest):
    def open_attacker(self):
        self.attacker.run("iptables-nft", "-w", "-P", "OUTPUT", "ACCEPT")

    def ban_attacker(self, first=1000):
        self.send(self.syns(10, first=first))
        return self.wait_banned(ATTACKER4)

    def dropped(self):
        """Packets that the drop rules have counted."""
        rules = json.loads(self.server.run("nft", "-j", "list", "table", "inet", TABLE).stdout)
        return sum(expression["counter"]["packets"] for entry in rules["nftables"]
                   for expression in entry.get("rule", {}).get("expr", []) if "counter" in expression)


class InForce(BansTest):
    def test_a_banned_source_gets_nothing_at_prerouting(self):
        daemon = self.start_daemon()
        self.ban_attacker()
        before = self.dropped()
        self.open_attacker()
        self.assert_shut_out()
        self.assertGreater(self.dropped(), before)
        received = daemon.status()["packets"]["received"]
        self.send(self.syns(20, first=5000))
        wait_until(lambda: self.dropped() >= before + 20, "the kernel has dropped them")
        self.assertEqual(daemon.status()["packets"]["received"], received, "a banned source reached the queue")

    def test_the_table_is_as_promised(self):
        self.start_daemon()
        text = self.server.run("nft", "list", "table", "inet", TABLE).stdout
        for part in ("chain prerouting", "type filter hook prerouting priority -450; policy accept;", "set banned4",
                     "set banned6", "flags timeout", "ip saddr @banned4 counter packets", "ip6 saddr @banned6",
                     "ip6 saddr @allow6 accept"):
            self.assertIn(part, text)
        for part in ("saddr &", "soft", "ct state"):
            self.assertNotIn(part, text, "no packet pays for what nobody uses")

    def test_the_ban_runs_out_without_farewelld(self):
        daemon = self.start_daemon(f"ban.duration={lasting(3)}")
        self.ban_attacker()
        daemon.process.kill()
        daemon.wait_exit()
        self.open_attacker()
        self.assert_shut_out()
        wait_until(lambda: self.banned(4) == {}, "the kernel's own timeout")
        self.assertTrue(self.can_connect(self.attacker, SERVER4, 80, 5.0))

    def test_the_ban_runs_out_and_is_told_and_the_source_starts_from_nothing(self):
        daemon = self.start_daemon(f"ban.duration={lasting(2)}")
        self.ban_attacker()
        daemon.wait_log(f"{ATTACKER4} has been unbanned")
        wait_until(lambda: self.banned(4) == {}, "the kernel's own timeout")
        self.assertEqual(daemon.explain(ATTACKER4)["missing"], 10)
        self.ban_attacker(first=3000)

    def test_twelve_hours_by_default(self):
        self.start_daemon()
        element = self.ban_attacker()
        self.assertAlmostEqual(element["timeout"], 12 * 3600, delta=2)  # counted from the decision, in whole seconds


class StartAndStop(BansTest):
    def test_start_clears_stale_bans(self):
        daemon = self.start_daemon()
        self.ban_attacker()
        daemon.process.kill()
        daemon.wait_exit()
        self.assertIn(ATTACKER4, self.banned(4))
        self.start_daemon("ban.on_start=clear", name="second")
        self.assertEqual(self.banned(4), {})
        self.open_attacker()
        self.assertTrue(self.can_connect(self.attacker, SERVER4, 80, 5.0))

    def test_keep_takes_over_what_the_kernel_holds(self):
        daemon = self.start_daemon()
        self.ban_attacker()
        self.assertEqual(daemon.stop(), 0)
        second = self.start_daemon(name="second")
        self.assertIn(ATTACKER4, self.banned(4))
        ban = second.json("bans", "get", ATTACKER4)
        self.assertEqual(ban["state"], "enforced")
        self.assertAlmostEqual(ban["seconds_left"], 12 * 3600, delta=60)

    def test_stop_leaves_the_bans_to_the_kernel(self):
        daemon = self.start_daemon()
        self.ban_attacker()
        self.assertEqual(daemon.stop(), 0, daemon.log())
        self.assertIn(ATTACKER4, self.banned(4))

    def test_stop_removes_the_table_if_told_to(self):
        daemon = self.start_daemon("ban.on_stop=remove")
        self.ban_attacker()
        self.assertEqual(daemon.stop(signal.SIGINT), 0, daemon.log())
        self.assertIsNone(self.banned(4))

    def test_a_strange_table_of_our_name_is_replaced(self):
        self.server.run("nft", f"add table inet {TABLE}; add set inet {TABLE} banned4 {{ type inet_service; }}")
        self.start_daemon()
        self.ban_attacker()

    def test_sigkill_leaves_closed_ports_dropped_services_served_and_bans_in_force(self):
        daemon = self.start_daemon()
        self.ban_attacker()
        daemon.process.kill()
        daemon.wait_exit()
        self.assertIn(ATTACKER4, self.banned(4))
        self.assert_served()
        # A port that nobody listens on: silence, not a reset, because no process answers the queue.
        refused = self.client.run("curl", "-s", "--connect-timeout", "1", f"http://{world.SERVER4_FOR_CLIENT}:81/",
                                  check=False)
        self.assertEqual(refused.returncode, 28, "curl must time out")
        self.open_attacker()
        self.assert_shut_out()


class Repair(BansTest):
    def assert_repaired(self, daemon):
        """Without a packet, and whoever comes next is banned as well."""
        self.wait_banned(ATTACKER4)
        self.assertGreater(self.banned(4)[ATTACKER4]["expires"], 12 * 3600 - 60)
        daemon.wait_log("was removed or changed by nft (process ")
        daemon.wait_log("rebuilt, 1 ban is back in force")
        self.send([tcp("198.18.0.77", SERVER4, port) for port in range(1000, 1010)])
        self.wait_banned("198.18.0.77")
        status = daemon.status()
        self.assertEqual((status["nftables"]["repairs"], status["nftables"]["enforced"], status["degraded"]), (1, 2, False))

    def test_deleted_table(self):
        daemon = self.start_daemon()
        self.ban_attacker()
        self.server.run("nft", "delete", "table", "inet", TABLE)
        self.assert_repaired(daemon)

    def test_flushed_ruleset(self):
        daemon = self.start_daemon()
        self.ban_attacker()
        self.server.run("nft", "flush", "ruleset")
        self.load_policy()
        self.assert_repaired(daemon)

    def test_whoever_did_it_steers_no_terminal(self):
        """A program calls itself what it likes. Its name is told everywhere, and heeded nowhere."""
        daemon = self.start_daemon()
        self.ban_attacker()
        program = os.path.join(self.directory.encode(), b"\x1b[31m\xff\xc2\x9b2J")
        shutil.copy(shutil.which("nft"), program)
        self.server.run(program, "flush", "ruleset")
        shown = r"\x1b[31m\xff\xc2\x9b2J (process "
        daemon.wait_log("was removed or changed by " + shown)
        wait_until(lambda: "repair" in daemon.cli("events").stdout, "the history has it")
        for command, line in (("status", "repaired once, "), ("events", "the table was removed or changed by ")):
            text = daemon.cli(command).stdout
            self.assertRegex(text, line + ".*" + re.escape("\\x1b[31m\ufffd\\xc2\\x9b2J (process "))
            self.assertNotRegex(text, "[\x1b\x9b]")
        self.assertNotRegex(daemon.cli("--json", "status").stdout, "[\x1b\x9b]")
        self.assertTrue(daemon.status()["nftables"]["last_repair"]["by"].startswith("\x1b[31m\ufffd\x9b2J (process "))

    def test_a_ban_taken_out_by_hand_is_back(self):
        """By hand is `farewell bans remove`; whoever else takes a ban out does not know what it is for."""
        daemon = self.start_daemon()
        self.ban_attacker()
        self.server.run("nft", "delete", "element", "inet", TABLE, "banned4", "{", ATTACKER4, "}")
        daemon.wait_log("1 of the bans in nftables table inet " + TABLE + " had been taken out or altered by nft (process ")
        self.wait_banned(ATTACKER4)
        self.assertGreater(self.banned(4)[ATTACKER4]["expires"], 12 * 3600 - 60)
        self.assertEqual(daemon.status()["bans"]["decided"], 1)

    def test_a_table_that_others_own_is_reported_and_retried(self):
        daemon = self.start_daemon()
        self.ban_attacker()
        owner = self.server.start("python3", "-c", _OWN_TABLE, TABLE, stdout=subprocess.PIPE)
        self.addCleanup(owner.stdout.close)
        self.addCleanup(owner.wait)
        self.addCleanup(owner.kill)
        self.assertEqual(owner.stdout.readline(), b"owned\n")
        daemon.wait_log("and cannot be repaired yet: ")
        self.assertTrue(daemon.status()["degraded"])
        self.assertEqual(daemon.cli("status", check=False).returncode, 5)
        self.send([tcp("198.18.0.77", SERVER4, port) for port in range(1000, 1010)])
        daemon.wait_log("failed to ban 198.18.0.77, will be retried")
        owner.kill()  # the table goes with its owner
        self.wait_banned(ATTACKER4)
        self.wait_banned("198.18.0.77", 60)
        wait_until(lambda: not daemon.status()["degraded"], "all is well again")


class Budget(BansTest):
    def scan_from(self, first, count):
        self.send([tcp(f"198.18.0.{number}", SERVER4, port) for number in range(first, first + count) for port in range(1000, 1010)])

    def test_forged_scanners_do_not_have_the_world_banned(self):
        daemon = self.start_daemon("ban.per_minute=20")
        self.ban_attacker()
        self.scan_from(50, 60)
        daemon.wait_log("more than 20 sources deserved a ban within a minute")
        status = daemon.status()
        self.assertTrue(status["degraded"])
        self.assertIn("new scanners are not banned", status["trouble"])
        self.assertEqual(daemon.cli("status", check=False).returncode, 5)
        self.assertLessEqual(status["bans"]["wanted"], 25)  # twenty at once, and one every three seconds
        self.assertEqual(status["bans"]["wanted"] + status["bans"]["withheld"], 61)
        self.assertIn(ATTACKER4, self.banned(4), "whoever was banned before stays so")
        daemon.wait_log("bans resume; ", 60)
        self.assertFalse(daemon.status()["degraded"])
        self.scan_from(200, 1)
        self.wait_banned("198.18.0.200")


class Prefixes(BansTest):
    BANS = {"6_64": "2001:db8:0:7::", "6_56": "2001:db8:0:200::", "6_48": "2001:db8:5::", "6_32": "2001:db9::",
            "4_24": "198.18.7.0", "4_16": "198.19.0.0"}  # the narrower ones first: within a ban there is nothing to add

    def ban_all(self, daemon):
        for kind, first in self.BANS.items():
            daemon.cli("bans", "add", f"{first}/{kind.split('_')[1]}")

    def assert_all_held(self):
        for kind, first in self.BANS.items():
            self.assertIn(first, self.banned(kind) or {}, kind)

    def test_all_are_back_after_a_flush(self):
        daemon = self.start_daemon()
        self.ban_all(daemon)
        self.assert_all_held()
        self.server.run("nft", "flush", "ruleset")
        daemon.wait_log("rebuilt, 6 bans are back in force")
        self.assert_all_held()

    def test_keep_takes_them_over_but_not_what_is_allowed_now(self):
        daemon = self.start_daemon()
        self.ban_all(daemon)
        self.assertEqual(daemon.stop(), 0, daemon.log())
        second = self.start_daemon('allow.networks=["2001:db9:7::/48"]', name="second")
        kept = {ban["source"] for ban in second.json("bans", "list")["bans"]}
        self.assertEqual(kept, {f"{first}/{kind.split('_')[1]}" for kind, first in self.BANS.items()} -
                         {"2001:db9::/32"})
        self.assertEqual(self.banned("6_32"), {})
        self.assertIn("on the allowlist", second.cli("bans", "add", "2001:db9::/32", check=False).stdout)

    def test_start_clears_them(self):
        daemon = self.start_daemon()
        self.ban_all(daemon)
        self.assertEqual(daemon.stop(), 0, daemon.log())
        self.start_daemon("ban.on_start=clear", name="second")
        self.assert_no_bans()


class Bypass(BansTest):
    closed = "queue num 0-3 bypass"

    def test_bypass_lets_everything_through_when_nobody_listens(self):
        """Why the README says not to use it: at the end of a policy-drop chain it fails open."""
        daemon = self.start_daemon()
        closed = ("curl", "-s", "--connect-timeout", "1", f"http://{world.SERVER4_FOR_CLIENT}:81/")
        self.assertEqual(self.client.run(*closed, check=False).returncode, 28, "dropped while farewelld runs")
        daemon.stop()
        self.assertEqual(self.client.run(*closed, check=False).returncode, 7, "refused: the stack itself answered")


class Observe(BansTest):
    def test_observe_bans_nobody_and_says_what_it_would_do(self):
        daemon = self.start_daemon("--observe")
        self.send(self.syns(10) + self.syns(10, source=ATTACKER6))
        daemon.wait_log(f"{ATTACKER4} would have been banned")
        daemon.wait_log(f"{ATTACKER6} would have been banned")
        self.assertIsNone(self.banned(4), "there is not even a table")
        self.open_attacker()
        self.assert_served(self.attacker, SERVER4)
        self.assertEqual(daemon.status()["mode"], "observe")
        self.assertNotIn(CLIENT4, daemon.log())
