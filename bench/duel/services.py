#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the judge itself runs inside the namespaces: services beside the fifteen, connections that stand, and who gets through.

  echo PORT                          answers every byte, for as long as the connection stands
  serve PORT…                        a line for every connection
  stand SOURCE SERVER PORT           one connection; for each line of its input a byte there and back: "ok" or "lost"
  reach SERVER PORT SECONDS SOURCE…  prints "asked" when it has, and then, as JSON, which of the sources cannot connect
"""

import json
import select
import selectors
import socket
import sys
import time


def listen(ports):
    selector = selectors.DefaultSelector()
    for port in ports:
        listening = socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True, backlog=512)
        selector.register(listening, selectors.EVENT_READ, "listening")
    print("ready", flush=True)
    return selector


def echo(port):
    selector = listen([port])
    while True:
        for key, _ in selector.select():
            try:
                if key.data == "listening":
                    connection, _ = key.fileobj.accept()
                    selector.register(connection, selectors.EVENT_READ, "connection")
                    continue
                data = key.fileobj.recv(64)
            except OSError:
                data = b""
            if key.data == "connection" and data:
                key.fileobj.sendall(data)
            elif key.data == "connection":
                selector.unregister(key.fileobj)
                key.fileobj.close()


def serve(*ports):
    selector = listen(ports)
    while True:
        for key, _ in selector.select():
            try:
                connection, _ = key.fileobj.accept()
                with connection:
                    connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nhi\n")
            except OSError:
                pass  # a connect scan resets what it has opened


def stand(source, server, port):
    connection = socket.create_connection((server, int(port)), timeout=5, source_address=(source, 0))
    connection.settimeout(4)  # a lost segment is repeated several times within that
    print("ready", flush=True)
    for _ in sys.stdin:
        try:
            connection.sendall(b"x")
            print("ok" if connection.recv(1) == b"x" else "lost", flush=True)
        except OSError:
            print("lost", flush=True)


def reach(server, port, seconds, *sources):
    waiting, sockets = select.poll(), {}
    for source in sources:
        one = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET)
        one.setblocking(False)
        one.bind((source, 0))
        one.connect_ex((server, int(port)))
        sockets[one.fileno()] = (source, one)
        waiting.register(one, select.POLLOUT)
    print("asked", flush=True)
    shut_out, end = [], time.monotonic() + float(seconds)
    while sockets and time.monotonic() < end:
        for fd, _ in waiting.poll(100):
            source, one = sockets.pop(fd)
            waiting.unregister(fd)
            if one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                shut_out.append(source)
            one.close()
    print(json.dumps(sorted(shut_out + [source for source, _ in sockets.values()])))


if __name__ == "__main__":
    {"echo": echo, "serve": serve, "stand": stand, "reach": reach}[sys.argv[1]](*sys.argv[2:])
