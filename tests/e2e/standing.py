# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections that stand while something happens to their end: one more service of the server's that echoes, and who talks to it."""

import subprocess

ECHO_PORT = 2222

_ECHO = f"""
import selectors, socket
listening = socket.create_server(("::", {ECHO_PORT}), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
selector = selectors.DefaultSelector()
selector.register(listening, selectors.EVENT_READ)
while True:
    for key, _ in selector.select():
        if key.fileobj is listening:
            selector.register(listening.accept()[0], selectors.EVENT_READ)
            continue
        line = key.fileobj.recv(100)
        if line:
            key.fileobj.sendall(line)
        else:
            selector.unregister(key.fileobj)
            key.fileobj.close()
"""

# One connection that stays; for each line it is given it asks for an echo and says whether one came.
_TALK = f"""
import socket, sys
connection = socket.create_connection((sys.argv[1], {ECHO_PORT}), timeout=5)
connection.settimeout(2)
print("connected", flush=True)
for line in sys.stdin:
    try:
        connection.sendall(line.encode())
        print("echo" if connection.recv(100) else "closed", flush=True)
    except OSError:
        print("silence", flush=True)
"""


class StandingConnections:
    """For a WorldTest; the service's port is still to be let in."""

    def serve_echo(self):
        echo = self.server.start("python3", "-c", _ECHO, stdout=subprocess.PIPE)
        self.addCleanup(echo.stdout.close)
        self.addCleanup(echo.wait)
        self.addCleanup(echo.kill)
        echo.stdout.readline()

    def connect(self, address):
        """Returns a function that says whether the connection still carries something."""
        talk = self.attacker.start("python3", "-c", _TALK, address, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(talk.wait)
        self.addCleanup(talk.stdout.close)
        self.addCleanup(talk.stdin.close)
        self.assertEqual(talk.stdout.readline(), "connected\n")

        def ask():
            talk.stdin.write("are you there\n")
            talk.stdin.flush()
            return talk.stdout.readline().strip()
        self.assertEqual(ask(), "echo")
        return ask
