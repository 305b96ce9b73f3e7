# SPDX-License-Identifier: GPL-2.0-or-later
"""unit_sandbox.py UNIT COMMAND…: runs the command behind the SystemCallFilter= of a unit, as systemd would put it up."""

import ctypes
import os
import subprocess
import sys

_ALLOW, _ERRNO_EPERM = 0x7FFF0000, 0x00050001
# systemd allows these whatever the list says (systemd.exec(5)).
_IMPLICIT = ["@default", "execve", "exit", "exit_group", "getrlimit", "rt_sigreturn", "sigreturn"]


def expanded(name):
    """The calls of a set like "@io-event", by systemd's own list."""
    if not name.startswith("@"):
        return {name}
    lines = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", name], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.splitlines()
    members = (line.strip() for line in lines[1:])
    return set().union(*(expanded(member) for member in members if member and not member.startswith("#")))


def allowed(unit):
    names = list(_IMPLICIT)
    with open(unit, encoding="utf-8") as file:
        for line in file:
            if line.startswith("SystemCallFilter="):
                names += line.split("=", 1)[1].split()
    return set().union(*(expanded(name) for name in names))


def restrict(names):
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    seccomp_rule_add, seccomp_load = seccomp.seccomp_rule_add, seccomp.seccomp_load
    seccomp_rule_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint]
    seccomp_load.argtypes = [ctypes.c_void_p]
    rules = seccomp.seccomp_init(_ERRNO_EPERM)
    for name in names:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0 and seccomp_rule_add(rules, _ALLOW, number, 0) != 0:
            raise OSError(f"seccomp_rule_add {name}")
    if seccomp_load(rules) != 0:
        raise OSError("seccomp_load")


if __name__ == "__main__":
    restrict(allowed(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])
