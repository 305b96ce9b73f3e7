#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Inside a namespace of the soak: does the jobs that it reads from standard input, one JSON object a line, all at once, and answers
each with one line when it is done. What a job does is the function of its name; everything else it is told."""

import itertools
import json
import os
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))

import packets  # noqa: E402

_answering = threading.Lock()


def _open(source, server, port, limit):
    """An ordinary program's connection."""
    return socket.create_connection((server, port), limit, (source, 0))


def send(probes, mac, interval):
    """Puts packets on the wire one by one. A probe: protocol, source, destination, port, source port, and flags or payload."""
    frames = []
    for protocol, source, destination, port, source_port, more in probes:
        if protocol == "tcp":
            packet = packets.tcp(source, destination, port, more, source_port)
        else:
            packet = packets.udp(source, destination, port, bytes.fromhex(more), source_port)
        frames.append(packets.ethernet(mac, packet))
    packets.send_frames(frames, interval=interval)
    return {}


def repeat(sources, server, ports, flags, mac, times, interval):
    """From each of these a packet to each of these ports, so many times."""
    frames = [packets.ethernet(mac, packets.tcp(source, server, port, flags)) for port in ports for source in sources]
    packets.send_frames(frames, times=times, interval=interval)
    return {}


def connect(source, server, ports, interval, login):
    """A connect scan, after a proper connection to `login` if that is not 0."""
    if login:
        try:
            with _open(source, server, login, 5) as connection:
                connection.recv(64)
        except OSError:
            pass  # it is out already
    waiting = []
    for port in ports:
        one = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET)
        one.setblocking(False)
        one.bind((source, 0))
        one.connect_ex((server, port))
        waiting.append(one)
        time.sleep(interval)
    time.sleep(0.5)
    for one in waiting:
        one.close()
    return {}


def visit(source, server, port, limit):
    """An ordinary client of a service: whether it was served, and after how many seconds."""
    begin = time.monotonic()
    try:
        with _open(source, server, port, limit) as connection:
            connection.settimeout(limit)
            served, why = connection.recv(64) != b"", "closed at once"
    except OSError as error:
        served, why = False, str(error)
    return {"served": served, "seconds": time.monotonic() - begin, "why": "" if served else why}


def ask(source, server, port, limit):
    """The same over UDP, asking again every second as programs do."""
    begin = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.bind((source, 0))
        asking.settimeout(1.0)
        while time.monotonic() - begin < limit:
            try:
                asking.sendto(b"question", (server, port))
                if asking.recv(64):
                    return {"served": True, "seconds": time.monotonic() - begin, "why": ""}
            except OSError:
                pass  # no answer within a second, or an error of ICMP
    return {"served": False, "seconds": time.monotonic() - begin, "why": "no answer"}


def slip(source, server, port):
    """A client that asks for a service which is not there, and insists."""
    for _ in range(3):
        try:
            _open(source, server, port, 0.4).close()
        except OSError:
            pass
    return {}


def stand(source, server, port, limit):
    """A connection that stands: a byte there and back every half second; done when one is lost."""
    with _open(source, server, port, limit) as connection:
        connection.settimeout(limit)
        while True:
            connection.sendall(b"x")
            if connection.recv(1) != b"x":
                return {}
            time.sleep(0.5)


def knock(source, server, port, mac, interval):
    """The same question over UDP for ever, from an address that is banned for ever."""
    packets.send_frames(itertools.repeat(packets.ethernet(mac, packets.udp(source, server, port, b"knock", 40000))), interval=interval)


_JOBS = {"send": send, "repeat": repeat, "connect": connect, "visit": visit, "ask": ask, "slip": slip, "stand": stand, "knock": knock}


def _do(number, name, arguments):
    try:
        answer = _JOBS[name](**arguments)
    except OSError as error:
        answer = {"failed": f"{name}: {error}"}
    with _answering:
        print(json.dumps({"number": number, **answer}), flush=True)


def main():
    print("ready", flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        threading.Thread(target=_do, args=(job.pop("number"), job.pop("do"), job), daemon=True).start()


if __name__ == "__main__":
    main()
