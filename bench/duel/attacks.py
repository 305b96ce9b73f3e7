# SPDX-License-Identifier: GPL-2.0-or-later
"""What comes to the server: scanners, which are to be banned, and clients, which are not."""

import os
import sys
import typing

import visitors
from world import ATTACKER4, ATTACKER6, SERVER4, SERVER6

_VISITORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "visitors.py")
DECOYS = ("198.18.0.11", "198.18.0.12", "198.18.0.13")
SWEPT = "198.18.0.128/28"  # further addresses of the server


class Attack(typing.NamedTuple):
    name: str
    command: tuple[str, ...]
    is_scan: bool = True
    seconds: float = 30  # at most
    is_series: bool = False  # speed or the order of ports matters: run it several times
    sources: tuple[str, ...] = (ATTACKER4,)  # who must be banned, or must not
    innocent: tuple[str, ...] = ()  # whose address is used, or who comes along: connects to port 22 afterwards
    standing: str = ""  # an address of the innocent with a connection that must stand throughout
    place: str = "attacker"  # the namespace
    is_open_question: bool = False  # either outcome is one; told, not judged
    known: tuple[int, ...] = ()  # open ports that it knows before it begins
    of_udp: bool = False  # what is revealed are open UDP ports


def _nmap(*arguments, target=SERVER4):
    return ("nmap", "-n", "-Pn", "--max-retries", "1", *arguments, target)


def _own(name):
    return (sys.executable, _VISITORS, name)


def _some(addresses):
    return (addresses[0], addresses[100], addresses[-1])


def _scan(name, *arguments, target=SERVER4, **more):
    return Attack(name, _nmap("-T4", *arguments, target=target), **more)


_TOP200 = ("--top-ports", "200")
_SIX = {"target": SERVER6, "sources": (ATTACKER6,)}

SCANS = (
    _scan("nmap -sS", "-sS", is_series=True),
    _scan("nmap -6 -sS", "-6", "-sS", is_series=True, **_SIX),
    _scan("nmap -sS -p-", "-sS", "-p-", is_series=True),
    Attack("nmap -sS -p- -T5 --min-rate 5000", ("nmap", "-n", "-Pn", "-sS", "-p-", "-T5", "--min-rate", "5000", "--max-retries", "0", SERVER4),
           is_series=True),
    _scan("nmap -sT", "-sT", is_series=True),
    _scan("nmap -6 -sT", "-6", "-sT", is_series=True, **_SIX),
    Attack("masscan, 10,000/s", ("masscan", SERVER4, "-p", "1-65535", "--rate", "10000", "--wait", "2", "--interface", "eth0",
                                 "--source-ip", ATTACKER4, "--router-mac", "{mac}"), is_series=True),
    Attack("hping3 --scan", ("hping3", "--scan", "1-2000", "-S", SERVER4), is_series=True),
    _scan("nmap -sU", "-sU", "--top-ports", "100", of_udp=True),
    _scan("nmap -sF", "-sF", *_TOP200),
    _scan("nmap -sN", "-sN", *_TOP200),
    _scan("nmap -sX", "-sX", *_TOP200),
    _scan("nmap -sM", "-sM", *_TOP200),
    _scan("nmap -sA", "-sA", *_TOP200),
    _scan("nmap -sW", "-sW", *_TOP200),
    _scan("nmap -sO", "-sO"),
    _scan("nmap -sY", "-sY"),
    _scan("nmap -sS -f", "-sS", "-f", *_TOP200),
    _scan("nmap -sS -D, three decoys", "-sS", "-D", ",".join((*DECOYS, "ME")), *_TOP200, innocent=DECOYS, standing=DECOYS[0]),
    Attack("nmap -sS --scan-delay 1s", _nmap("-sS", "--scan-delay", "1s", "--top-ports", "30"), seconds=45),
    Attack("connect scan, 0.3 to 2 s between", _own("jitter"), seconds=45),
    Attack("rarest ports first", _own("rarest_first")),
    Attack("two addresses of a /64, by turns", _own("two_addresses"), sources=visitors.TWO),
    Attack("256 addresses of a /64", _own("neighbours"), sources=_some(visitors.NEIGHBOURS)),
    Attack("256 addresses of the server's own /64", _own("next_door"), sources=_some(visitors.NEXT_DOOR)),
    Attack("masscan of 16 addresses, 10,000/s", ("masscan", SWEPT, "-p", "1-2000", "--rate", "10000", "--wait", "2", "--interface", "eth0",
                                                 "--source-ip", ATTACKER4, "--router-mac", "{mac}")),
    Attack("questions over UDP", _own("udp_payloads"), of_udp=True),
    Attack("nmap -sT behind a NAT with a client", _nmap("-T4", "-sT"), place="inside", standing="neighbour"),
    Attack("logs in, then scans", _own("with_a_login"), known=(22,)),
    Attack("nine closed ports and no more", _own("nine"), is_open_question=True),
)

CLIENTS = (
    Attack("a scan in the name of gateway and resolver", _own("forged_helpers"), False, sources=(visitors.GATEWAY, visitors.RESOLVER)),
    Attack("traceroute over UDP", ("traceroute", "-n", "-w", "1", "-m", "30", SERVER4), False),
    Attack("one closed port, twenty times", _own("retry"), False),
    Attack("three closed ports, eight times", _own("three_closed"), False),
    Attack("all open ports, three times", _own("every_service"), False, 60),
    Attack("ping sweep", ("nmap", "-sn", "-n", "--disable-arp-ping", SERVER4), False),
    Attack("QUIC beside TCP 443", _own("quic"), False),
    Attack("a client of services that restart", _own("restart"), False),
    Attack("five hundred clients at once", _own("crowd"), False, 60, sources=(), innocent=visitors.CROWD, place="client"),
)

ALL = SCANS + CLIENTS

# Some seconds each, of every kind: does all this still work?
QUICK = ("nmap -sS", "nmap -6 -sS", "masscan, 10,000/s", "all open ports, three times", "ping sweep")
