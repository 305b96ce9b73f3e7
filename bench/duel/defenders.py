# SPDX-License-Identifier: GPL-2.0-or-later
"""Who defends the server: farewelld in three ways, nftables alone, nobody, and rivals. Each with what is shipped."""

import typing

import rivals
from trap_world import OPEN_TCP, OPEN_UDP

# Served besides the fifteen, for connections that are to stand and for services that restart; neither open nor closed in what is counted.
STANDING_PORT = 60022
RESTARTING_PORTS = (8000, 8001, 8002, 8003, 8004, 8005)

ALL_TCP = (*OPEN_TCP, STANDING_PORT, *RESTARTING_PORTS)


def ports(numbers):
    return "{ " + ", ".join(map(str, numbers)) + " }"


class Defender(typing.NamedTuple):
    name: str
    what: str
    settings: typing.Optional[tuple[str, ...]] = None  # of farewelld; None: it does not run
    is_queued: bool = False  # the filter's last rule hands over what it is about to drop
    table: str = ""  # beside the filter
    rival: typing.Optional[rivals.Rival] = None  # somebody else's program


def operators_filter(last_rule="", policy="drop", priority=0):
    """An operator's own. What stands at the end of the chain is the article's rule, a rule that logs, or nothing: the policy decides."""
    return f"""
table inet operator {{
  chain input {{
    type filter hook input priority {priority}; policy {policy};
    iif lo accept
    ct state established,related accept
    meta l4proto {{ icmp, ipv6-icmp }} accept
    tcp dport {ports(ALL_TCP)} accept
    udp dport {ports(OPEN_UDP)} accept
    {last_rule}
  }}
}}
"""


def _counting_table(distinct):
    """Bans at so many distinct closed ports within ten minutes, for twelve hours, by nothing but sets. It needs the list of what is open."""
    sets, bans, new, count = "", "", "", ""
    for digit, header, kind in (("4", "ip", "ipv4_addr"), ("6", "ip6", "ipv6_addr")):
        sets += f"""
  set out{digit} {{ type {kind}; flags dynamic,timeout; timeout 12h; size 65536; }}
  set pairs{digit} {{ type {kind} . inet_proto . inet_service; flags dynamic,timeout; timeout 10m; size 262144; }}
  set meter{digit} {{ type {kind}; flags dynamic,timeout; timeout 10m; size 65536; }}"""
        bans += f"\n    {header} saddr @out{digit} drop"
        pair = f"{header} saddr . meta l4proto . th dport"
        new += f"""
    meta nfproto ipv{digit} {pair} != @pairs{digit} add @pairs{digit} {{ {pair} }} goto another{digit}"""
        count += f"""
  chain another{digit} {{
    add @meter{digit} {{ {header} saddr limit rate over 1/hour burst {distinct - 1} packets }} add @out{digit} {{ {header} saddr }}
  }}"""
    return f"""
table inet alone {{{sets}
{count}
  chain early {{
    type filter hook prerouting priority -450; policy accept;{bans}
  }}
  chain late {{
    type filter hook input priority -5; policy accept;
    iif lo accept
    ct state established,related accept
    meta l4proto != {{ tcp, udp, sctp }} accept
    tcp dport {ports(ALL_TCP)} accept
    udp dport {ports(OPEN_UDP)} accept{new}
  }}
}}
"""


def defenders(has_queue, nmap_farewell=""):
    """`has_queue`: whether this kernel's nftables has the `queue` statement; `farewell ruleset install` asks the same.
    `nmap_farewell`: the path of the article's program, if somebody has it."""
    trap = ("trap.enabled=true",) if has_queue else ("trap.enabled=true", "capture.source=nflog")
    return (
        Defender("none", "the operator's filter alone"),
        Defender("nft-alone", "sets of nftables: ten distinct closed ports within ten minutes, a full ban, a list of open ports",
                 table=_counting_table(10)),
        Defender("queue rule", "farewelld, the article's ruleset: a queue rule as the last one of the filter", settings=(), is_queued=True),
        Defender("trap, no hesitation", "farewelld with `trap.hesitation = \"off\"`", settings=(*trap, "trap.hesitation=off")),
        Defender("trap", "farewelld as `farewell ruleset install` sets it up", settings=trap),
        Defender("psad", "blocks from danger level 3 on, which is 150 packets; reads the log every five seconds, as shipped",
                 rival=rivals.Psad(level=3, interval=5)),
        Defender("psad-strict", "blocks from danger level 1 on, which is five packets; reads the log every second",
                 rival=rivals.Psad(level=1, interval=1)),
        Defender("portsentry", "stealth mode, one packet is enough; closed ports refuse", rival=rivals.Portsentry()),
        Defender("fail2ban", "a jail: ten lines of the firewall's log within ten minutes", rival=rivals.Fail2ban()),
        Defender("crowdsec", "its scenario of port scans, and its bouncer for nftables", rival=rivals.Crowdsec()),
        Defender("nmap-farewell", "the article's own program, behind its ruleset", is_queued=True,
                 rival=rivals.NmapFarewell(nmap_farewell)),
    )
