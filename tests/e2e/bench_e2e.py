# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole-path benchmark in short: every defender bans, and farewelld loses nothing at a rate that anybody bears. `make bench-e2e` is the long one.

Nothing is timed here: that it runs and that its counts agree is all.
"""

import json
import os
import subprocess
import tempfile
import unittest

import world

_RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bench/e2e/run.py")
_BIN = os.path.dirname(world.FAREWELLD)


@unittest.skipUnless(os.geteuid() == 0, "needs root: namespaces and queues")
@unittest.skipUnless(os.path.exists(os.path.join(_BIN, "bench_rival")), "no bench_rival beside farewelld: built only where libnetfilter-queue-dev is")
class Bench(unittest.TestCase):
    def test_everybody_bans_and_we_lose_nothing(self):
        with tempfile.TemporaryDirectory(prefix="farewell-bench-") as directory:
            kept, page = os.path.join(directory, "results.jsonl"), os.path.join(directory, "page.md")
            with open(page, "w", encoding="utf-8") as file:
                file.write("Before.\n<!-- results -->\nold\n<!-- end of results -->\nBehind.\n")
            result = subprocess.run([_RUN, "--quick", "--bin", _BIN, "--keep", kept, "--markdown", page], check=False, text=True, timeout=160,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual(result.returncode, 0, result.stdout)
            with open(kept, encoding="utf-8") as file:
                parts = [json.loads(line)["part"] for line in file]
            self.assertEqual({part: parts.count(part) for part in parts}, {"rate": 8, "calm": 7, "busy": 3, "storm": 7, "memory": 4})
            with open(page, encoding="utf-8") as file:
                text = file.read()
            self.assertRegex(text, r"(?s)^Before\.\n<!-- results -->\nLinux .*\n<!-- end of results -->\nBehind\.\n$")
            self.assertNotIn("old", text)
