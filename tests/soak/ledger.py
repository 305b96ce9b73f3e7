# SPDX-License-Identifier: GPL-2.0-or-later
"""The books: who must be banned, who must never be, and which bans were seen. Each look into the kernel is held against them.

A ban that was seen must stay until its end, whatever happens to the ruleset; a scan that was seen to its end must be banned; and nobody
is banned but those who scanned. It asks nobody, and is told the time."""

import ipaddress
import typing

import kernel_look
from world import PATIENCE

BAN_WITHIN = 10.0 * PATIENCE  # seconds from a scan's end to its ban
REPAIR_WITHIN = 10.0 * PATIENCE  # seconds from what others did to the ruleset to all bans being back
CALM_WITHIN = 2.0 * PATIENCE  # a ban may be missing for so long when nobody has touched anything: while it moves between sets
LIFTED_WITHIN = 3.0 * PATIENCE  # for so long a ban that was lifted may still be seen
TOLERANCE = 3.0 * PATIENCE  # of a ban's end: the kernel tells whole seconds, and a repair counts in whole seconds
TRIES = 4  # of a scan that something got in between


class Ban:
    def __init__(self, held, at):
        self.soft = held.soft
        self.since = at
        self.ends = at + held.expires
        self.missing_since = None
        self.is_told = False  # that it was lost


class Scan(typing.NamedTuple):
    kind: str
    expected: tuple  # addresses, each of which must be covered by a ban
    begin: float
    end: float
    tries: int


class Ledger:
    def __init__(self, violated, durations):
        """`violated(what)` is called for each violation. `durations` are all that a first ban may last."""
        self._violated = violated
        self._durations = durations
        self.bans = {}
        self.never = {}  # address: why
        self.scanners = {}  # address: how it scanned
        self.open_scans = {}  # scans under way, by number: the addresses
        self.pending = []  # scans that are over, and not banned yet
        self.orders = {}  # networks banned by hand: for how many seconds
        self._lifted = {}
        self.blind = []  # [begin, end] of times when what is sent may go unseen; the end is None while it lasts
        self.counts = {"scans": 0, "banned": 0, "again": 0, "bans": 0, "lifted": 0, "ended": 0, "made_full": 0}
        self.waits = []  # seconds from a scan's end to its ban
        self._told = set()  # what is wrong and has been said
        self._looked = None  # when the last look was

    # What we did.

    def protect(self, address, why):
        self.never[ipaddress.ip_address(address)] = why

    def begin_scan(self, number, addresses, kind):
        self.open_scans[number] = addresses
        self.scanners |= {ipaddress.ip_address(address): kind for address in addresses}

    def end_scan(self, number, scan):
        del self.open_scans[number]
        self.counts["scans"] += scan.tries == 1
        if scan.expected:
            self.pending.append(scan)

    def ban_by_hand(self, network, seconds):
        self.orders[network] = seconds
        self._lifted.pop(network, None)

    def lift(self, network, now):
        """It is let in by order, and may scan again as if nothing had been."""
        self.bans.pop(network, None)
        self.orders.pop(network, None)
        self._lifted[network] = now
        self.counts["lifted"] += 1

    def busy(self):
        """Who is just scanning, or has scanned and is to be banned."""
        return {address for addresses in self.open_scans.values() for address in addresses} | {
            address for scan in self.pending for address in scan.expected}

    def idle_bans(self, now):
        """Networks whose bans one may do something to: of nobody who is just scanning, not ordered by hand, and not about to end."""
        busy = {ipaddress.ip_address(address) for address in self.busy()}
        return sorted((network for network, ban in self.bans.items()
                       if ban.since < now - 2 and ban.ends > now + 15 and ban.missing_since is None and network not in self.orders and
                       not any(address in network for address in busy)), key=str)

    def is_covered(self, address):
        return kernel_look.covering(self.bans, address) is not None

    def begin_blind(self, now):
        self.blind.append([now, None])

    def end_blind(self, now):
        self.blind[-1][1] = now

    def missing(self, now):
        return [network for network, ban in self.bans.items() if ban.missing_since is not None and ban.ends > now]

    # What must hold.

    def compare(self, look, is_disturbed):
        """`is_disturbed`: somebody has just done something to the ruleset, and farewelld has REPAIR_WITHIN for its answer."""
        if self._looked is not None and look.at - self._looked > BAN_WITHIN / 2:
            self.blind.insert(0, [self._looked, look.at])  # nobody looked: a short ban may have come and gone
        if not is_disturbed:
            self._tell_once("no rule", look.undropped and f"LOST BAN: {', '.join(look.undropped)} hold bans, and no rule drops by them")
        self._nobody_wrong(look)
        for network, held in look.bans.items():
            self._seen(network, held, look)
        limit = REPAIR_WITHIN if is_disturbed else CALM_WITHIN
        lost = [network for network in list(self.bans) if network not in look.bans and self._is_lost(network, look.at, limit)]
        for network in lost:
            self.bans[network].is_told = True
        if lost:
            self._violated(f"LOST BAN: {lost[0]} and {len(lost) - 1} others are missing for more than {limit:.0f} s, and should last")
        self._scans_banned(look)
        self._looked = look.at

    def _tell_once(self, what, violation):
        """As long as it is wrong it is said once."""
        if violation and what not in self._told:
            self._violated(violation)
        (self._told.add if violation else self._told.discard)(what)

    def _nobody_wrong(self, look):
        for address, why in self.never.items():
            network = look.covering(address)
            self._tell_once(address, network and f"WRONG BAN: {address}, {why}, is banned by {network}")

    def _seen(self, network, held, look):
        ban = self.bans.get(network)
        ends = look.at + held.expires
        if ban is not None and ban.ends < look.at + TOLERANCE and ends > ban.ends + TOLERANCE:
            self._end(network)  # it ran out, and whoever it was has scanned again
            ban = None
        if ban is None:
            self._new(network, held, look)
            return
        ban.missing_since = None
        if ban.soft and not held.soft:  # found to be genuine: a full ban, of its own length
            ban.soft, ban.ends = False, ends
            self.counts["made_full"] += 1
        elif not ban.soft and held.soft:
            self._violated(f"{network} was banned fully and is banned softly now")
            ban.soft = True
        if abs(ends - ban.ends) > TOLERANCE + look.took:
            self._violated(f"{network} should be banned for {ban.ends - look.at:.0f} s more, and the kernel says {held.expires} s")
            ban.ends = ends

    def _new(self, network, held, look):
        if network in self._lifted:
            if look.at - self._lifted[network] < LIFTED_WITHIN:
                return
            del self._lifted[network]
        if network not in self.orders:
            if not any(address in network for address in self.scanners):
                self._violated(f"WRONG BAN: {network} never scanned")
            allowed = self._durations()
            late = look.at - (self._looked or look.at) + BAN_WITHIN + 2
            if not any(-2 <= duration * 2 ** times - held.expires < late for duration in allowed for times in range(12)):
                self._violated(f"{network} is banned for {held.expires} s, which is none of {sorted(allowed)} nor twice, four times … that")
        elif abs(held.expires - self.orders[network]) > BAN_WITHIN:
            self._violated(f"{network} was banned by hand for {self.orders[network]} s, and is for {held.expires} s")
        self.bans[network] = Ban(held, look.at)
        self.counts["bans"] += 1

    def _is_lost(self, network, now, limit):
        ban = self.bans[network]
        if ban.ends < now + TOLERANCE:  # it may be back for its last moment
            if ban.ends < now - TOLERANCE:
                self._end(network)
            return False
        if ban.missing_since is None:
            ban.missing_since = now
        return now - ban.missing_since > limit and not ban.is_told

    def _end(self, network):
        del self.bans[network]
        self.orders.pop(network, None)
        self.counts["ended"] += 1

    def _scans_banned(self, look):
        waiting = []
        for scan in self.pending:
            outside = [address for address in scan.expected if look.covering(address) is None]
            if not outside:
                self.counts["banned"] += 1
                self.waits.append(max(0.0, look.at - look.took - scan.end))
            elif look.at - scan.end > BAN_WITHIN and not self.was_blind(scan):
                self._violated(f"LOST BAN: {outside[0]} scanned ({scan.kind}, try {scan.tries}) until {look.at - scan.end:.0f} s ago "
                               f"and is not banned ({len(outside)} of {len(scan.expected)})")
            else:
                waiting.append(scan)
        self.pending = waiting

    def was_blind(self, scan):
        """Something was going on during the scan, or began while its ban was on the way."""
        return any(begin < scan.end + BAN_WITHIN and (end is None or end > scan.begin) for begin, end in self.blind)

    def to_repeat(self, now):
        """Scans that something got in between, and that are over without a ban: their sources try once more."""
        again = [scan for scan in self.pending
                 if self.was_blind(scan) and now - scan.end > 2 and (not self.blind or self.blind[-1][1] is not None)]
        self.pending = [scan for scan in self.pending if scan not in again]
        for scan in again:
            if scan.tries >= TRIES:
                self._violated(f"LOST BAN: {scan.expected[0]} scanned ({scan.kind}) {scan.tries} times, and something got in between each time")
        again = [scan for scan in again if scan.tries < TRIES]
        self.counts["again"] += len(again)
        return again
