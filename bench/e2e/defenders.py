# SPDX-License-Identifier: GPL-2.0-or-later
"""Who stands before the same closed ports: farewelld in three ways, programs that do what the article asks for, nftables alone, and nobody."""

import typing

_DAEMON = ("detect.rule=plain", "detect.threshold=10", "detect.decoys=ban", "ban.unproven=full", "ban.per_minute=1000000")
_ONE_QUEUE = ("NFQUEUE", "--queue-num", "0")
_FOUR_QUEUES = ("NFQUEUE", "--queue-balance", "0:3")

# Ten distinct ports by sets alone, as in the duel; here no port is open.
_NFT_ALONE = """
table inet alone {
  set out4 { type ipv4_addr; flags dynamic,timeout; timeout 12h; size 65536; }
  set pairs4 { type ipv4_addr . inet_proto . inet_service; flags dynamic,timeout; timeout 10m; size 1048576; }
  set meter4 { type ipv4_addr; flags dynamic,timeout; timeout 10m; size 262144; }
  chain another4 {
    add @meter4 { ip saddr limit rate over 1/hour burst 9 packets } add @out4 { ip saddr }
  }
  chain early {
    type filter hook prerouting priority -450; policy accept;
    ip saddr @out4 drop
  }
  chain late {
    type filter hook input priority -5; policy accept;
    iif lo accept
    ct state established,related accept
    meta l4proto != { tcp, udp, sctp } accept
    ip saddr . meta l4proto . th dport != @pairs4 add @pairs4 { ip saddr . meta l4proto . th dport } goto another4
  }
}
"""


class Defender(typing.NamedTuple):
    name: str
    what: str
    settings: typing.Optional[tuple[str, ...]] = None  # of farewelld; None: it does not run
    rival: tuple[str, ...] = ()  # bench_rival with these arguments
    target: tuple[str, ...] = ()  # of the filter's last rule
    ruleset: str = ""  # beside the filter

    @property
    def is_told(self):
        """Whether the kernel tells of its bans: not of those that a rule makes by itself."""
        return not self.ruleset


FAREWELL_QUEUE = Defender("farewelld, queue rule", "farewelld with the article's ruleset: four packet queues at the end of a chain that drops, by iptables-nft, "
                          "which every kernel has", settings=_DAEMON, target=_FOUR_QUEUES)
FAREWELL_ONE_QUEUE = FAREWELL_QUEUE._replace(name="farewelld, one queue", what="the same with one queue, as the plain program has",
                                             settings=(*_DAEMON, "capture.queues=0"), target=_ONE_QUEUE)
FAREWELL_TRAP = Defender("farewelld, trap", "farewelld with [its trap](trap.md), fed by a log group: what a kernel gets whose nftables has no `queue`",
                         settings=(*_DAEMON, "trap.enabled=true", "capture.source=nflog"))
PLAIN = Defender("plain libnetfilter_queue", "the program that one writes first: one packet a receive, one verdict a packet, a hash map of sets of ports; a ban is "
                 "a set's element, added by libnftables", rival=("plain", "element"), target=_ONE_QUEUE)
ARTICLE = Defender("article, a rule a ban", "the article's program by its text: a thread for each of four queues, the verdict first, then a map behind a mutex; a "
                   "ban is a rule of its own, by netlink. Where the article searches a list, this looks up a hash map", rival=("article", "rule"),
                   target=_FOUR_QUEUES)
PROCESS = Defender("article, nft a ban", "the same, but for each ban it executes `nft`, which the article warns of", rival=("article", "process"),
                   target=_FOUR_QUEUES)
NFT_ALONE = Defender("nft alone", "two sets of nftables that count for themselves, as in [the duel](duel.md), but larger. Nothing runs", ruleset=_NFT_ALONE)
NOBODY = Defender("nobody", "a policy that drops: what the sender can, and what the way costs by itself")

FAREWELL = (FAREWELL_QUEUE, FAREWELL_ONE_QUEUE, FAREWELL_TRAP)
ALL = (*FAREWELL, PLAIN, ARTICLE, PROCESS, NFT_ALONE, NOBODY)
