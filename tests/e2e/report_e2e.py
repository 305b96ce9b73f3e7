# SPDX-License-Identifier: GPL-2.0-or-later
"""`farewell report`: the file it writes, and the page in a real browser."""

import base64
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

from browser import CHROMIUM, Browser
from history_e2e import HistoryTest
from replay_e2e import HOST, SCAN, SCANNER, START, OrdinaryTraffic, ReplayTest, capture, syn, tcp
from world import ATTACKER4, SERVER4

HERE = os.path.dirname(os.path.abspath(__file__))
CAPTURES = OrdinaryTraffic.CAPTURES
OTHER = "198.18.0.9"
HOSTILE = "<img src=x onerror=alert(1)>"


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S).group(1))


class ReportTest(ReplayTest):
    def report(self, *arguments, status=0):
        return self.run_cli("report", "--config", self.configuration(), *arguments, status=status)

    def page_of(self, *arguments, name="report.html"):
        path = os.path.join(self.directory, name)
        self.report(*arguments, "-o", path)
        with open(path, encoding="utf-8") as file:
            return path, file.read()


class Files(ReportTest):
    def test_a_scan_becomes_a_page(self):
        path, page = self.page_of(self.write("scan.pcap", SCAN))
        self.assertIn("<dt>Sources banned</dt><dd>1</dd>", page)
        self.assertIn(f'data-name="Source">{SCANNER}</th>', page)
        data = data_of(page)
        self.assertEqual(data["names"], [SCANNER])
        self.assertEqual(data["points"]["port"], [1000 + i for i in range(12)])
        self.assertEqual(data["points"]["kept_out"], [0] * 10 + [1] * 2)
        ban, = data["sources"][0]["bans"]
        self.assertEqual(ban["at"], (START + 9) * 1000)
        self.assertEqual([port for port, *_ in ban["evidence"]["ports"]], [f"tcp/{1000 + i}" for i in range(10)])
        self.assertEqual(sum(data["timeline"]["probes"]), 10)
        self.assertEqual(max(data["timeline"]["active"]), 1)

    def test_the_document_of_it(self):
        scan = self.write("scan.pcap", SCAN)
        path = os.path.join(self.directory, "report.html")
        document = json.loads(self.report("--json", scan, "-o", path).stdout)
        self.assertEqual({name: document[name] for name in ("schema", "file", "from", "captures", "sources_banned", "bans", "soft_bans",
                                                            "probes", "kept_out", "dots", "dots_total", "bytes")},
                         {"schema": "farewell/report/v1", "file": path, "from": "captures", "captures": 1, "sources_banned": 1, "bans": 1,
                          "soft_bans": 1, "probes": 10, "kept_out": 2, "dots": 12, "dots_total": 12, "bytes": os.path.getsize(path)})

    def test_the_policy_lets_in_exactly_what_is_there(self):
        _, page = self.page_of(self.write("scan.pcap", SCAN))
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)
        for element, directive in (("script", "script-src"), ("style", "style-src")):
            text = re.search(rf"<{element}>(.*?)</{element}>", page, re.S).group(1)
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            self.assertIn(f"{directive} 'sha256-{digest}'", policy)
        self.assertTrue(policy.startswith("default-src 'none'; "))
        self.assertNotIn("unsafe", policy)

    def test_ordinary_traffic_bans_nobody(self):
        captures = [os.path.join(CAPTURES, name + ".pcap") for name in OrdinaryTraffic.DROPPED]
        _, page = self.page_of(*captures, "--dropped", "--set", "detect.rule=balanced")
        self.assertEqual(page.count("<dt>Sources banned</dt><dd>0</dd>"), 1)
        self.assertGreater(len(data_of(page)["names"]), 5)
        self.assertIn("not banned", page)

    def test_the_options_of_replay(self):
        parts = [self.write(f"part/{i}.pcap", capture([syn(1000 + 5 * i + j) for j in range(5)], first=START + 60 * i)) for i in range(2)]
        self.assertIn("Sources banned</dt><dd>0</dd>", self.page_of(*parts)[1])
        self.assertIn("Sources banned</dt><dd>1</dd>", self.page_of(*parts, "--together")[1])
        self.assertIn("Sources banned</dt><dd>0</dd>", self.page_of(*parts, "--together", "--open", "1000")[1])
        self.report(*parts, "-o", "x", "--set", "detect.treshold=3", status=78)

    def test_a_large_capture_is_sampled_and_its_page_is_small(self):
        frames = [syn(port % 65536) for port in range(60_000)] + [tcp(OTHER, HOST, 40000, port, 2) for port in range(5)]
        path, page = self.page_of(self.write("large.pcap", capture(frames)))
        self.assertLess(os.path.getsize(path), 5_000_000)
        self.assertIn("The raster shows 50\u202f000 of 60\u202f005 packets", page)
        points = data_of(page)["points"]
        self.assertEqual(len(points["port"]), 50_000)
        self.assertEqual(points["source"].count(1), 5, "a slow source beside a fast one")

    def test_where_it_goes(self):
        scan = self.write("scan.pcap", SCAN)
        result = self.report(scan, status=2)
        self.assertIn("-o FILE.html", result.stderr)
        path, first = self.page_of(scan)
        self.assertEqual(self.page_of(self.write("none.pcap", capture([])))[1].count("Sources banned</dt><dd>0"), 1, "overwritten")
        self.assertEqual(sorted(os.listdir(self.directory)), ["farewell.toml", "none.pcap", "report.html", "scan.pcap"])
        shown = self.report(scan, "-o", "-").stdout
        self.assertEqual(shown.split("<footer>")[0], first.split("<footer>")[0])
        for target, reason in (("absent/report.html", "No such file or directory"), ("/dev/full", "No space left on device"),
                               (self.directory, "Is a directory")):
            result = self.report(scan, "-o", target, status=1)
            self.assertIn(f"{target}: {reason}", result.stderr)
        self.assertEqual(self.report("-q", scan, "-o", path).stdout, "")

    def test_wrong_command_lines(self):
        scan = self.write("scan.pcap", SCAN)
        self.assertIn("one of the two", self.report(scan, "--since", "1h", "-o", "x", status=2).stderr)
        self.assertIn("is not a duration", self.report("--since", "yesterday", "-o", "x", status=2).stderr)
        self.assertIn("standard output", self.report("--json", scan, "-o", "-", status=2).stderr)
        self.assertIn("no capture could be judged", self.report(os.path.join(self.directory, "absent.pcap"), "-o", "x", status=1).stderr)
        self.assertIn("would write the report to x", self.report("-n", scan, "-o", "x").stdout)
        self.run_cli("--socket", os.path.join(self.directory, "absent.sock"), "report", "-o", "x", status=69)
        self.assertFalse(os.path.exists("x"))


class Bundle(unittest.TestCase):
    def test_it_is_what_its_sources_give(self):
        """As `make report-page` would make it anew, from what the lock file names."""
        if not shutil.which("npm"):
            self.skipTest("needs node and npm")
        with tempfile.TemporaryDirectory() as directory:
            folder = os.path.join(directory, "report")
            shutil.copytree(os.path.join(HERE, "../../web/report"), folder, ignore=shutil.ignore_patterns("node_modules"))

            def run(*command):
                return subprocess.run(command, cwd=folder, check=False, text=True, timeout=150, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if run("npm", "ci", "--no-audit", "--no-fund").returncode != 0:
                self.skipTest("`npm ci` in web/report: is there a registry?")
            result = run("node", "build.mjs", "--check")
            self.assertEqual(result.returncode, 0, result.stdout)
            with open(os.path.join(folder, "src/main.js"), "a", encoding="utf-8") as source:
                source.write("\nconsole.log(1);\n")
            self.assertNotEqual(run("node", "build.mjs", "--check").returncode, 0, "another source is another bundle")

    def test_the_lock_file_names_no_host(self):
        with open(os.path.join(HERE, "../../web/report/package-lock.json"), encoding="utf-8") as file:
            self.assertNotIn("resolved", file.read())


@unittest.skipUnless(CHROMIUM, "needs chromium")
class InTheBrowser(ReportTest):
    """One scanner of twelve ports, a second apart, banned at the tenth; and one who tries three, among them 22."""

    def setUp(self):
        super().setUp()
        self.browser = Browser()
        self.addCleanup(self.browser.close)
        self.browser.look(1600)
        frames = []
        for i in range(12):
            frames.append(syn(1000 + i))
        frames += [tcp(OTHER, HOST, 40000, port, 2) for port in (22, 8080, 60000)]
        self.path, _ = self.page_of(self.write("scan.pcap", capture(frames)))
        self.browser.open(self.path)

    def tearDown(self):
        self.assertEqual(self.browser.complaints, [])
        self.assertEqual([url for url in self.browser.requests if not url.startswith("data:")], ["file://" + self.path])
        super().tearDown()

    def place(self, second, port, axis="compact"):
        """Where a packet of the capture is in the window."""
        box = self.browser.evaluate("(() => { const box = document.getElementById('raster').getBoundingClientRect();"
                                    "return {x: box.x, y: box.y, width: box.width, height: box.height}; })()")
        margin = 14 * 0.01
        across = (second + margin) / (14 + 2 * margin)
        steps = {"compact": ((0, 0), (1024, 0.5), (49152, 0.88), (65535, 1)), "linear": ((0, 0), (65535, 1))}[axis]
        for (begin, begin_at), (end, end_at) in zip(steps, steps[1:]):
            if begin <= port <= end:
                up = begin_at + (port - begin) / (end - begin) * (end_at - begin_at)
        return 50 + across * (box["width"] - 60), 18 + (1 - up) * (box["height"] - 46), box

    def colours_near(self, x, y):
        """The distinct colours of some pixels around a place of the raster."""
        return self.browser.evaluate(
            "(() => { const copy = document.createElement('canvas'); copy.width = copy.height = 5; const context = copy.getContext('2d');"
            f"context.drawImage(document.getElementById('raster'), {round(x) - 2}, {round(y) - 2}, 5, 5, 0, 0, 5, 5);"
            "const data = context.getImageData(0, 0, 5, 5).data; const found = new Set(); for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) found.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);"
            "return Array.from(found); })()")

    def colour(self, name):
        text = self.browser.evaluate(f"getComputedStyle(document.documentElement).getPropertyValue('--{name}').trim()")
        return ",".join(str(int(text[i:i + 2], 16)) for i in (1, 3, 5))

    def scroll_to(self, name):
        self.browser.evaluate(f"document.getElementById('{name}').scrollIntoView({{block: 'center', behavior: 'instant'}})")
        self.browser.settle()

    def text(self, selector):
        return self.browser.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")

    def rows_shown(self):
        return self.browser.evaluate("Array.from(document.querySelectorAll('#source-table tr[data-row]')).filter((row) => !row.hidden)"
                                     ".map((row) => row.querySelector('button').textContent)")

    def test_dots_are_where_the_data_says(self):
        for second, port, name in ((0, 1000, "s0"), (9, 1009, "s0"), (12, 22, "s1"), (13, 8080, "s1"), (14, 60000, "s1")):
            x, y, _ = self.place(second, port)
            self.assertIn(self.colour(name), self.colours_near(x, y), (second, port))
        for second, port in ((5, 22), (12, 40000), (2, 500)):
            x, y, _ = self.place(second, port)
            self.assertFalse({self.colour("s0"), self.colour("s1")} & set(self.colours_near(x, y)), (second, port))
        x, _, _ = self.place(9, 0)
        self.assertIn(self.colour("s0"), self.colours_near(x, 6), "the mark of the ban")
        self.browser.evaluate("(() => { const axis = document.getElementById('axis'); axis.value = 'linear'; axis.dispatchEvent(new Event('change')); })()")
        self.browser.settle()
        x, y, _ = self.place(14, 60000, "linear")
        self.assertIn(self.colour("s1"), self.colours_near(x, y))

    def test_hovering_tells_source_port_and_time(self):
        self.scroll_to("raster")
        x, y, box = self.place(12, 22)
        self.browser.mouse("mouseMoved", box["x"] + x + 2, box["y"] + y - 2)
        self.browser.settle()
        tip = self.text("#tip")
        for part in (OTHER, "tcp/22", ":13:32"):
            self.assertIn(part, tip)
        self.browser.mouse("mouseMoved", box["x"] + 400, box["y"] + box["height"] - 60)
        self.browser.settle()
        self.assertTrue(self.browser.evaluate("document.getElementById('tip').hidden"))

    def test_dragging_zooms_and_a_double_click_shows_all(self):
        self.scroll_to("raster")
        x, y, box = self.place(12, 22)
        middle = box["y"] + box["height"] / 2
        self.browser.drag((box["x"] + x - 60, middle), (box["x"] + x + 60, middle))
        self.assertRegex(self.text("#range"), r"and [\d.]+ s from there")
        self.assertIn(self.colour("s1"), self.colours_near(50 + (box["width"] - 60) / 2, y), "what was in the middle stays there")
        self.browser.click(box["x"] + 300, middle, count=2)
        self.assertEqual(self.text("#range"), "")
        self.assertTrue(self.browser.evaluate("document.getElementById('reset').disabled"))

    def test_the_keyboard_is_enough(self):
        self.browser.evaluate("document.getElementById('raster').focus()")
        for _ in range(13):
            self.browser.key("ArrowRight")
        self.assertIn(f"{OTHER}, tcp/22, ", self.text("#spoken"))
        self.browser.key("+")
        self.assertIn("from there", self.text("#range"))
        self.browser.key("0")
        self.assertEqual(self.text("#range"), "")
        self.browser.evaluate("document.querySelector('.open').focus()")
        self.browser.key("Enter", code="Enter", text="\r", windowsVirtualKeyCode=13)
        self.assertEqual(self.browser.evaluate("document.querySelector('.open').getAttribute('aria-expanded')"), "true")

    def test_searching_and_sorting_the_table(self):
        self.assertEqual(self.rows_shown(), [SCANNER, OTHER])
        self.browser.evaluate("document.getElementById('search').focus()")
        self.browser.type_text("tcp/1003")
        self.assertEqual(self.rows_shown(), [SCANNER])
        self.assertEqual(self.text("#found"), "1 of 2")
        self.browser.type_text(" nothing")
        self.assertEqual(self.rows_shown(), [])
        self.browser.evaluate("(() => { const field = document.getElementById('search'); field.value = ''; field.dispatchEvent(new Event('input')); })()")
        self.assertEqual(self.rows_shown(), [SCANNER, OTHER])
        self.browser.evaluate("document.querySelectorAll('.sort')[3].click()")
        self.assertEqual(self.rows_shown(), [SCANNER, OTHER], "the most probes first")
        self.browser.evaluate("document.querySelectorAll('.sort')[3].click()")
        self.assertEqual(self.rows_shown(), [OTHER, SCANNER])
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('thead th')[3].getAttribute('aria-sort')"), "ascending")

    def test_a_line_opens_to_the_evidence(self):
        self.browser.evaluate("document.querySelector('.open').click()")
        details = self.text(".details")
        for part in ("Would have been banned softly for a port scan", "10 distinct closed ports", "raw", "no handshake of this source was seen",
                     "new connections dropped", "2 packets", *(f"tcp/{1000 + i}" for i in range(10))):
            self.assertIn(part, details)
        self.browser.evaluate("document.querySelector('.open').click()")
        self.assertIsNone(self.browser.evaluate("document.querySelector('.details')"))

    def test_light_and_dark_and_every_width(self):
        backgrounds = {}
        for scheme in ("light", "dark"):
            for width in (1600, 760, 360, 320):
                self.browser.look(width, scheme=scheme)
                with self.subTest(f"{scheme} {width}"):
                    self.assertLessEqual(self.browser.evaluate("document.documentElement.scrollWidth"), width)
                    self.assertGreater(self.browser.evaluate("document.getElementById('raster').width"), width * 0.6)
            backgrounds[scheme] = self.browser.evaluate("getComputedStyle(document.body).backgroundColor")
            x, y, _ = self.place(12, 22)
            self.assertIn(self.colour("s1"), self.colours_near(x, y), f"drawn anew in {scheme}")
        self.assertNotEqual(backgrounds["light"], backgrounds["dark"])

    def test_line_charts_are_drawn(self):
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('.uplot canvas').length"), 2)
        drawn = self.browser.evaluate(
            "Array.from(document.querySelectorAll('.uplot canvas')).map((canvas) => { const data = canvas.getContext('2d')"
            ".getImageData(0, 0, canvas.width, canvas.height).data; let count = 0; for (let i = 3; i < data.length; i += 4) count += data[i] > 0; return count; })")
        for count in drawn:
            self.assertGreater(count, 1000)

    def test_it_prints(self):
        self.assertTrue(self.browser.print_pages().startswith(b"%PDF"))

    def test_text_from_outside_runs_nothing(self):
        self.path, _ = self.page_of(self.write(HOSTILE + ".pcap", SCAN))
        self.browser.requests.clear()
        self.browser.open(self.path)
        self.assertIn(HOSTILE, self.text("header"))
        self.assertEqual(self.browser.evaluate("document.images.length"), 0)


class OfTheHistory(HistoryTest):
    rule = None  # farewell's own

    def write_report(self, daemon, *arguments):
        path = os.path.join(self.directory, "report.html")
        document = json.loads(daemon.cli("--json", "report", "-o", path, *arguments).stdout)
        with open(path, encoding="utf-8") as file:
            return path, document, file.read()

    def test_a_real_nmap_is_told_from_the_history(self):
        daemon = self.start_daemon()
        self.attacker.run("iptables-nft", "-w", "-P", "OUTPUT", "ACCEPT")
        self.attacker.run("nmap", "-n", "-Pn", "-sS", "-p", "1000-1100", "--max-retries", "0", SERVER4)
        self.wait_banned(ATTACKER4)
        self.wait_events(daemon, 1)
        path, document, page = self.write_report(daemon)
        self.assertEqual((document["from"], document["bans"], document["probes"]), ("history", 1, None))
        self.assertIn("<dt>Probes</dt><dd>not known</dd>", page)
        data = data_of(page)
        explanation = daemon.explain(ATTACKER4)
        ban, = data["sources"][0]["bans"]
        self.assertEqual([port for port, *_ in ban["evidence"]["ports"]], [port["port"] for port in explanation["ports"]])
        self.assertEqual(ban["evidence"]["tools"], ["nmap"])
        self.assertGreater(ban["kept_out"], 0)
        self.assertEqual(data["timeline"]["active"][-1], 1)

        daemon.cli("bans", "remove", ATTACKER4)
        self.wait_events(daemon, 2)
        daemon.cli("bans", "add", "198.18.0.9", "--reason", "<i>seen</i> before")
        self.wait_events(daemon, 3)
        path, _, page = self.write_report(daemon, "--since", "10m")
        bans = {ban["reason"]: ban for source in data_of(page)["sources"] for ban in source["bans"]}
        self.assertEqual(bans["by_operator"]["note"], "<i>seen</i> before")
        ban = bans["port_scan"]
        self.assertEqual((ban["ended"], ban["kept_out"]), ("by_operator", None))
        if CHROMIUM:
            browser = Browser()
            self.addCleanup(browser.close)
            browser.open(path)
            browser.evaluate("document.querySelectorAll('.open').forEach((button) => button.click())")
            details = browser.evaluate("[...document.querySelectorAll('.details')].map((one) => one.innerText).join()")
            self.assertIn("lifted by hand", details)
            self.assertIn("<i>seen</i> before", details, "as it was written")
            self.assertEqual(browser.complaints, [])

    def test_more_events_than_one_answer_holds(self):
        daemon = self.start_daemon("history.size=64MiB")
        networks = [f"10.{i // 256}.{i % 256}.0/24" for i in range(2100)]
        self.add_bans(daemon, networks)
        self.wait_events(daemon, 2100)
        _, document, page = self.write_report(daemon)
        self.assertEqual(document["bans"], 2100)
        self.assertIn("by hand", page)
        self.assertIn("1\u202f100 more are only counted", page)

    def add_bans(self, daemon, networks):
        """Over the socket: starting the command two thousand times would take minutes."""
        for network in networks:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(daemon.socket)
                connection.sendall(json.dumps({"method": "io.farewell.AddBan", "parameters": {"source": network}}).encode() + b"\0")
                answer = b""
                while not answer.endswith(b"\0"):
                    answer += connection.recv(65536)
                self.assertNotIn(b'"error"', answer)

    def test_without_a_history_it_says_so(self):
        daemon = self.start_daemon("history.enabled=false")
        result = daemon.cli("report", "-o", os.path.join(self.directory, "x.html"), check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("history.enabled = false", result.stdout)
