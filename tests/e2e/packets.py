# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds packets byte by byte and puts them on a wire: what no well-behaved program would send."""

import ipaddress
import socket
import struct
import time

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _pseudo_header(source, destination, protocol, length):
    if source.version == 4:
        return source.packed + destination.packed + struct.pack("!BBH", 0, protocol, length)
    return source.packed + destination.packed + struct.pack("!IHBB", length, 0, 0, protocol)


def tcp(source, destination, port, flags=SYN, source_port=40000):
    source, destination = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    header = struct.pack("!HHIIBBHHH", source_port, port, 1, 0, 5 << 4, flags, 1024, 0, 0)
    total = checksum(_pseudo_header(source, destination, 6, len(header)) + header)
    return ip(source, destination, 6, header[:16] + struct.pack("!H", total) + header[18:])


def tcp6_behind(headers, source, destination, port):
    """A SYN behind a chain of IPv6 extension headers, named by their numbers, of eight bytes each."""
    plain = tcp(source, destination, port)
    chain, following = plain[40:], 6
    for header in reversed(headers):
        # A type 4 segment routing header with nothing left to visit; options are one PadN of four bytes.
        body = struct.pack("!BBI", 4, 0, 0) if header == 43 else struct.pack("!BBI", 1, 4, 0)
        chain, following = struct.pack("!BB", following, 0) + body + chain, header
    return struct.pack("!IHBB", 6 << 28, len(chain), following, 64) + plain[8:40] + chain


def udp(source, destination, port, payload=b"", source_port=40000):
    source, destination = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    header = struct.pack("!HHHH", source_port, port, 8 + len(payload), 0)
    total = checksum(_pseudo_header(source, destination, 17, len(header) + len(payload)) + header + payload)
    return ip(source, destination, 17, header[:6] + struct.pack("!H", total or 0xFFFF) + payload)


def ip(source, destination, protocol, payload):
    source, destination = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    if source.version == 4:
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0)
        total = checksum(header + source.packed + destination.packed)
        return header[:10] + struct.pack("!H", total) + source.packed + destination.packed + payload
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + source.packed + destination.packed + payload


def ethernet(destination_mac, packet, ether_type=None):
    if ether_type is None:
        ether_type = 0x86DD if packet[0] >> 4 == 6 else 0x0800
    return bytes.fromhex(destination_mac.replace(":", "")) + b"\x02\0\0\0\0\x01" + struct.pack("!H", ether_type) + packet


def send_frames(frames, device="eth0", times=1, interval=0.0):
    """Puts frames on the wire in order, with so many seconds after each. Call it in the sender's namespace."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind((device, 0))
        for _ in range(times):
            for frame in frames:
                while True:
                    try:
                        wire.send(frame)
                        break
                    except OSError as error:
                        if error.errno != 105:  # ENOBUFS: the device's queue is full, which passes
                            raise
                if interval:
                    time.sleep(interval)
    return len(frames) * times
