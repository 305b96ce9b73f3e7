# SPDX-License-Identifier: GPL-2.0-or-later
"""A sender's network namespace and a server's with one defender in it; removed on every way out."""

import json
import os
import shutil
import subprocess
import tempfile
import time

import world

TIMEOUT = 120.0
_TICKS = os.sysconf("SC_CLK_TCK")

# Behind every place where bans drop (prerouting: -450, -199), and before trap and filter: what the bans let through of each scanner.
_PASSED = """
table ip judge {
  set passed { type ipv4_addr; size 65535; flags dynamic; }
  chain input { type filter hook input priority -20; ip saddr 198.19.192.0/18 update @passed { ip saddr counter }; }
}
"""


class Arena:
    def __init__(self, defender, programs, settings=()):
        """`programs`: where bench_generator and bench_rival are; `settings`: more of farewelld's."""
        self.defender, self._programs = defender, programs
        self._closing = []
        self.directory = tempfile.mkdtemp(prefix="farewell-bench-")
        os.chmod(self.directory, 0o755)
        self.daemon = self._process = None
        try:
            self._build()
            self._start(settings)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _own(self, thing):
        self._closing.append(thing)
        return thing

    def _build(self):
        self.server, self._sender = self._own(world.Namespace()), self._own(world.Namespace())
        self.server.run("ip", "link", "add", "wire", "type", "veth", "peer", "name", "eth0", "netns", str(self._sender.pid))
        for namespace, device, last in ((self.server, "wire", 2), (self._sender, "eth0", 1)):
            namespace.run("ip", "addr", "add", f"198.18.0.{last}/15", "dev", device)
            namespace.run("ip", "addr", "add", f"2001:db8::{last}/32", "dev", device, "nodad")
            namespace.run("ip", "link", "set", device, "up")
        self._mac = json.loads(self.server.run("ip", "-j", "link", "show", "dev", "wire").stdout)[0]["address"]
        for tool in ("iptables-nft", "ip6tables-nft"):
            for rule in (["-P", "INPUT", "DROP"], ["-A", "INPUT", "-i", "lo", "-j", "ACCEPT"],
                         ["-A", "INPUT", "-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "ACCEPT"],
                         *([["-A", "INPUT", "-j", *self.defender.target]] if self.defender.target else [])):
                self.server.run(tool, "-w", *rule)
        self._load(self.defender.ruleset)

    def _start(self, settings):
        if self.defender.settings is not None:
            words = [word for setting in (*self.defender.settings, *settings) for word in ("--set", setting)]
            self.daemon = self._own(world.Daemon(self.server, self.directory, words)).wait_ready()
            self._process = self.daemon.process
        elif self.defender.rival:
            self._process = self.server.start(os.path.join(self._programs, "bench_rival"), *self.defender.rival,
                                              stdout=subprocess.PIPE, text=True, env=_without_leak_check())
            self._closing.append(_Ending(self._process))
            if self._process.stdout.readline().strip() != "ready":
                raise AssertionError("bench_rival did not start")

    def _load(self, text):
        if text:
            self.server.run("sh", "-c", 'echo "$0" | nft -f -', text)

    def generate(self, *words):
        environment = dict(_without_leak_check(), SERVER_NETNS=f"/proc/{self.server.pid}/ns/net", SERVER_MAC=self._mac)
        process = self._sender.start(os.path.join(self._programs, "bench_generator"), *map(str, words), stdout=subprocess.PIPE, text=True,
                                     env=environment)
        with _Ending(process):
            output, _ = process.communicate(timeout=TIMEOUT)
        if process.returncode != 0:
            raise AssertionError(f"bench_generator {' '.join(map(str, words))} failed")
        return json.loads(output)

    # The defender's process.

    def cpu(self):
        """Seconds of processor, its children's among them."""
        if self._process is None:
            return 0.0
        with open(f"/proc/{self._process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS

    def rss(self):
        """Bytes; None where nothing runs."""
        if self._process is None:
            return None
        with open(f"/proc/{self._process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS:"))

    # What became of the packets.

    def settle(self, limit=20.0):
        """Waits until nothing waits in the kernel's queues and the defender has nothing left to do."""
        end = time.monotonic() + limit
        before = None
        while time.monotonic() < end:
            now = (self._kernel(), round(self.cpu(), 2))
            if now == before and now[0]["waiting"] == 0:
                return
            before = now
            time.sleep(0.1)

    def _kernel(self):
        def read():
            try:
                with open("/proc/self/net/netfilter/nfnetlink_queue", encoding="ascii") as file:
                    rows = [[int(field) for field in line.split()] for line in file]
            except FileNotFoundError:  # nobody has used it
                rows = []
            return {"waiting": sum(row[2] for row in rows), "lost": sum(row[5] + row[6] for row in rows)}
        return self.server.call(read)

    def losses(self):
        """Packets that the defender should have seen and did not, and those of them that it received and had no time for.
        nftables alone sees all."""
        kernel = self._kernel()["lost"]
        if self.daemon is None:
            return {"lost": kernel, "lost_inside": 0}
        status = self.daemon.status()
        inputs = status.get("queues", []) + status.get("groups", [])
        told = sum(one["lost_in_socket"] + one.get("lost_in_queue", 0) for one in inputs)
        if "queues" in status and told != kernel:
            raise AssertionError(f"farewelld says that {told} packets were lost, the kernel {kernel}")
        inside = status["packets"]["probes_lost"]
        return {"lost": told + inside, "lost_inside": inside}

    def start_judging(self):
        self._load(_PASSED)

    def passed(self):
        """How many probes of each scanner the bans let through."""
        listing = json.loads(self.server.run("nft", "-j", "list", "set", "ip", "judge", "passed").stdout)
        elements = next(entry["set"].get("elem", []) for entry in listing["nftables"] if "set" in entry)
        return {element["elem"]["val"]: element["elem"]["counter"]["packets"] for element in elements}

    def bans_by_themselves(self):
        """How many bans a ruleset has made."""
        listing = json.loads(self.server.run("nft", "-j", "list", "set", "inet", "alone", "out4").stdout)
        return len(next(entry["set"].get("elem", []) for entry in listing["nftables"] if "set" in entry))

    def close(self):
        for thing in reversed(self._closing):
            thing.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class _Ending:
    """A process that does not outlive this."""

    def __init__(self, process):
        self._process = process

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def _without_leak_check():
    return dict(os.environ, ASAN_OPTIONS="detect_leaks=0")  # they are killed
