# SPDX-License-Identifier: GPL-2.0-or-later
"""`farewell metrics` and the textfile, read as Prometheus would: by its own tool, and number by number."""

import os
import re
import shutil
import subprocess
import unittest

from counting_e2e import CountingTest
from world import ATTACKER4, wait_until

_ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")


def samples_of(page):
    """The page's samples: {'name{labels}': value}."""
    return {name: float(value) for name, value in re.findall(r"^(\w+(?:\{[^}]*\})?) (\S+)$", page, re.MULTILINE)}


def check(*arguments, page=None):
    promtool = shutil.which("promtool")
    if promtool is None:
        raise unittest.SkipTest("promtool is not installed")
    return subprocess.run([promtool, "check", *arguments], input=page, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)


class Metrics(CountingTest):
    def setUp(self):
        super().setUp()
        self.page_directory = os.path.join(self.directory, "node-exporter")
        self.page_path = os.path.join(self.page_directory, "farewell.prom")
        os.mkdir(self.page_directory)  # root's: the daemon is another user
        self.daemon = self.start_daemon(f"metrics.textfile={self.page_path}", "metrics.interval=1s")

    def page(self):
        return self.daemon.cli("metrics").stdout

    def test_promtool_accepts_it_and_numbers_are_those_of_status(self):
        self.send(self.syns(10))
        self.wait_banned(ATTACKER4)
        self.wait_judged(self.daemon, 10)
        page = self.page()
        checked = check("metrics", page=page)
        self.assertEqual((checked.returncode, checked.stdout), (0, ""))

        samples, status = samples_of(page), self.daemon.status()
        self.assertEqual(sum(value for name, value in samples.items() if name.startswith("farewell_packets_total")), 10)
        self.assertEqual(samples['farewell_probes_total{rule="syn"}'], 10)
        self.assertEqual(samples["farewell_bans_active"], 1)
        self.assertEqual(samples["farewell_bans_enforced_total"], 1)
        self.assertEqual(samples["farewell_enforcing"], 1)
        self.assertEqual(samples['farewell_degraded{kind="nftables"}'], 0)
        self.assertEqual(samples["farewell_memory_budget_bytes"], status["sources"]["memory_budget_bytes"])
        self.assertEqual(samples['farewell_receive_buffer_bytes{queue="3"}'], status["queues"][3]["receive_buffer_bytes"])
        self.assertEqual(samples[f'farewell_build_info{{version="{status["version"]}"}}'], 1)
        self.assertNotIn(ATTACKER4, page, "never labelled by address")

    def test_the_document_holds_the_same(self):
        document = self.daemon.json("metrics")
        self.assertEqual(document["schema"], "farewell/metrics/v1")
        names = re.findall(r"^# TYPE (\w+)", self.page(), re.MULTILINE)
        self.assertEqual([metric["name"] for metric in document["metrics"]], names)

    def test_the_textfile_is_written_as_soon_as_it_can_be(self):
        trouble = f"write {self.page_path}: Permission denied"
        self.daemon.wait_log(trouble)
        wait_until(lambda: self.daemon.status()["metrics_file"]["failures"] >= 2, "tried again")
        self.assertEqual(self.daemon.status()["metrics_file"]["trouble"], trouble)
        self.assertEqual(self.daemon.log().count(trouble), 1, "told once")
        os.chmod(self.page_directory, 0o777)
        wait_until(lambda: os.path.exists(self.page_path), "the file is written")
        with open(self.page_path, encoding="utf-8") as file:
            page = file.read()
        self.assertGreaterEqual(samples_of(page)["farewell_textfile_failures_total"], 2)
        self.assertEqual(check("metrics", page=page).stdout, "")
        self.assertEqual(os.stat(self.page_path).st_mode & 0o777, 0o644, "node_exporter is another user")
        self.daemon.wait_log("is written again")
        self.assertEqual(self.daemon.status()["metrics_file"]["trouble"], "")

        self.send(self.syns(10))

        def banned_in_file():
            with open(self.page_path, encoding="utf-8") as file:
                return samples_of(file.read())["farewell_bans_active"] == 1
        wait_until(banned_in_file, "the file tells of the ban")

    def test_a_directory_that_is_not_there_is_told_at_once(self):
        daemon = self.start_daemon("metrics.textfile=/nowhere/farewell.prom", namespace=self.client, name="other")
        daemon.wait_log("/nowhere of metrics.textfile is not there: make it, then restart farewelld")


class Rules(unittest.TestCase):
    def test_promtool_accepts_the_alert_rules(self):
        checked = check("rules", os.path.join(_ROOT, "packaging/prometheus/farewell.rules.yml"))
        self.assertEqual(checked.returncode, 0, checked.stdout)
