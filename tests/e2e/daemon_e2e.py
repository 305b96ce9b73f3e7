# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon as a process: privileges, signals, configuration, other instances, and errors with the next step."""

import os
import re
import signal
import time

import world
from counting_e2e import CountingTest
from packets import ethernet, send_frames, tcp
from world import ATTACKER4, SERVER4, wait_until

CAP_NET_ADMIN = 1 << 12


class Privileges(CountingTest):
    def test_the_daemon_keeps_net_admin_alone_and_is_not_root(self):
        daemon = self.start_daemon()
        with open(f"/proc/{daemon.process.pid}/status", encoding="utf-8") as file:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertEqual(int(fields["CapEff"], 16), CAP_NET_ADMIN)
        self.assertEqual(int(fields["CapPrm"], 16), CAP_NET_ADMIN)
        self.assertEqual(int(fields["CapBnd"], 16), 0)
        self.assertEqual(int(fields["CapInh"], 16), 0)
        self.assertNotIn("0", fields["Uid"].split())
        self.assertNotIn("0", fields["Gid"].split())
        self.assertEqual(fields["NoNewPrivs"].strip(), "1")
        # And it can still do its work.
        self.send(self.syns(10))
        self.wait_banned(ATTACKER4)

    def test_every_thread_has_given_up_the_rest(self):
        daemon = self.start_daemon()
        tasks = os.listdir(f"/proc/{daemon.process.pid}/task")
        self.assertGreaterEqual(len(tasks), 6, "four queues, the engine, the control thread")
        for task in tasks:
            with open(f"/proc/{daemon.process.pid}/task/{task}/status", encoding="utf-8") as file:
                effective = re.search(r"CapEff:\s*(\S+)", file.read()).group(1)
            self.assertEqual(int(effective, 16), CAP_NET_ADMIN)

    def test_an_ordinary_user_with_the_capability_will_do(self):
        for name in ("state", "run"):
            os.makedirs(os.path.join(self.directory, name))
        os.chmod(self.directory, 0o777)
        for name in ("state", "run"):
            os.chmod(os.path.join(self.directory, name), 0o777)
        daemon = self.start_daemon(
            f"state.directory={self.directory}/state", f"control.socket={self.directory}/run/control.sock", ready=False,
            wrapper=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+net_admin",
                     "--ambient-caps=+net_admin"))
        daemon.socket = f"{self.directory}/run/control.sock"
        daemon.wait_ready()
        self.send(self.syns(10))
        self.wait_banned(ATTACKER4)
        self.assertEqual(daemon.stop(), 0)


class Sandbox(CountingTest):
    def status_fields(self, daemon):
        with open(f"/proc/{daemon.process.pid}/status", encoding="utf-8") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)

    def test_every_thread_is_behind_the_filter(self):
        daemon = self.start_daemon("process.sandbox=required")
        for task in os.listdir(f"/proc/{daemon.process.pid}/task"):
            with open(f"/proc/{daemon.process.pid}/task/{task}/status", encoding="utf-8") as file:
                self.assertIn("Seccomp:\t2\n", file.read())

    def test_it_can_be_turned_off(self):
        daemon = self.start_daemon("process.sandbox=off")
        self.assertEqual(self.status_fields(daemon)["Seccomp"], "0")
        self.assertIn("process.sandbox is off", daemon.log())

    def test_the_whole_work_is_done_behind_it(self):
        path = self.write_config("[detect]\nthreshold = 10\n[process]\nsandbox = \"required\"\n")
        made = os.path.join(self.directory, "made")  # by the daemon, so it may remove what is in there
        daemon = self.start_daemon(f"control.socket={made}/control.sock", config=path, ready=False)
        daemon.socket = f"{made}/control.sock"
        daemon.wait_ready()
        self.send(self.syns(10))
        self.wait_banned(ATTACKER4)
        self.assertIn(ATTACKER4, daemon.cli("explain", ATTACKER4).stdout)
        wait_until(lambda: ATTACKER4 in daemon.cli("events").stdout, "the history knows")
        self.server.run("nft", "delete", "table", "inet", world.TABLE)
        self.wait_banned(ATTACKER4)
        self.write_config("[detect]\nthreshold = 12\n[process]\nsandbox = \"required\"\n")
        self.assertEqual(daemon.cli("reload").returncode, 0)
        wait_until(lambda: daemon.status()["rule"]["threshold"] == 12, "the new threshold is in force")
        daemon.cli("bans", "remove", ATTACKER4)
        wait_until(lambda: self.banned(4) == {}, "the ban is lifted")
        self.assertEqual(daemon.stop(), 0, daemon.log())
        self.assertFalse(os.path.exists(daemon.socket), "the control socket is gone")
        self.assertIn("stopped", daemon.log())


class Refusals(CountingTest):
    def assert_refuses(self, daemon, status, *parts):
        self.assertEqual(daemon.wait_exit(), status, daemon.log())
        for part in parts:
            self.assertIn(part, daemon.log())

    def test_no_capability(self):
        daemon = self.start_daemon(ready=False, wrapper=("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"))
        self.assert_refuses(daemon, 4, "needs CAP_NET_ADMIN", "start it as root")

    def test_queue_taken(self):
        first = self.start_daemon()
        second = self.start_daemon(ready=False, name="second")
        self.assert_refuses(second, 1, "bind queue 0: taken by process", f"{first.process.pid} (farewelld)",
                            "choose another by capture.queues")
        self.send(self.syns(10))
        self.wait_banned(ATTACKER4)

    def test_log_group_taken(self):
        first = self.start_daemon("capture.source=nflog")
        second = self.start_daemon("capture.source=nflog", ready=False, name="second")
        self.assert_refuses(second, 1, "bind log group 7: taken by process", f"{first.process.pid} (farewelld)",
                            "or capture.group")

    def test_second_instance_does_not_touch_the_bans_of_the_first(self):
        first = self.start_daemon()
        self.send(self.syns(10))
        self.wait_banned(ATTACKER4)
        second = self.start_daemon(ready=False, name="second")
        self.assertEqual(second.wait_exit(), 1)
        self.assertIn(ATTACKER4, self.banned(4))
        self.assertEqual(first.status()["bans"]["wanted"], 1)

    def test_second_instance_on_the_same_state_directory(self):
        first = self.start_daemon()
        second = self.start_daemon(f"state.directory={os.path.dirname(first.socket)}/state", ready=False, name="second")
        self.assert_refuses(second, 1, f"another farewelld (pid {first.process.pid})", "--set state.directory=")

    def test_second_instance_on_the_same_socket(self):
        first = self.start_daemon()
        second = self.start_daemon(f"control.socket={first.socket}", ready=False, name="second")
        self.assert_refuses(second, 1, f"another farewelld (pid {first.process.pid})", "--set control.socket=")
        self.assertEqual(first.cli("status").returncode, 0)

    def test_mistakes_in_the_configuration(self):
        path = self.write_config('[detect]\nthreshold = "ten"\nwindw = "1h"\n')
        daemon = self.start_daemon(ready=False, config=path)
        self.assert_refuses(daemon, 78, f'{path}:2:13: error: detect.threshold must be an integer 2..65535, got string "ten"',
                            f"{path}:3:1: error: unknown key `detect.windw`; did you mean `window`?")

    def test_a_missing_configuration_file(self):
        daemon = self.start_daemon(ready=False, config="/nonexistent/farewell.toml")
        self.assert_refuses(daemon, 78, "/nonexistent/farewell.toml: error: cannot be read: No such file or directory")

    def test_metadata_only_is_no_way_to_detect(self):
        daemon = self.start_daemon("capture.copy_mode=metadata", ready=False)
        self.assert_refuses(daemon, 78, "unusable for detection", 'use "payload"')

    def test_check_config_says_ok_and_touches_nothing(self):
        path = self.write_config("[detect]\nthreshold = 12\n")
        daemon = self.start_daemon("--check-config", ready=False, config=path)
        self.assert_refuses(daemon, 0, f"{path}: ok")
        self.assertIsNone(self.banned(4))


class Signals(CountingTest):
    def test_hangup_applies_a_new_threshold(self):
        path = self.write_config("[detect]\nthreshold = 10\n")
        daemon = self.start_daemon(config=path)
        self.send(self.syns(4))
        self.wait_judged(daemon, 4)
        self.write_config("[detect]\nthreshold = 5\n")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_log("configuration reloaded")
        self.assert_no_bans()
        self.send(self.syns(1, first=3000))
        self.wait_banned(ATTACKER4)

    def test_hangup_with_mistakes_keeps_the_running_configuration(self):
        path = self.write_config("[detect]\nthreshold = 5\n")
        daemon = self.start_daemon(config=path)
        self.write_config("[detect]\nthreshold = 1\n")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_log("the running one stays in force")
        self.assertIn(f"{path}:2:13: error: detect.threshold", daemon.log())
        self.assertEqual(daemon.status()["rule"]["threshold"], 5)

    def test_hangup_with_a_new_allowlist_lifts_a_ban(self):
        path = self.write_config("[detect]\nthreshold = 5\n")
        daemon = self.start_daemon(config=path)
        self.send(self.syns(5))
        self.wait_banned(ATTACKER4)
        self.write_config(f'[allow]\nnetworks = ["{ATTACKER4}"]\n')
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.banned(4) == {}, "the ban is lifted")
        daemon.wait_log(f"{ATTACKER4} has been unbanned (allowlisted)")

    def test_hangup_tells_what_needs_a_restart(self):
        path = self.write_config("[capture]\nqueues = \"0-3\"\n")
        daemon = self.start_daemon(config=path)
        self.write_config("[capture]\nqueues = \"0-1\"\n")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_log("capture.* has changed: that takes a restart")

    def test_stop_while_observing(self):
        daemon = self.start_daemon("--observe")
        self.assertEqual(daemon.stop(), 0, daemon.log())
        self.assertIn("stopped", daemon.log())

    def test_stop_while_flooded(self):
        daemon = self.start_daemon()
        frames = [ethernet(self.server_mac, tcp(f"198.18.0.{10 + i % 200}", SERVER4, 1000 + i % 9)) for i in range(500)]
        flood = os.fork()
        if flood == 0:
            try:
                self.attacker._enter()
                send_frames(frames, times=400)
            finally:
                os._exit(0)
        try:
            wait_until(lambda: daemon.status()["packets"]["received"] > 5000, "the flood is on")
            began = time.monotonic()
            self.assertEqual(daemon.stop(), 0, daemon.log())
            self.assertLess(time.monotonic() - began, 5.0)
        finally:
            os.kill(flood, signal.SIGKILL)
            os.waitpid(flood, 0)
        self.assertIn("stopped", daemon.log())


class Logs(CountingTest):
    def test_the_articles_lines(self):
        daemon = self.start_daemon("log.level=debug", "detect.threshold=3", "ban.duration=2s")
        for queue in range(4):
            daemon.wait_log(f"listening to queue {queue}")
        self.send(self.syns(3))
        daemon.wait_log(f"{ATTACKER4} reached 1 of 3 ports: tcp/1000")
        daemon.wait_log(f"{ATTACKER4} reached 2 of 3 ports: tcp/1000 tcp/1001")
        daemon.wait_log(f"{ATTACKER4} reached 3 of 3 ports: tcp/1000 tcp/1001 tcp/1002")
        daemon.wait_log(f"{ATTACKER4} has been banned for")
        daemon.wait_log(f"{ATTACKER4} has been unbanned (expired)")

    def test_no_line_a_packet_at_info(self):
        daemon = self.start_daemon()
        lines = len(daemon.log().splitlines())
        sent = self.send(self.syns(9), times=100)
        self.wait_judged(daemon, sent)
        self.assertEqual(len(daemon.log().splitlines()), lines)


class SideBySide(CountingTest):
    def test_instances_in_different_namespaces(self):
        here = self.start_daemon()
        there = self.start_daemon(namespace=self.client, name="there")
        self.send(self.syns(10))
        self.wait_banned(ATTACKER4)
        self.assertEqual(here.status()["bans"]["wanted"], 1)
        self.assertEqual(there.status()["bans"]["wanted"], 0)
        self.assertEqual(world.json.loads(there.cli("--json", "bans", "list").stdout)["bans"], [])
