# SPDX-License-Identifier: GPL-2.0-or-later
"""`farewell replay` as an operator uses it: on captures written here, without a daemon and without root."""

import json
import os
import socket
import struct
import subprocess
import tempfile
import unittest

from world import FAREWELL

SCANNER, HOST = "198.18.0.1", "198.18.0.2"
START = 1_700_000_000
ETHERNET = bytes.fromhex("020000000002" "020000000001" "0800")
SYN, SYN_ACK = 0x02, 0x12


def tcp(source, destination, source_port, destination_port, flags):
    segment = struct.pack("!HHIIBBHHH", source_port, destination_port, 1, 0, 0x50, flags, 1024, 0, 0)
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 1, 0, 64, 6, 0, socket.inet_aton(source),
                         socket.inet_aton(destination))
    return ETHERNET + header + segment


def syn(port):
    return tcp(SCANNER, HOST, 40000, port, SYN)


def capture(frames, link=1, first=START):
    """A pcap file of frames one second apart."""
    parts = [struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, link)]
    for i, frame in enumerate(frames):
        parts += [struct.pack("<IIII", first + i, 0, len(frame), len(frame)), frame]
    return b"".join(parts)


SCAN = capture([syn(1000 + i) for i in range(12)])


class ReplayTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="farewell-e2e-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def write(self, name, content):
        path = os.path.join(self.directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def run_cli(self, *arguments, status=0):
        result = subprocess.run([FAREWELL, *arguments], check=False, text=True, timeout=60,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        return result

    def configuration(self):
        """A file, so that no configuration of this machine has a say; its rule counts ports and nothing else."""
        return self.write("farewell.toml", b'[detect]\nrule = "plain"\n')

    def replay(self, *arguments, status=0):
        return self.run_cli("replay", "--config", self.configuration(), *arguments, status=status)

    def documents(self, *arguments, status=0):
        lines = self.replay("--json", *arguments, status=status).stdout.splitlines()
        documents = [json.loads(line) for line in lines]
        self.assertEqual([document["schema"] for document in documents],
                         ["farewell/replay/v1"] * (len(documents) - 1) + ["farewell/replay-summary/v1"])
        return documents


class Replay(ReplayTest):
    def test_a_scan_is_told_with_its_evidence(self):
        path = self.write("scan.pcap", SCAN)
        text = self.replay(path).stdout
        for part in (path, f"{SCANNER}  banned softly at", "(+9.000000s)", "10 probes of 10 distinct ports (10 syn, looks like raw) within 9s",
                     "2 packets kept out", "tcp/1000 tcp/1001", "1 ban in 1 file", "1 judged"):
            self.assertIn(part, text)

    def test_documents(self):
        file, summary = self.documents(self.write("scan.pcap", SCAN))
        self.assertEqual((file["reading"], file["link"], file["packets"]), ("whole", "EN10MB", 12))
        ban, = file["bans"]
        self.assertEqual((ban["source"], ban["probes"], ban["distinct_ports"], ban["kept_out"], ban["seconds"]),
                         (SCANNER, 10, 10, 2, 9.0))
        self.assertEqual(ban["at"], "2023-11-14T22:13:29.000Z")
        self.assertEqual([port["port"] for port in ban["ports"]], [f"tcp/{1000 + i}" for i in range(10)])
        self.assertEqual((summary["bans_total"], summary["files"]["whole"], summary["files_with_bans"]), (1, 1, 1))

    def test_the_default_rule_names_the_tool_and_needs_five_of_it(self):
        file, _ = self.documents(self.write("scan.pcap", SCAN), "--set", "detect.rule=balanced")
        ban, = file["bans"]
        self.assertEqual((ban["criterion"], ban["distinct_ports"], ban["points"], ban["tools"]), ("patient", 5, 10, ["raw"]))

    def test_ports_that_answer_or_are_said_to_be_open_do_not_count(self):
        answer = tcp(HOST, SCANNER, 1003, 40000, SYN_ACK)
        answered = self.write("answered.pcap", capture([syn(1000 + i) for i in range(10)] + [answer]))
        self.assertIn("0 bans", self.replay(answered).stdout)
        scan = self.write("scan.pcap", SCAN)
        self.assertIn("1 ban", self.replay(scan, "--open", "1000", "--open", f"tcp/{HOST}:1001").stdout)
        self.assertIn("0 bans", self.replay(scan, "--open", "1000", "--open", f"tcp/{HOST}:1001", "--open", "1002").stdout)
        self.assertIn("1 ban", self.replay(scan, "--open", "udp/1000").stdout)

    def test_the_configuration_is_the_daemons(self):
        scan = self.write("scan.pcap", SCAN)
        self.assertEqual(self.documents(scan, "--set", "detect.threshold=3")[0]["bans"][0]["probes"], 3)
        self.assertEqual(self.documents(scan, "--set", f"allow.networks={SCANNER}")[0]["bans"], [])
        result = self.replay(scan, "--set", "detect.treshold=3", status=78)
        self.assertIn("did you mean `threshold`?", result.stderr)
        self.assertEqual(result.stdout, "")

    def test_near_misses(self):
        path = self.write("six.pcap", capture([syn(1000 + i) for i in range(6)]))
        self.assertNotIn(SCANNER, self.replay(path).stdout)
        self.assertIn(f"{SCANNER}  not banned: 6 probes of 6 distinct ports", self.replay(path, "--near-misses").stdout)

    def test_parts_of_one_capture(self):
        parts = [self.write(f"part/{i}.pcap", capture([syn(1000 + 5 * i + j) for j in range(5)], first=START + 60 * i))
                 for i in range(2)]
        self.assertIn("0 bans", self.replay(*parts).stdout)
        documents = self.documents("--together", *reversed(parts))
        self.assertEqual([document["file"] for document in documents[:-1]], parts)
        self.assertEqual(documents[1]["bans"][0]["seconds"], 64.0)

    def test_folders_and_damaged_files(self):
        self.write("captures/sub/scan.pcap", SCAN)
        damaged = self.write("captures/damaged.pcap", SCAN[:-5])
        strange = self.write("captures/usb.pcap", capture([], link=189))
        self.write("captures/README", b"no capture at all")
        result = self.replay(os.path.join(self.directory, "captures"))
        self.assertIn("2 bans in 2 files", result.stdout)
        self.assertIn("2 judged, 1 of them only up to a damage, 1 of unsupported link types, 1 no captures", result.stdout)
        self.assertIn(f"{damaged}: truncated dump file", result.stderr)
        self.assertIn(f"{strange}: unsupported link type USB_LINUX", result.stderr)
        self.assertNotIn("README", result.stderr)
        self.assertNotIn("\x1b", result.stderr, "no progress bar where no terminal is")

    def test_exit_statuses(self):
        self.run_cli("replay", status=2)
        self.assertIn("is not [PROTOCOL/][HOST:]PORT", self.replay("x", "--open", "http", status=2).stderr)
        result = self.replay(os.path.join(self.directory, "absent.pcap"), status=1)
        self.assertIn("absent.pcap: No such file or directory", result.stderr)
        self.assertEqual(self.replay("-q", self.write("scan.pcap", SCAN)).stdout, "")


class OrdinaryTraffic(ReplayTest):
    """tests/captures: who made them, and how, is said there."""

    CAPTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../captures")
    # What a firewall dropped of each, and whom the plain rule would have banned for it.
    DROPPED = {"backscatter_rst": (300, 0), "backscatter_syn_ack": (300, 0), "connection_tails": (200, 3), "lan_chatter": (100, 0),
               "late_dns": (24, 1), "late_quic": (40, 1), "mtr_udp": (70, 0), "p2p_tail": (90, 0), "traceroute": (90, 0)}
    BOTH_DIRECTIONS = {"service_restart": (10, 0)}

    def judge(self, name, *options):
        path = os.path.join(self.CAPTURES, name + ".pcap")
        return self.documents(path, *options)[0]

    def test_nobody_is_banned(self):
        names = {name.removesuffix(".pcap") for name in os.listdir(self.CAPTURES) if name.endswith(".pcap")}
        self.assertEqual(names, {*self.DROPPED, *self.BOTH_DIRECTIONS})
        for captures, options in ((self.DROPPED, ["--dropped"]), (self.BOTH_DIRECTIONS, [])):
            for name, (dropped, plain_bans) in captures.items():
                with self.subTest(name):
                    document = self.judge(name, *options, "--set", "detect.rule=balanced")
                    self.assertEqual((document["bans"], document["reading"]), ([], "whole"))
                    self.assertGreaterEqual(document["fates"]["dropped"], dropped)
                    self.assertEqual(len(self.judge(name, *options)["bans"]), plain_bans)


class Tune(ReplayTest):
    def tune(self, *arguments, status=0):
        return self.run_cli("tune", "--config", self.configuration(), *arguments, status=status)

    def pairs(self, *arguments):
        document = json.loads(self.run_cli("--json", "tune", "--config", self.configuration(),
                                           "--thresholds", "3,12,13", "--windows", "3s,1h", *arguments).stdout)
        self.assertEqual(document["schema"], "farewell/tune/v1")
        return {(pair["threshold"], pair["window_seconds"]): (pair["banned"], pair["likely_false"], pair["missed"])
                for pair in document["pairs"]}

    def test_every_pair_is_counted(self):
        path = self.write("scan.pcap", SCAN)
        self.assertEqual(self.pairs(path), {(3, 3.0): (1, 0, 0), (3, 3600.0): (1, 0, 0), (12, 3.0): (0, 0, 0),
                                            (12, 3600.0): (1, 0, 0), (13, 3.0): (0, 0, 0), (13, 3600.0): (0, 0, 0)})

    def test_who_is_who(self):
        path = self.write("folder/scan.pcap", SCAN)
        folder = os.path.dirname(path)
        self.assertEqual(self.pairs("--benign", folder)[3, 3.0], (1, 1, 0))
        self.assertEqual(self.pairs("--scans", folder)[13, 3.0], (0, 0, 1))
        self.assertEqual(self.pairs(path, "--scanner", SCANNER)[13, 3.0], (0, 0, 1))
        self.assertEqual(self.pairs(path, "--scanner", HOST)[3, 3.0], (1, 1, 0))

    def test_table(self):
        path = self.write("scan.pcap", SCAN)
        self.assertRegex(self.tune(path).stdout, r"THRESHOLD +WINDOW +BANNED\n(.*\n)* +10 +1d +1\n(.*\n)*1 files judged")
        self.assertRegex(self.tune("--benign", path).stdout, r"LIKELY FALSE +MISSED\n(.*\n)* +10 +1d +1 +1 +0\n")

    def test_exit_statuses(self):
        self.assertIn("tune takes captures", self.tune(status=2).stderr)
        self.tune("x", "--thresholds", "1", status=2)
        self.tune("x", "--windows", "0s", status=2)
        self.tune("x", "--scanner", "example", status=2)
        self.assertIn("at most 64 pairs", self.tune("x", "--thresholds", ",".join(map(str, range(2, 20))), status=2).stderr)
        self.assertIn("No such file", self.tune(os.path.join(self.directory, "absent"), status=1).stderr)
