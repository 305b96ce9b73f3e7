# SPDX-License-Identifier: GPL-2.0-or-later
"""When which frame for a closed port came, by the kernel's time stamps in a capture of tcpdump's."""

import struct

from defenders import ALL_TCP
from trap_world import OPEN_UDP

_TCP, _UDP = 6, 17
_NOT_COUNTED = (1, 2, 58)  # ICMP, IGMP, ICMPv6
_HOP_BY_HOP = 0  # what IPv6 puts before its multicast reports


def closed_arrivals(path):
    """In order of arrival; the judge's chain `arriving` counts the same packets."""
    with open(path, "rb") as file:
        data = file.read()
    at, times = 24, []
    while at + 16 <= len(data):
        seconds, micros, length, _ = struct.unpack_from("<IIII", data, at)
        if _is_to_closed(data[at + 16:at + 16 + length]):
            times.append(seconds + micros / 1e6)
        at += 16 + length
    return times


def _is_to_closed(frame):
    ether_type, packet = frame[12:14], frame[14:]
    if ether_type == b"\x08\x00" and len(packet) >= 20:
        if struct.unpack_from("!H", packet, 6)[0] & 0x1FFF:
            return packet[9] not in (_TCP, _UDP, *_NOT_COUNTED)
        protocol, rest = packet[9], packet[(packet[0] & 15) * 4:]
    elif ether_type == b"\x86\xdd" and len(packet) >= 40:
        protocol, rest = packet[6], packet[40:]
        if protocol == _HOP_BY_HOP:
            return False
    else:
        return False
    if protocol in (_TCP, _UDP):
        served = ALL_TCP if protocol == _TCP else OPEN_UDP
        return len(rest) >= 4 and struct.unpack_from("!H", rest, 2)[0] not in served
    return protocol not in _NOT_COUNTED
