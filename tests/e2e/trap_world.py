# SPDX-License-Identifier: GPL-2.0-or-later
"""A server with fifteen services and a trap: what scanners can learn of it, and what ordinary clients notice."""

import json
import os
import re
import subprocess
import time

from world import ATTACKER4, ATTACKER6, SERVER4, SERVER6, TABLE, WorldTest

OPEN_TCP = (21, 22, 25, 53, 80, 110, 143, 443, 993, 3306, 5432, 6379, 8080, 8443, 27017)
OPEN_UDP = (53, 123, 161)

_SERVICES = """
import selectors, socket, sys
tcp, udp = ([int(port) for port in part.split(",")] for part in sys.argv[1:3])
selector = selectors.DefaultSelector()
for port in tcp:
    listening = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=512)
    selector.register(listening, selectors.EVENT_READ, "tcp")
for port in udp:
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        answering = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            answering.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        answering.bind((address, port))
        selector.register(answering, selectors.EVENT_READ, "udp")
print("ready", flush=True)
while True:
    for key, _ in selector.select():
        try:
            if key.data == "tcp":
                connection, _ = key.fileobj.accept()
                with connection:
                    connection.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Length: 3\\r\\n\\r\\nhi\\n")
            else:
                data, sender = key.fileobj.recvfrom(2048)
                key.fileobj.sendto(data or b"x", sender)
        except OSError:
            pass  # a connect scan resets what it has opened
"""

# Prints how long each connection took, in seconds; "inf" for one that did not come about.
_TIMED = """
import socket, sys, time
for port in sys.argv[3].split(","):
    begin = time.monotonic()
    try:
        socket.create_connection((sys.argv[1], int(port)), timeout=float(sys.argv[2])).close()
        print(time.monotonic() - begin)
    except OSError:
        print("inf")
"""

# What an operator's own filter may look like: it knows nothing of farewell, and drops what conntrack calls invalid.
_OPERATORS_FILTER = """
table inet operator {
  chain input { type filter hook input priority 0; policy drop;
    ct state invalid counter drop comment "invalid"
    iif lo accept
    ct state established,related accept
    meta l4proto { icmp, ipv6-icmp } accept
    tcp dport { %s } counter accept comment "open"
    udp dport { %s } counter accept
    counter comment "closed"
  }
}
"""


class TrapWorld(WorldTest):
    rule = None  # farewelld's own
    settings = ("trap.enabled=true", "capture.source=nflog")

    def setUp(self):
        super().setUp()
        others = [port for port in OPEN_TCP if port not in (22, 80)]  # these two are WorldTest's
        services = self.server.start("python3", "-c", _SERVICES, ",".join(map(str, others)),
                                     ",".join(map(str, OPEN_UDP)), stdout=subprocess.PIPE)
        self.addCleanup(services.stdout.close)
        self.addCleanup(services.wait)
        self.addCleanup(services.kill)
        services.stdout.readline()

    def load_policy(self):
        text = _OPERATORS_FILTER % (", ".join(map(str, OPEN_TCP)), ", ".join(map(str, OPEN_UDP)))
        self.nft(*text.split("\n"))

    def nft(self, *lines):
        return self.server.run("sh", "-c", "echo \"$0\" | nft -f -", "\n".join(lines))

    def start_trap(self, *settings, **options):
        return self.start_daemon(*self.settings, *settings, **options)

    # Scanners. Each returns the open ports that it found.

    def nmap(self, *arguments, ports=()):
        is_ipv6 = "-6" in arguments
        return self.scan(6 if is_ipv6 else 4, "nmap", "-v", "-n", "-Pn", "-T4", "--max-retries", "1", *arguments, *ports,
                         SERVER6 if is_ipv6 else SERVER4)

    def masscan(self, rate=10000, ports="1-10000"):
        return self.scan(4, "masscan", SERVER4, "-p", ports, "--rate", str(rate), "--wait", "1", "--interface", "eth0",
                         "--source-ip", ATTACKER4, "--router-mac", self.server_mac)

    def scan(self, family, *command):
        """Cut short when its source has been banned for a while: from then on it can learn nothing more."""
        path = os.path.join(self.directory, "scan.log")
        with open(path, "w", encoding="utf-8") as log:
            scanner = self.attacker.start(*command, stdout=log, stderr=log)
            banned_since = None
            while scanner.poll() is None:
                if banned_since is None and (ATTACKER4 if family == 4 else ATTACKER6) in (self.banned(family) or {}):
                    banned_since = time.monotonic()
                if banned_since is not None and seconds_since(banned_since) > 2:
                    scanner.kill()
                time.sleep(0.05)
        with open(path, encoding="utf-8") as log:
            return sorted({int(port) for port in re.findall(r"Discovered open port (\d+)/", log.read())})

    # Ordinary clients. Each returns how many seconds every connection took.

    def connect_times(self, namespace, address, ports=OPEN_TCP, limit=5.0):
        output = namespace.run("python3", "-c", _TIMED, address, str(limit), ",".join(map(str, ports))).stdout
        return [float(line) for line in output.split()]

    def curl_times(self, namespace, address, ports=OPEN_TCP):
        host = f"[{address}]" if ":" in address else address
        return [float(namespace.run("curl", "-s", "-g", "-o", "/dev/null", "-w", "%{time_connect}",
                                    f"http://{host}:{port}/", check=False).stdout) for port in ports]

    def forget(self, daemon, *kinds):
        """Lets everybody in again and empties the trap's sets."""
        daemon.cli("bans", "remove", "--all")
        for kind in kinds or ("suspect", "tries", "insistent", "known_syn", "burst", "braked", "known_udp", "held_tcp", "held_tcp_now", "held_tcp_again", "held_udp", "held_udp_now"):
            for family in (4, 6):
                self.server.run("nft", "flush", "set", "inet", TABLE, f"{kind}{family}")

    def fill(self, name, count, element):
        """Of a set of the trap's, with what nobody ever sends."""
        lines = [f"flush set inet {TABLE} {name}"]
        for begin in range(0, count, 8192):
            elements = ", ".join(f"{element(i)} timeout 1h" for i in range(begin, min(begin + 8192, count)))
            lines.append(f"add element inet {TABLE} {name} {{ {elements} }}")
        path = f"{self.directory}/fill.nft"
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        self.server.run("nft", "-f", path)

    def told(self, daemon):
        """So many packets farewelld has been told of."""
        return sum(group["packets"] for group in daemon.status()["groups"])

    def keys_of(self, name):
        listing = json.loads(self.server.run("nft", "-j", "list", "set", "inet", TABLE, name).stdout)
        return [element for entry in listing["nftables"] for element in entry.get("set", {}).get("elem", [])]

    def held_packets(self):
        """So many the trap has held, over both families."""
        listing = self.server.run("nft", "list", "table", "inet", TABLE).stdout
        return sum(int(count) for count in re.findall(r"timeout 500ms \} counter packets (\d+)", listing))

    def reached_operator(self, comment="closed"):
        listing = self.server.run("nft", "list", "chain", "inet", "operator", "input").stdout
        return int(re.search(rf'counter packets (\d+) bytes \d+ (?:drop |accept )?comment "{comment}"', listing).group(1))

    def bare_stack(self, namespace):
        """From now on its connections ask for no selective acknowledgements."""
        namespace.run("sysctl", "-q", "-w", "net.ipv4.tcp_sack=0")


def median(values):
    return sorted(values)[len(values) // 2]


def seconds_since(begin):
    return time.monotonic() - begin
