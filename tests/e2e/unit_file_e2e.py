# SPDX-License-Identifier: GPL-2.0-or-later
"""The systemd unit as systemd reads it: no mistakes, and how much a broken daemon could do; and the journal's catalogue and
the AppArmor profile as their readers take them. No root, no systemd running."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

from world import FAREWELLD

PACKAGING = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../packaging")
CATALOGUE = os.path.join(PACKAGING, "farewell.catalog")
PROFILE = os.path.join(PACKAGING, "apparmor/usr.sbin.farewelld")
APPARMOR_PARSER = shutil.which("apparmor_parser", path="/usr/sbin:/sbin:" + os.environ.get("PATH", ""))
UNIT = os.environ.get("FAREWELL_UNIT", os.path.join(os.path.dirname(FAREWELLD), "../packaging/farewell.service"))
EXPOSURE_MAX = 1.2


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed (Debian: systemd)")
class Unit(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="farewell-unit-")
        self.addCleanup(shutil.rmtree, self.directory)
        self.unit = os.path.join(self.directory, "farewell.service")
        with open(UNIT, encoding="utf-8") as file:
            self.text = file.read()
        with open(self.unit, "w", encoding="utf-8") as file:  # as installed, but with the binary that was just built
            file.write(re.sub(r"[^\s=]+/sbin/farewelld", FAREWELLD, self.text))

    def analyze(self, *arguments):
        return subprocess.run(["systemd-analyze", "--no-pager", *arguments, self.unit], timeout=60, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def test_systemd_finds_no_mistake(self):
        verified = self.analyze("verify", "--man=no")
        self.assertEqual((verified.returncode, verified.stdout), (0, ""))

    def test_the_exposure_is_low(self):
        answer = self.analyze("security", "--offline=true").stdout
        exposure = re.search(r"Overall exposure level for farewell.service: (\d+\.\d+)", answer)
        self.assertIsNotNone(exposure, answer)
        self.assertLessEqual(float(exposure.group(1)), EXPOSURE_MAX, answer)

    @unittest.skipUnless(shutil.which("journalctl"), "journalctl is not installed (Debian: systemd)")
    def test_the_journal_reads_the_catalogue(self):
        root = os.path.join(self.directory, "root")
        os.makedirs(f"{root}/usr/lib/systemd/catalog")
        os.makedirs(f"{root}/var/lib/systemd/catalog")
        shutil.copy(CATALOGUE, f"{root}/usr/lib/systemd/catalog")
        subprocess.run(["journalctl", f"--root={root}", "--update-catalog"], check=True, timeout=60)
        with open(CATALOGUE, encoding="utf-8") as file:
            ids = re.findall(r"^-- ([0-9a-f]{32})$", file.read(), re.MULTILINE)
        dumped = subprocess.run(["journalctl", f"--root={root}", "--dump-catalog"], check=True, timeout=60, text=True,
                                stdout=subprocess.PIPE).stdout
        self.assertEqual(sorted(re.findall(r"^-- ([0-9a-f]{32})$", dumped, re.MULTILINE)), sorted(ids))
        self.assertIn("farewell bans remove @FAREWELL_SOURCE@", dumped)

    @unittest.skipUnless(APPARMOR_PARSER, "apparmor_parser is not installed (Debian: apparmor)")
    def test_the_apparmor_profile_parses(self):
        parsed = subprocess.run([APPARMOR_PARSER, "--skip-kernel-load", "--skip-cache", PROFILE], timeout=60, text=True,
                                check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(parsed.returncode, 0, parsed.stdout)
        self.assertNotIn("Warning", parsed.stdout)

    def test_every_program_is_named_with_the_prefix_of_installation(self):
        programs = re.findall(r"^Exec\w+=(\S+)", self.text, re.MULTILINE)
        self.assertEqual([os.path.basename(program) for program in programs], ["farewelld", "farewelld", "kill"])
        self.assertTrue(all(os.path.isabs(program) for program in programs), programs)
        self.assertNotIn("@FAREWELL", self.text)
