# SPDX-License-Identifier: GPL-2.0-or-later
"""Every document that farewell prints is as its schema in docs/schemas says, and every schema has a document."""

import json
import os
import subprocess

import schemas
from counting_e2e import CountingTest
from world import ATTACKER4, ATTACKER6, CLIENT4, FAREWELL, SERVER4, wait_until

CAPTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../captures")


class Documents(CountingTest):
    def setUp(self):
        super().setUp()
        self.seen = set()

    def check(self, *arguments, daemon=None):
        """Runs a command with --json, whatever its exit status, and checks every document that it prints."""
        result = (daemon or self.daemon).cli("--json", *arguments, check=False)
        # Messages for people go to stderr, which is the same file here.
        documents = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
        self.assertTrue(documents, result.stdout)
        self.seen |= {schemas.check(document) for document in documents}
        return documents

    def check_first_line(self, *arguments):
        """Of a command that goes on."""
        process = self.server.start(FAREWELL, "--socket", self.daemon.socket, "--json", *arguments, stdout=subprocess.PIPE,
                                    text=True, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        self.seen.add(schemas.check(json.loads(process.stdout.readline())))

    def test_every_document_is_as_its_schema_says(self):
        config = self.write_config('[allow]\nnetworks = ["198.18.5.0/24"]\n')
        self.daemon = self.start_daemon(config=config)
        self.send(self.syns(12))
        self.wait_banned(ATTACKER4)
        self.send(self.syns(3, source="198.18.9.9"))
        self.check("status")
        self.check("explain", ATTACKER4)
        self.check("explain", "198.18.9.9")
        self.check("explain", "198.18.77.7")
        self.check("explain", SERVER4)
        self.check("explain", "198.18.5.5")
        self.check("sources", "top")
        self.check_first_line("watch")
        self.check("bans", "add", ATTACKER6, "--reason", "seen before")
        self.check("bans", "add", "198.18.7.0/24", "--for", "2h")
        self.check("bans", "add", "127.0.0.1")
        self.check("bans", "list")
        self.check("bans", "get", ATTACKER6)
        self.check("bans", "get", "198.18.1.99")
        path = f"{self.directory}/list"
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"198.18.20.1\n{SERVER4}\n")
        self.check("bans", "import", path)
        self.check("bans", "export")
        self.check("bans", "remove", ATTACKER6)
        self.check("-n", "bans", "remove", "--all")
        self.server.run("nft", "flush", "ruleset")
        wait_until(lambda: self.daemon.status()["nftables"]["repairs"] > 0, "repaired")
        self.check("status")
        self.check("bans", "remove", "--all")
        self.check("allow", "add", CLIENT4, "--reason", "a friend")
        self.check("allow", "list")
        self.check("explain", CLIENT4)
        self.check("allow", "remove", CLIENT4)
        self.check_first_line("events", "--follow", "--max", "1")  # which says that there are older ones
        wait_until(lambda: any(event["event"] == "imported" for event in self.check("events")), "the import is an event")
        self.check("reload")
        self.check("metrics")
        self.check("doctor")
        self.check("check-config", config)
        with open(config, "a", encoding="utf-8") as file:
            file.write("colour = 5\n")
        self.check("check-config", config)
        self.check("reload")
        self.write_config("")
        for verb in ("print", "install", "diff", "remove"):
            self.check("ruleset", verb, "--config", config)
        self.check("replay", CAPTURES)
        self.check("report", f"{CAPTURES}/late_dns.pcap", "-o", f"{self.directory}/report.html")
        self.check("report", "-o", f"{self.directory}/report.html")
        self.check("tune", f"{CAPTURES}/late_dns.pcap")
        self.assertEqual(self.seen, schemas.names())
