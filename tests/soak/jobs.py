# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs of the workers on either side: who has been given which, and what is to be done when it is over."""

import itertools


class Jobs:
    def __init__(self, scene):
        self._workers = {"attacker": scene.attackers_worker, "client": scene.clients_worker}
        self._numbers = itertools.count(1)
        self._when_done = {}

    def start(self, side, when_done, job, **arguments):
        """`when_done(answer)` is called by `hear`, later. The number of the job."""
        number = next(self._numbers)
        self._when_done[number] = when_done
        self._workers[side].do(number, job, **arguments)
        return number

    def hear(self):
        for worker in self._workers.values():
            for answer in worker.answers():
                self._when_done.pop(answer["number"])(answer)
