# SPDX-License-Identifier: GPL-2.0-or-later
"""Where other people's programs run: as root in a network namespace, and yet nothing of the machine's is changed.

They see the machine's file system read-only, copies of their own of what they write, and an empty /run, /tmp and /var/log. Every one that is
started has a pid namespace of its own, so that what forked away ends with it; and all of it ends when this process does, however it ends.
"""

import os
import shlex
import signal
import subprocess

_EMPTY = ("/run", "/var/log", "/tmp")


class Enclosure:
    def __init__(self, namespace, directory, own=()):
        """`directory`: to be made, and the caller's to remove; `own`: what else than /etc is copied."""
        self._namespace = namespace
        self._directory = directory
        self._processes = []
        own = ("/etc", *own)
        for path in own:
            os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
            subprocess.run(["cp", "-a", path, self.path(path)], check=True)
        for path in _EMPTY:
            os.makedirs(self.path(path))
        # /tmp is the last one: behind it nobody sees any more where the others are.
        mounts = [["mount", "--bind", self.path(path), path] for path in (*own, *_EMPTY)] + [["mount", "-o", "remount,bind,ro", "/"]]
        self._enter = "cd / && " + " && ".join(map(shlex.join, mounts))

    def path(self, inside):
        """Where from outside a path of theirs is."""
        return self._directory + inside

    def write(self, inside, text):
        with open(self.path(inside), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, inside):
        """Empty if there is no such file yet."""
        try:
            with open(self.path(inside), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def start(self, *command):
        """What it prints is in /var/log/NAME.out."""
        with open(self.path(f"/var/log/{os.path.basename(command[0])}.out"), "a", encoding="utf-8") as output:
            # The shell stays, to bury what the program forks and forgets.
            process = self._namespace.start("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc",
                                            "sh", "-c", f'{self._enter} && "$@"; exit $?', "sh", *command, stdout=output, stderr=output)
        self._processes.append(process)
        return process

    def run(self, *command):
        """To its end, which must be a good one."""
        if self.start(*command).wait(timeout=60) != 0:
            raise AssertionError(f"{command[0]} failed:\n" + self.output(command[0]))

    def output(self, program):
        return self.read(f"/var/log/{os.path.basename(program)}.out")

    def first_ended(self):
        """The status of a program that should still run; None if all do."""
        return next((process.returncode for process in self._processes if process.poll()), None)

    def close(self):
        """Ends each by its first process: unshare returns when nothing of the pid namespace is left."""
        for process in reversed(self._processes):
            if process.poll() is None:
                children = self._children(process.pid)
                for child in children:
                    os.kill(child, signal.SIGKILL)
                if not children:
                    process.kill()
            process.wait()

    @staticmethod
    def _children(pid):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]
