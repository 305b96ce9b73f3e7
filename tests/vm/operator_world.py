# SPDX-License-Identifier: GPL-2.0-or-later
"""A throw-away machine as its operator sees it: a firewall, a service, somebody who scans it and somebody who does not."""

import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
os.environ.setdefault("FAREWELL_PATIENCE", "6")  # everything takes longer in emulation

from world import ATTACKER4, CLIENT4, SERVER4, SERVER4_FOR_CLIENT, Namespace  # noqa: E402

SERVE = """
import socket
server = socket.create_server(("", 80), backlog=64)
print("ready", flush=True)
while True:
    server.accept()[0].close()
"""


def run(*command, check=True, **options):
    done = subprocess.run(command, check=False, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=300, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}")
    return done


class OperatorTest(unittest.TestCase):
    def setUp(self):
        self.began = time.monotonic()
        self.attacker = self.network("attack", ATTACKER4, SERVER4)
        self.client = self.network("client", CLIENT4, SERVER4_FOR_CLIENT)
        served = subprocess.Popen(["python3", "-c", SERVE], stdout=subprocess.PIPE)
        self.addCleanup(served.stdout.close)
        self.addCleanup(served.wait)
        self.addCleanup(served.kill)
        served.stdout.readline()

    def load(self, ruleset):
        subprocess.run(["nft", "-f", "-"], input=ruleset, text=True, check=True)

    def network(self, name, theirs, ours):
        namespace = Namespace()
        self.addCleanup(namespace.close)
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(namespace.pid))
        run("ip", "addr", "add", f"{ours}/24", "dev", name)
        run("ip", "link", "set", name, "up")
        namespace.run("ip", "addr", "add", f"{theirs}/24", "dev", "eth0")
        namespace.run("ip", "link", "set", "eth0", "up")
        return namespace

    def step(self, name):
        print(f"{time.monotonic() - self.began:7.1f} s  {name}", flush=True)

    def scan(self):
        self.attacker.run("nmap", "-sS", "-n", "-Pn", "--max-retries", "0", "-p", "1000-1019", SERVER4, timeout=300)

    def is_let_in(self, namespace, address):
        return namespace.run("python3", "-c", "import socket, sys; socket.create_connection((sys.argv[1], 80), timeout=5)",
                             address, check=False).returncode == 0
