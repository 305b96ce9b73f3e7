# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel holds, asked of nft and not of farewelld: one look at the whole table, as values."""

import ipaddress
import json
import re
import time
import typing

from world import TABLE

_SET = re.compile(r"^(banned|soft)([46])(?:_(\d+))?$")


class Held(typing.NamedTuple):
    soft: bool
    expires: int  # whole seconds, rounded down


class Look(typing.NamedTuple):
    at: float  # when it had been asked; on time.monotonic()'s clock
    took: float
    is_there: bool  # the table
    bans: dict  # by network: Held
    undropped: tuple  # sets that hold bans and that no rule drops by

    def covering(self, address):
        return covering(self.bans, address)


def network_of(address, length=None):
    address = ipaddress.ip_address(address)
    return ipaddress.ip_network((address, address.max_prefixlen if length is None else length), strict=False)


def covering(networks, address):
    """The narrowest of these networks that holds the address, or None."""
    address = ipaddress.ip_address(address)
    for length in (32, 24, 16) if address.version == 4 else (128, 64, 56, 48, 32):
        network = network_of(address, length)
        if network in networks:
            return network
    return None


def look(server):
    begin = time.monotonic()
    listing = server.run("nft", "-j", "list", "table", "inet", TABLE, check=False)
    at = time.monotonic()
    if listing.returncode != 0:
        return Look(at, at - begin, False, {}, ())
    bans, filled, hooked, rules = {}, set(), [], {}
    for entry in json.loads(listing.stdout)["nftables"]:
        if "rule" in entry:
            rules.setdefault(entry["rule"]["chain"], []).append(entry["rule"]["expr"])
        elif "hook" in entry.get("chain", {}):
            hooked.append(entry["chain"]["name"])
        name = entry.get("set", {}).get("name", "")
        kind = _SET.match(name)
        if not kind or not entry["set"].get("elem"):
            continue
        filled.add(name)
        for element in entry["set"]["elem"]:
            inner = element["elem"]
            network = network_of(inner["val"], int(kind[3]) if kind[3] else None)
            soft = kind[1] == "soft"
            if network not in bans or not soft:
                bans[network] = Held(soft, inner.get("expires", 0))
    dropped_by = set().union(*(_dropped_by(chain, rules) for chain in hooked))
    return Look(at, at - begin, True, bans, tuple(sorted(filled - dropped_by)))


def _dropped_by(chain, rules):
    """The sets by which this chain, and those it leads to, drop; as far as its rules are reached at all."""
    found = set()
    for expressions in rules.get(chain, ()):
        matches = [expression["match"]["right"] for expression in expressions if "match" in expression]
        target = next((expression[verb]["target"] for expression in expressions for verb in ("goto", "jump") if verb in expression), None)
        names = {right[1:] for right in matches if isinstance(right, str) and right.startswith("@")}
        if _has("drop", expressions) or any(_has("drop", further) for further in rules.get(target, ())):
            found |= names
        if target is not None:
            found |= _dropped_by(target, rules)
        if not matches and (_has("accept", expressions) or _has("drop", expressions)):
            break
    return found


def _has(verdict, expressions):
    return any(verdict in expression for expression in expressions)
