# SPDX-License-Identifier: GPL-2.0-or-later
"""Ordinary clients, drawn by lot from a seed: whatever happens to the server, they are served and nobody bans them."""

import time

from defenders import OPEN_TCP, OPEN_UDP, RESTARTING_PORTS, STANDING_PORT
from scene import CLIENTS4, CLIENTS6
from visitors import CLOSED_TCP
from world import CLIENT4, PATIENCE, SERVER4_FOR_CLIENT, SERVER6_FOR_CLIENT

SERVED_WITHIN = 8.0 * PATIENCE  # seconds: three of their retransmissions
NOTICED = 0.9  # seconds: from then on a client notices that it waits


class Clients:
    def __init__(self, stage, draw):
        """`stage` has the scene, the jobs, the ledger and `violated`."""
        self._stage, self._draw = stage, draw
        self._is_service_away = False
        self._service_back = 0.0
        self.visits, self.refused, self.unjudged, self.slowest, self.waited = 0, 0, 0, 0.0, 0
        for address in (*CLIENTS4, CLIENT4, *CLIENTS6):
            stage.ledger.protect(address, "an ordinary client")

    def stand(self):
        """A connection that must never be cut."""
        def lost(answer):
            if self._stage.was_still_since(time.monotonic() - 2 * SERVED_WITHIN):
                self.unjudged += 1
            else:
                self._stage.violated(f"an ordinary client's standing connection was cut: {answer}")
            self.stand()
        self._stage.jobs.start("client", lost, "stand", source=CLIENTS4[0], server=SERVER4_FOR_CLIENT, port=STANDING_PORT, limit=SERVED_WITHIN)

    def visit(self):
        number, kind = self._draw.randrange(1, len(CLIENTS4)), self._draw.random()
        source = CLIENTS4[number]
        if kind < 0.6:
            self._visit("visit", source, SERVER4_FOR_CLIENT, self._draw.choice(OPEN_TCP))
        elif kind < 0.75:
            self._visit("visit", self._draw.choice(CLIENTS6), SERVER6_FOR_CLIENT, self._draw.choice(OPEN_TCP))
        elif kind < 0.87:
            self._visit("ask", source, SERVER4_FOR_CLIENT, self._draw.choice(OPEN_UDP))
        elif kind < 0.95:
            # Each knows one service that restarts, and is no scanner whether it is there or not.
            self._visit("visit", source, SERVER4_FOR_CLIENT, RESTARTING_PORTS[number % len(RESTARTING_PORTS)])
        else:
            # And each has a port of its own that it is wrong about.
            self._stage.jobs.start("client", lambda answer: None, "slip", source=source, server=SERVER4_FOR_CLIENT, port=CLOSED_TCP[number])

    def _visit(self, job, source, server, port):
        begin = time.monotonic()

        def when_done(answer):
            self.visits += 1
            seconds = answer.get("seconds", 0.0)
            self.waited += seconds > NOTICED
            if answer.get("served"):
                self.slowest = max(self.slowest, seconds)
            elif port in RESTARTING_PORTS and (self._is_service_away or begin < self._service_back):
                self.refused += 1
            elif self._stage.was_still_since(begin):
                self.unjudged += 1
            else:
                why = answer.get("why") or answer.get("failed")
                self._stage.violated(f"NOT SERVED: {source} at port {port} of {server}, begun {time.monotonic() - begin:.1f} s ago: {why}")
        self._stage.jobs.start("client", when_done, job, source=source, server=server, port=port, limit=SERVED_WITHIN)

    # What the services do to them.

    def service_goes(self):
        self._is_service_away = True
        self._stage.scene.restart_services(False)

    def service_is_back(self):
        self._stage.scene.restart_services(True)
        self._is_service_away = False
        self._service_back = time.monotonic()
