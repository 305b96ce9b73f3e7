#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The end-to-end tests on Debian's own kernel, with the package's programs. In a throw-away machine:

    tests/vm/run --limit 7200 tests/vm/suite.py [PATTERN…]

PATTERNs choose among the tests by their names, as in bans_e2e.Bypass.*; by default all that a kernel matters to. FAREWELLD and
FAREWELL name other programs than those of the package.
"""

import concurrent.futures
import fnmatch
import glob
import os
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
E2E = os.path.join(HERE, "../e2e")
# No kernel of its own matters to these, or they compile, or ask for programs that no package has.
LEFT_OUT = ("completion_e2e", "examples_e2e", "install_e2e", "replay_e2e", "report_e2e", "scripts_e2e", "unit_file_e2e")
ENVIRONMENT = {"FAREWELL_PATIENCE": "6", "PYTHONDONTWRITEBYTECODE": "1"}
LIMIT = 900
SKIPPED = 77


def names_in(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from names_in(test)
        else:
            yield test.id()


def all_tests():
    modules = [os.path.basename(path)[:-3] for path in sorted(glob.glob(f"{E2E}/*_e2e.py"))]
    modules = [name for name in modules if name not in LEFT_OUT] + ["native_queue"]
    found = []
    for module in modules:
        # A module's tests only, not those of the classes that it imports.
        found += [name for name in names_in(unittest.defaultTestLoader.loadTestsFromName(module)) if name.startswith(module + ".")]
    return found


def programs_of_the_package(directory):
    packages = glob.glob(os.path.join(HERE, "../../build/package/farewell_*.deb"))
    if not packages:
        sys.exit("suite: there is no package: make package")
    subprocess.run(["dpkg", "--extract", packages[0], directory], check=True)
    os.chmod(directory, 0o755)  # farewelld may look into its own folder as the user it becomes
    os.rename(f"{directory}/usr/sbin/farewelld", f"{directory}/usr/bin/farewelld")  # some look for the one beside the other
    programs = {name.upper(): f"{directory}/usr/bin/{name}" for name in ("farewelld", "farewell")}
    return dict(programs, FAREWELL_UNIT=f"{directory}/lib/systemd/system/farewell.service")


def run_one(name, environment):
    began = time.monotonic()
    try:
        done = subprocess.run([sys.executable, f"{E2E}/run_one.py", name], check=False, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT, env=environment)
        status, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        status, output = -1, f"not within {LIMIT} s\n"
    outcome = {0: "ok", SKIPPED: "skipped"}.get(status, "FAILED")
    print(f"{outcome:7} {time.monotonic() - began:6.1f} s  {name}", flush=True)
    if outcome == "FAILED":
        print(output, flush=True)
    return outcome


def main(patterns):
    sys.path[:0] = [E2E, HERE]
    chosen = [name for name in all_tests() if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]
    if not chosen:
        sys.exit("suite: no such test")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as directory, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        environment = dict(os.environ, **ENVIRONMENT, PYTHONPATH=f"{E2E}:{HERE}")
        if "FAREWELLD" not in environment:
            environment.update(programs_of_the_package(directory))
        outcomes = list(pool.map(lambda name: run_one(name, environment), chosen))
    print(f"{os.uname().release}: {outcomes.count('ok')} passed, {outcomes.count('FAILED')} failed, "
          f"{outcomes.count('skipped')} skipped in {time.monotonic() - began:.0f} s")
    return 1 if "FAILED" in outcomes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["*"]))
