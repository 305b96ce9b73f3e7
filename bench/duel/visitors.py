#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Scanners and clients that no package has. visitors.py NAME, inside a namespace of the duel; SERVER_MAC in the environment."""

import os
import random
import select
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True
_ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.join(_ROOT, "tests/e2e"))

import packets  # noqa: E402
from defenders import RESTARTING_PORTS  # noqa: E402
from trap_world import OPEN_TCP  # noqa: E402
from world import ATTACKER4, SERVER4, SERVER4_FOR_CLIENT, SERVER6  # noqa: E402

GATEWAY, RESOLVER = "198.18.0.254", "198.18.0.53"
# Of a network that is not the server's own: one that holds an address of its own is never banned as a whole.
FAR = "2001:db8:0:3::/64"
TWO = ("2001:db8:0:3::a", "2001:db8:0:3::b")
NEIGHBOURS = tuple(f"2001:db8:0:3::5:{number:x}" for number in range(256))
NEXT_DOOR = tuple(f"2001:db8:0:1::5:{number:x}" for number in range(256))
CROWD = tuple(f"198.19.{number // 200}.{number % 200 + 1}" for number in range(500))
CLOSED_TCP = (23, 111, 135, 139, 445, 465, 514, 587, 631, 873, 995, 1080, 1433, 1521, 1723, 2049, 2375, 2483, 3128, 3389, 4444, 5000, 5060,
              5601, 5672, 5900, 5984, 6000, 6667, 7001, 8008, 8081, 8888, 9000, 9042, 9090, 9092, 9200, 9418, 10000, 11211, 15672, 25565)
CLOSED_UDP = (67, 69, 111, 137, 177, 427, 500, 514, 520, 623, 631, 1194, 1434, 1645, 1701, 1812, 2049, 2302, 3478, 3702, 4500, 5060, 5351, 5683, 11211, 17185)


def send(packet):
    packets.send_frames([packets.ethernet(os.environ["SERVER_MAC"], packet)])


def connect(port, patience, server=SERVER4, source=""):
    """An ordinary program's connection: what its server says first, or None."""
    try:
        with socket.create_connection((server, port), patience, (source, 0)) as connection:
            return connection.recv(64)
    except OSError:
        return None


def shuffled(*parts):
    ports = [port for part in parts for port in part]
    random.shuffle(ports)
    return ports


# Scanners.

def rarest_first():
    """No popular port among the first five hundred; a bare stack, a hundred a second."""
    for port in random.sample(range(49152, 60000), 500) + shuffled(OPEN_TCP, CLOSED_TCP):
        send(packets.tcp(ATTACKER4, SERVER4, port, source_port=random.randrange(32768, 60000)))
        time.sleep(0.01)


def jitter():
    """An ordinary stack that waits between a third of a second and two seconds."""
    for port in shuffled(OPEN_TCP, CLOSED_TCP):
        connect(port, 0.9)
        time.sleep(random.uniform(0.3, 2.0))


def from_addresses(addresses, interval):
    for number, port in enumerate(shuffled(OPEN_TCP, CLOSED_TCP, range(1024, 1424))):
        send(packets.tcp(addresses[number % len(addresses)], SERVER6, port, source_port=random.randrange(32768, 60000)))
        time.sleep(interval)


def two_addresses():
    """They take turns, twenty probes a second."""
    from_addresses(TWO, 0.05)


def neighbours():
    """Each probe comes from the next of 256 addresses of one /64, a hundred a second."""
    from_addresses(NEIGHBOURS, 0.01)


def next_door():
    """The same from the network that the server itself is in."""
    from_addresses(NEXT_DOOR, 0.01)


def forged_helpers():
    """Somebody scans in the name of the server's gateway, and of its resolver."""
    for port in range(1000, 1200):
        for source in (GATEWAY, RESOLVER):
            send(packets.tcp(source, SERVER4, port))
        time.sleep(0.005)


def udp_payloads():
    """Questions that a server would answer: of DNS, NTP and SNMP, by turns, fifty a second."""
    questions = (struct.pack("!6H", random.getrandbits(16), 0x0100, 1, 0, 0, 0) + b"\7example\3org\0\0\1\0\1",
                 b"\x23" + bytes(47),
                 bytes.fromhex("302902010104067075626c6963a01c0204") + os.urandom(4) + bytes.fromhex("020100020100300e300c06082b060102010101000500"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for number, port in enumerate(shuffled((53, 123, 161), CLOSED_UDP)):
            own = {53: 0, 123: 1, 161: 2}.get(port, number % 3)
            try:
                asking.sendto(questions[own], (SERVER4, port))
            except OSError:
                pass  # somebody answered that the port is unreachable
            time.sleep(0.02)


def nine():
    """Nine closed ports at a comfortable pace, and never more."""
    for port in random.sample(CLOSED_TCP, 9):
        connect(port, 0.2)
        time.sleep(0.6)


def with_a_login():
    """Three proper connections to SSH, then a connect scan, fifty a second."""
    for _ in range(3):
        connect(22, 5)
        time.sleep(0.2)
    held = []
    for port in shuffled(OPEN_TCP, CLOSED_TCP):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex((SERVER4, port))
        held.append(one)
        time.sleep(0.02)
    time.sleep(3)


# Clients.

def retry():
    for _ in range(20):
        connect(81, 0.4)


def three_closed():
    for _ in range(8):
        for port in (81, 82, 83):
            connect(port, 0.3)


def every_service():
    for _ in range(3):
        for port in OPEN_TCP:
            connect(port, 5)


def quic():
    """A browser that tries HTTP/3, on a server that has HTTP/2 alone: eight connections, each asks three times."""
    for _ in range(8):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            initial = b"\xc3\0\0\0\1\x08" + os.urandom(8) + b"\0\0\x44\x96" + os.urandom(1180)
            for wait in (0.1, 0.2, 0.4):
                asking.sendto(initial, (SERVER4, 443))
                time.sleep(wait)
        connect(443, 5)


def restart():
    """Six connections at once to each of six services that are away for three seconds, again and again."""
    end = time.monotonic() + 8
    while time.monotonic() < end:
        waiting = []
        for port in RESTARTING_PORTS * 6:
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex((SERVER4, port))
            waiting.append(one)
        select.select([], waiting, [], 0.5)
        time.sleep(0.5)
        for one in waiting:
            one.close()


def crowd():
    """Five hundred clients at once: three services each; every third meets one closed port, and insists, every sixth two."""
    children = []
    for number, address in enumerate(CROWD):
        pid = os.fork()
        if pid == 0:
            random.seed(number)
            time.sleep(random.uniform(0, 3))
            for port in random.sample(OPEN_TCP, 3):
                connect(port, 5, SERVER4_FOR_CLIENT, address)
            for port in random.sample(CLOSED_TCP, (number % 3 == 0) + (number % 6 == 0)):
                for _ in range(3):
                    connect(port, 0.3, SERVER4_FOR_CLIENT, address)
            os._exit(0)
        children.append(pid)
    for pid in children:
        os.waitpid(pid, 0)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
