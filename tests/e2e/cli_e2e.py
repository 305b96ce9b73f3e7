# SPDX-License-Identifier: GPL-2.0-or-later
"""The CLI against a running daemon: what it prints, what it changes, and its exit statuses."""

import json

from counting_e2e import CountingTest
from packets import RST, tcp
from world import ATTACKER4, ATTACKER6, CLIENT4, FAREWELL, SERVER4, wait_until


class CliTest(CountingTest):
    def setUp(self):
        super().setUp()
        self.daemon = self.start_daemon()

    def cli(self, *arguments, status=0):
        result = self.daemon.cli(*arguments, check=False)
        self.assertEqual(result.returncode, status, result.stdout)
        return result.stdout

    def json(self, *arguments, status=0):
        return json.loads(self.cli("--json", *arguments, status=status).splitlines()[-1])


class Status(CliTest):
    def test_screen(self):
        text = self.cli("status")
        for part in ("● farewell", "enforcing", "queues    0-3, 4 threads", "0 lost in kernel", "sources   0 tracked",
                     "tracked in 16 MiB", "bans      0 active", "nftables  inet port_scanners_auto_ban"):
            self.assertIn(part, text)

    def test_colour_is_for_terminals_unless_told(self):
        self.assertNotIn("\x1b", self.cli("status"))
        self.assertIn("\x1b[32m●\x1b[0m farewell", self.cli("status", "--color=always"))
        on_a_terminal = ("script", "--quiet", "--return", "--command", f"{FAREWELL} --socket {self.daemon.socket} status", "/dev/null")
        environment = {"PATH": "/usr/bin:/bin", "TERM": "xterm", "ASAN_OPTIONS": "detect_leaks=0"}
        for more, expected in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
            text = self.server.run(*on_a_terminal, env={**environment, **more}).stdout
            self.assertEqual("\x1b[32m" in text, expected, (more, text))

    def test_document(self):
        document = self.json("status")
        self.assertEqual(document["schema"], "farewell/status/v1")
        self.assertEqual(document["mode"], "enforce")
        self.assertEqual(document["pid"], self.daemon.process.pid)
        self.assertEqual([queue["number"] for queue in document["queues"]], [0, 1, 2, 3])
        self.assertEqual(document["rule"]["threshold"], 10)
        for queue in document["queues"]:
            self.assertGreater(queue["receive_buffer_bytes"], 1 << 20, "the receive buffer is forced")
            self.assertEqual(queue["lost_in_queue"], 0, "/proc is read although the daemon is not root")


class Bans(CliTest):
    def test_add_list_get_remove(self):
        self.assertIn("no source is banned", self.cli("bans", "list"))
        self.assertIn(f"banned: {ATTACKER4}", self.cli("bans", "add", ATTACKER4, "--for", "2h"))
        self.assertIn(ATTACKER4, self.banned(4))
        self.assertAlmostEqual(self.banned(4)[ATTACKER4]["expires"], 7200, delta=30)
        self.assertIn("already banned", self.cli("bans", "add", ATTACKER4))
        self.cli("bans", "add", ATTACKER6)
        self.assertIn(ATTACKER6, self.banned(6))

        listed = self.json("bans", "list")
        self.assertEqual(listed["schema"], "farewell/bans/v1")
        self.assertEqual(listed["total"], 2)
        self.assertEqual({ban["source"] for ban in listed["bans"]}, {ATTACKER4, ATTACKER6})
        self.assertTrue(all(ban["state"] == "enforced" for ban in listed["bans"]))
        one = self.json("bans", "get", ATTACKER4)
        self.assertEqual((one["schema"], one["reason"], one["packets"]), ("farewell/ban/v1", "by_operator", 0))
        self.assertIn("by_operator", self.cli("bans", "list"))

        self.assertIn("has been unbanned", self.cli("bans", "remove", ATTACKER4))
        self.assertEqual(self.banned(4), {})
        self.assertIn("was not banned already", self.cli("bans", "remove", ATTACKER4))
        self.cli("bans", "get", ATTACKER4, status=3)

    def test_a_new_duration_replaces_the_old_one(self):
        self.cli("bans", "add", ATTACKER4, "--for", "2h")
        self.cli("bans", "add", ATTACKER4, "--for", "10m")
        self.assertAlmostEqual(self.banned(4)[ATTACKER4]["expires"], 600, delta=30)

    def test_remove_all(self):
        for address in (ATTACKER4, ATTACKER6, CLIENT4):
            self.cli("bans", "add", address)
        self.assertIn("unbanned 3 sources", self.cli("bans", "remove", "--all"))
        self.assert_no_bans()

    def test_an_unbanned_scanner_starts_from_nothing(self):
        self.send(self.syns(10))
        self.wait_banned(ATTACKER4)
        self.cli("bans", "remove", ATTACKER4)
        received = self.daemon.status()["packets"]["received"]
        self.send(self.syns(9, first=3000))
        self.wait_judged(self.daemon, received + 9)
        self.assert_no_bans()
        self.send(self.syns(1, first=4000))
        self.wait_banned(ATTACKER4)

    def test_dropped_packets_are_counted(self):
        self.cli("bans", "add", ATTACKER4)
        self.send(self.syns(7))
        wait_until(lambda: self.json("bans", "get", ATTACKER4)["packets"] == 7, "seven packets counted by the kernel")

    def test_refusals(self):
        self.assertIn("loopback", self.cli("bans", "add", "127.0.0.1", status=1))
        self.assertIn("is not an IPv4 or IPv6 address", self.cli("bans", "add", "example", status=2))
        self.assertIn("duration must be", self.cli("bans", "add", ATTACKER4, "--for", "soon", status=2))
        self.cli("bans", "remove", status=2)
        self.assert_no_bans()

    def test_dry_run_changes_nothing(self):
        self.assertIn(f"would ban {ATTACKER4} for 2h", self.cli("-n", "bans", "add", ATTACKER4, "--for", "2h"))
        self.assert_no_bans()


class Prefixes(CliTest):
    NETWORK6, INSIDE6, BESIDE6 = "2001:db8:0:7::/64", "2001:db8:0:7:ffff::77", "2001:db8:0:9::77"
    NETWORK4, INSIDE4, BESIDE4 = "198.18.7.0/24", "198.18.7.200", "198.18.9.9"

    def test_a_ban_of_a_prefix_cuts_its_other_addresses_and_no_neighbour(self):
        for network, inside, beside, kind in ((self.NETWORK6, self.INSIDE6, self.BESIDE6, "6_64"),
                                              (self.NETWORK4, self.INSIDE4, self.BESIDE4, "4_24")):
            self.assertIn(f"banned: {network}", self.cli("bans", "add", network, "--for", "2h"))
            self.assertIn(network.split("/")[0], self.banned(kind))
            received = self.daemon.status()["packets"]["received"]
            self.send(self.syns(20, source=inside))
            wait_until(lambda: self.json("bans", "get", network)["packets"] >= 20, "counted as dropped")
            self.assertEqual(self.daemon.status()["packets"]["received"], received, "they reached the queue")
            self.send(self.syns(3, source=beside))
            self.wait_judged(self.daemon, received + 3)

    def test_every_document_and_screen_names_the_prefix(self):
        self.cli("bans", "add", self.NETWORK6, "--for", "2h")
        self.assertIn("already banned: 2001:db8:0:7::/64", self.cli("bans", "add", self.INSIDE6))
        listed = self.json("bans", "list")["bans"]
        self.assertEqual([(ban["source"], ban["prefix_length"]) for ban in listed], [(self.NETWORK6, 64)])
        self.assertIn(self.NETWORK6, self.cli("bans", "list"))
        self.assertEqual(self.json("bans", "get", self.INSIDE6)["source"], self.NETWORK6)
        text = self.cli("explain", self.INSIDE6)
        self.assertIn(f"{self.INSIDE6}  BANNED as part of {self.NETWORK6} at", text)
        self.assertIn(f"farewell bans remove {self.NETWORK6} ", text)
        self.daemon.wait_log(f"{self.NETWORK6} has been banned for 2h")

        self.assertIn(f"{self.INSIDE6} is banned as part of {self.NETWORK6}",
                      self.cli("bans", "remove", self.INSIDE6, status=1))
        self.assertIn("has been unbanned", self.cli("bans", "remove", self.NETWORK6))
        self.daemon.wait_log(f"{self.NETWORK6} has been unbanned")
        self.assert_no_bans()
        self.assertIn("no probe of it", self.cli("explain", self.INSIDE6))

    def test_bans_within_a_prefix_keep_their_own_end(self):
        self.cli("bans", "add", self.INSIDE4, "--for", "3h")
        self.cli("bans", "add", self.NETWORK4, "--for", "2h")
        self.assertIn(f"still banned as part of {self.NETWORK4}", self.cli("bans", "remove", self.INSIDE4))
        self.cli("bans", "add", self.INSIDE4, "--for", "3h")
        self.cli("bans", "remove", self.NETWORK4)
        self.assertEqual([ban["source"] for ban in self.json("bans", "list")["bans"]], [self.INSIDE4])

    def test_refusals(self):
        for wrong in ("2001::/15", "2001:db8::/0", "8.0.0.0/7", "2001:db8::1/64"):
            self.cli("bans", "add", wrong, status=2)
        self.assertIn("too wide to be banned: at most a /16 of IPv6", self.cli("bans", "add", "2000::/3", status=2))
        self.assertIn("all of a link", self.cli("bans", "add", "fe80::/64", status=1))
        self.cli("explain", self.NETWORK6, status=2)
        self.assert_no_bans()


class Explain(CliTest):
    def test_not_banned_says_what_is_missing(self):
        self.send(self.syns(3))
        self.wait_judged(self.daemon, 3)
        text = self.cli("explain", ATTACKER4)
        self.assertIn(f"{ATTACKER4}  not banned: 3 of 10 distinct ports within 1d; 7 more would ban it", text)
        self.assertIn("tcp/1002", text)
        self.assertIn("looks like raw", text)
        document = self.json("explain", ATTACKER4)
        self.assertEqual((document["schema"], document["missing"]), ("farewell/explain/v1", 7))

    def test_banned_shows_the_evidence(self):
        self.send(self.syns(10))
        self.wait_banned(ATTACKER4)
        text = self.cli("explain", ATTACKER4)
        for part in (f"{ATTACKER4}  BANNED at", "10 distinct closed ports within 1d were needed", "tcp/1000", "tcp/1009",
                     "dropped at prerouting", f"farewell bans remove {ATTACKER4}"):
            self.assertIn(part, text)

    def test_unknown(self):
        self.assertIn("no probe of it", self.cli("explain", "198.18.0.99"))

    def test_what_did_not_count_is_told_with_its_rule(self):
        resets = [tcp(ATTACKER4, SERVER4, port, RST) for port in (1000, 1000, 1001)]
        self.send(self.syns(2, first=2000) + resets)
        self.wait_judged(self.daemon, 5)
        self.assertIn("did not count: tcp/1000 backscatter (2 times), tcp/1001 backscatter", self.cli("explain", ATTACKER4))
        disregarded = self.json("explain", ATTACKER4)["disregarded"]
        self.assertEqual([packet["rule"] for packet in disregarded], ["backscatter"] * 3)
        self.assertNotIn("did not count", self.cli("explain", CLIENT4))


class BanLists(CliTest):
    def list_file(self, text):
        path = f"{self.directory}/list"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_a_plain_list(self):
        path = self.list_file(f"# a list\n{ATTACKER4}\n{ATTACKER6}  # x\n198.18.7.0/24\n127.0.0.1\n{CLIENT4}\n{SERVER4}\n")
        text = self.cli("bans", "import", path, "--for", "2h", "--reason", "the list")
        self.assertIn("4 banned, 0 already, 2 refused, 0 failed", text)
        self.assertIn("loopback", text)
        self.assertIn(f"{SERVER4} is this host's own address", text)
        self.assertAlmostEqual(self.banned(4)[ATTACKER4]["expires"], 7200, delta=30)
        self.assertIn("198.18.7.0", self.banned("4_24"))
        self.assertIn("out of an imported list: the list", self.cli("explain", ATTACKER4))
        self.assertIn("0 banned, 4 already", self.cli("bans", "import", path))
        wait_until(lambda: "4 bans out of a list" in self.cli("events"), "one event for the whole list")

    def test_a_list_with_mistakes_changes_nothing(self):
        text = self.cli("bans", "import", self.list_file(f"{ATTACKER4}\nexample.org\n"), status=1)
        self.assertIn("1 of its entries cannot be banned; nothing has been imported", text)
        self.assertIn("line 2: ", text)
        self.assert_no_bans()
        self.assertIn("No such file", self.cli("bans", "import", f"{self.directory}/none", status=1))
        self.assertIn("would ban 1 source\n", self.cli("-n", "bans", "import", self.list_file(ATTACKER4)))
        self.assert_no_bans()

    def test_every_format_is_read_back_by_whom_it_is_for(self):
        self.cli("bans", "add", ATTACKER4, "--for", "2h", "--reason", "seen before")
        self.cli("bans", "add", "198.18.7.0/25", "--for", "3h")
        self.cli("bans", "add", "2001:db8:0:7::/64", "--for", "1h")
        self.assertIn("seen before", self.cli("explain", ATTACKER4))
        self.assertIn("seen before", self.cli("events"))
        self.assertEqual(self.cli("bans", "export").split(), [ATTACKER4, "198.18.7.0/25", "2001:db8:0:7::/64"])
        for form in ("json", "cscli"):
            path = self.list_file(self.cli("bans", "export", "--format", form))
            self.cli("bans", "remove", "--all")
            self.assertIn("3 banned", self.cli("bans", "import", path))
            self.assertAlmostEqual(self.json("bans", "get", "198.18.7.0/25")["seconds_left"], 3 * 3600, delta=60)
        path = self.list_file(self.cli("bans", "export", "--format", "nft"))
        self.client.run("nft", "--file", path)
        read = self.client.run("nft", "list", "table", "inet", "farewell_export").stdout
        self.assertRegex(read, r"198\.18\.7\.0/25 timeout (3h|2h59m)")
        self.assertIn("2001:db8:0:7::/64 timeout", read)

    def test_a_hundred_thousand_in_seconds_and_out_again(self):
        wanted = [f"10.{i // 65536}.{i // 256 % 256}.{i % 256}" for i in range(100_000)]
        path = self.list_file("\n".join(wanted))
        self.assertIn("100000 banned, 0 already, 0 refused, 0 failed", self.cli("bans", "import", path))
        self.assertEqual(sorted(self.cli("bans", "export").split()), sorted(wanted))
        self.assertEqual(self.json("status")["bans"]["wanted"], 100_000)


class Allow(CliTest):
    def test_allowing_lifts_the_ban_and_keeps_the_next_away(self):
        self.send(self.syns(10))
        self.wait_banned(ATTACKER4)
        text = self.cli("allow", "add", ATTACKER4, "--reason", "the office")
        self.assertIn(f"{ATTACKER4} is never banned from now on; its ban is lifted", text)
        self.assertEqual(self.banned(4), {})
        received = self.daemon.status()["packets"]["received"]
        self.send(self.syns(20, first=3000))
        self.wait_judged(self.daemon, received + 20)
        self.assert_no_bans()
        self.assertIn("was on the allowlist already", self.cli("allow", "add", ATTACKER4))
        self.assertIn("by hand", self.cli("explain", ATTACKER4))
        self.assertIn("the office", self.cli("allow", "list"))
        self.assertIn(f"{ATTACKER4} is on the allowlist", self.cli("bans", "add", ATTACKER4, status=1))

    def test_it_holds_over_a_reload_and_a_restart_and_ends_with_remove(self):
        self.cli("allow", "add", "198.18.0.0/24")
        self.cli("reload")
        self.cli("bans", "add", ATTACKER4, status=1)
        self.daemon.stop()
        self.daemon = self.start_daemon()
        self.cli("bans", "add", ATTACKER4, status=1)
        self.assertIn("198.18.0.0/24 is still on it", self.cli("allow", "remove", ATTACKER4))
        self.assertIn("is off the allowlist", self.cli("allow", "remove", "198.18.0.0/24"))
        self.assertIn("was not on the allowlist already", self.cli("allow", "remove", "198.18.0.0/24"))
        self.cli("bans", "add", ATTACKER4)

    def test_what_the_configuration_allows_is_shown_and_stays(self):
        daemon = self.start_daemon(namespace=self.client, name="other",
                                   config=self.write_config('[allow]\nnetworks = ["198.18.5.0/24"]\n'))
        text = daemon.cli("allow", "list").stdout
        self.assertRegex(text, r"198\.18\.5\.0/24 +allow\.networks in the configuration")
        self.assertRegex(text, rf"{CLIENT4} +this host's own address")
        result = daemon.cli("allow", "remove", "198.18.5.0/24", check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("take it out of allow.networks there", result.stdout)

    def test_me_is_where_this_session_comes_from(self):
        def cli(*arguments, **environment):
            return self.server.run("env", "-u", "SSH_CONNECTION", *[f"{k}={v}" for k, v in environment.items()], FAREWELL,
                                   "--socket", self.daemon.socket, *arguments, check=False)
        self.assertEqual(cli("allow", "me").returncode, 3)
        result = cli("allow", "me", SSH_CONNECTION=f"{CLIENT4} 50000 {SERVER4} 22")
        self.assertIn(f"{CLIENT4} is never banned", result.stdout)
        # sudo takes the variable away; a parent process still has it.
        result = self.server.run("env", f"SSH_CONNECTION=::ffff:{ATTACKER4} 50000 {SERVER4} 22", "sh", "-c",
                                 'env -u SSH_CONNECTION "$0" --socket "$1" allow me; exit $?', FAREWELL, self.daemon.socket)
        self.assertIn(f"{ATTACKER4} is never banned", result.stdout)

    def test_refusals(self):
        self.assertIn("host bits", self.cli("allow", "add", "192.0.2.7/24", status=2))
        self.assertIn("would allow", self.cli("-n", "allow", "add", ATTACKER4))
        self.assertEqual(self.json("allow", "list")["networks"], [])

    def test_a_list_that_cannot_be_read_is_no_empty_one(self):
        self.daemon.stop()
        with open(f"{self.directory}/daemon/state/allowed", "w", encoding="utf-8") as file:
            file.write("198.18.0.1 1790000000 fine\nnonsense\n")
        daemon = self.start_daemon(ready=False)
        self.assertEqual(daemon.wait_exit(), 1)
        self.assertIn("state/allowed:2: not `NETWORK SECONDS NOTE`: `nonsense`", daemon.log())


class CheckConfig(CliTest):
    def test_every_mistake_with_its_place(self):
        path = self.write_config('[detect]\nwindw = "1h"\nthreshold = "ten"\n')
        text = self.cli("check-config", path, status=78)
        self.assertIn(f"{path}:2:1: error: unknown key `detect.windw`; did you mean `window`?", text)
        self.assertIn(f"{path}:3:13: error: detect.threshold must be", text)
        self.assertEqual([error["place"] for error in self.json("check-config", path, status=78)["errors"]],
                         [f"{path}:2:1", f"{path}:3:13"])
        self.write_config("[detect]\nthreshold = 12\n")
        self.assertIn(f"{path}: ok", self.cli("check-config", path))


class ExitStatuses(CliTest):
    def test_not_running(self):
        self.daemon.stop()
        self.assertIn("is it running?", self.cli("status", status=69))

    def test_usage(self):
        self.assertIn("did you mean `status`?", self.cli("statsu", status=2))
        self.cli(status=2)

    def test_no_permission(self):
        result = self.server.run("setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", "sh", "-c",
                                 f'exec "$0" --socket {self.daemon.socket} status', self._readable_cli(), check=False)
        self.assertEqual(result.returncode, 4, result.stdout)

    def _readable_cli(self):
        import os
        import shutil
        import world
        path = os.path.join(self.directory, "farewell")
        shutil.copy(world.FAREWELL, path)
        for directory in (self.directory, os.path.dirname(self.daemon.socket)):
            os.chmod(directory, 0o755)
        os.chmod(path, 0o755)
        return path

    def test_reload(self):
        self.assertIn("configuration reloaded", self.cli("reload"))

    def test_reload_with_mistakes(self):
        path = self.write_config("")
        daemon = self.start_daemon(namespace=self.client, config=path, name="other")
        self.write_config("[nft]\ntabel = \"x\"\n")
        result = daemon.cli("reload", check=False)
        self.assertEqual(result.returncode, 78)
        self.assertIn(f"{path}:2:1: error: unknown key `nft.tabel`; did you mean `table`?", result.stdout)
