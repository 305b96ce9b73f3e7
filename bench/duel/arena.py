# SPDX-License-Identifier: GPL-2.0-or-later
"""One fight: an attack against a defender, in a world of its own, judged from the wire alone.

The defender is never asked. A witness stands in the server's input hook at priority -20: behind every place where bans drop
(prerouting: -450, -199 for soft ones, -197 for the trap's brake) and before the trap's hesitation (-10) and every filter (0), so that it sees
just what these let through, held back later or not. Rivals ban in the input hook itself, at priorities up to 0: for them it stands at 5, and the filter at 10.
A second witness, before everything (prerouting -600), sees what comes at all; a third, on the attacker's side, from which ports answers arrive.
"""

import json
import os
import re
import subprocess
import sys
import threading
import time

import visitors
import wire
from attacks import DECOYS, SWEPT
from defenders import ALL_TCP, OPEN_TCP, OPEN_UDP, RESTARTING_PORTS, STANDING_PORT, operators_filter, ports
from trap_world import TrapWorld
from world import ATTACKER6, CLIENT4, SERVER4, SERVER4_FOR_CLIENT, SERVER6

_SERVICES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "services.py")
QUIET = 2.0  # a run is over when for so long nothing but dropped packets came
BETWEEN_LOOKS = 0.25
CAPTURE_WITHIN = 2.0
WITHOUT_DEFENDER = 15.0  # seconds at most, where nothing ends a scan
CONNECT_WITHIN = 6.0  # a suspect's connection waits up to three seconds for its second retransmission
AFTER_THE_SCAN = 3.0  # for so long a ban may still come
WITNESS, BEHIND_RIVALS = -20, 5  # priorities of the input hook
FILTER_BEHIND_RIVALS = 10


def _judge_of_server(priority):
    def count(counter):
        return f"""
    iifname "att" tcp dport != {ports(ALL_TCP)} counter name {counter}
    iifname "att" udp dport != {ports(OPEN_UDP)} counter name {counter}
    iifname "att" meta l4proto != {{ tcp, udp, icmp, igmp, ipv6-icmp }} counter name {counter}"""
    return f"""
table inet judge {{
  counter arrived {{ }}
  counter passed {{ }}
  set passed4 {{ type ipv4_addr . inet_proto . inet_service; flags dynamic; size 262144; }}
  set passed6 {{ type ipv6_addr . inet_proto . inet_service; flags dynamic; size 262144; }}
  set protocols4 {{ type ipv4_addr . inet_proto; flags dynamic; size 4096; }}
  chain arriving {{
    type filter hook prerouting priority -600; policy accept;
    ip frag-off & 0x1fff != 0 ip protocol {{ tcp, udp, icmp, igmp }} accept comment "not yet put together: the first one counts"{count("arrived")}
  }}
  chain passing {{
    type filter hook input priority {priority}; policy accept;{count("passed")}
    iif != lo meta l4proto {{ tcp, udp, sctp }} meta nfproto ipv4 update @passed4 {{ ip saddr . meta l4proto . th dport counter }}
    iif != lo meta l4proto {{ tcp, udp, sctp }} meta nfproto ipv6 update @passed6 {{ ip6 saddr . meta l4proto . th dport counter }}
    iif != lo ip protocol != {{ tcp, udp, sctp, icmp, igmp }} update @protocols4 {{ ip saddr . ip protocol counter }}
  }}
}}
"""


_JUDGE_OF_ATTACKER = """
table inet judge {
  set answered { type inet_proto . inet_service; flags dynamic; size 131072; }
  chain arriving {
    type filter hook prerouting priority -600; policy accept;
    iifname "eth0" meta l4proto { tcp, udp } update @answered { meta l4proto . th sport }
  }
}
"""


class Arena(TrapWorld):
    def __init__(self, defender, is_first=False):
        """`is_first`: farewelld runs before everything else."""
        super().__init__("fight")
        self.defender = defender
        self.first = ("chrt", "--fifo", "1") if is_first else ()

    def load_policy(self):
        rival = self.defender.rival
        is_behind = rival is not None and rival.bans_in_input
        if not self.defender.is_queued:
            last, policy = (rival.last_rule, "accept" if rival.accepts_closed else "drop") if rival else ("", "drop")
            self._load(self.server, operators_filter(last, policy, FILTER_BEHIND_RIVALS if is_behind else 0))
        elif self.has_queue(self.server):
            self._load(self.server, operators_filter("queue num 0-3"))
        else:
            self._filter_of_iptables()
        self._load(self.server, self.defender.table)
        self._load(self.server, _judge_of_server(BEHIND_RIVALS if is_behind else WITNESS))
        self._load(self.attacker, _JUDGE_OF_ATTACKER)

    @staticmethod
    def has_queue(namespace):
        rule = "table inet asked {\nchain asked {\ntype filter hook input priority 0\nqueue num 0-3\n}\n}"
        return namespace.run("sh", "-c", 'echo "$0" | nft -c -f -', rule, check=False).returncode == 0

    def _load(self, namespace, text):
        if text:
            namespace.run("sh", "-c", 'echo "$0" | nft -f -', text)

    def _filter_of_iptables(self):
        """The same filter with the NFQUEUE target at its end, for kernels whose nftables has no `queue`."""
        for tool, icmp in (("iptables-nft", "icmp"), ("ip6tables-nft", "ipv6-icmp")):
            served = [("tcp", part) for part in (ALL_TCP[:15], ALL_TCP[15:])] + [("udp", OPEN_UDP)]
            for rule in (["-P", "INPUT", "DROP"], ["-A", "INPUT", "-i", "lo", "-j", "ACCEPT"],
                         ["-A", "INPUT", "-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "ACCEPT"],
                         ["-A", "INPUT", "-p", icmp, "-j", "ACCEPT"],
                         *(["-A", "INPUT", "-p", protocol, "-m", "multiport", "--dports", ",".join(map(str, numbers)), "-j", "ACCEPT"]
                           for protocol, numbers in served),
                         ["-A", "INPUT", "-j", "NFQUEUE", "--queue-balance", "0:3"]):
                self.server.run(tool, "-w", *rule)

    def setUp(self):
        super().setUp()
        self._addresses(self.attacker, "eth0", *(f"{address}/24" for address in (*DECOYS, visitors.GATEWAY, visitors.RESOLVER)),
                        *(f"{address}/128" for address in (*visitors.TWO, *visitors.NEIGHBOURS)))
        # Deprecated, so that nobody who does not ask for one of them uses it.
        self._addresses(self.attacker, "eth0", *(f"{address}/64 preferred_lft 0" for address in visitors.NEXT_DOOR))
        first = SWEPT.split("/", maxsplit=1)[0].rsplit(".", 1)
        self._addresses(self.server, "att", *(f"{first[0]}.{int(first[1]) + number}/24" for number in range(16)))
        self._addresses(self.client, "eth0", *(f"{address}/32" for address in visitors.CROWD))
        self.server.run("ip", "route", "add", "198.19.0.0/16", "via", CLIENT4)
        self.server.run("ip", "route", "add", visitors.FAR, "via", ATTACKER6)
        self.server.run("ip", "route", "add", "default", "via", visitors.GATEWAY)
        self.standing_service = self._service(self.server, "echo", STANDING_PORT)
        self.restarting = self._service(self.server, "serve", *RESTARTING_PORTS)
        self.inside = self.neighbour = None
        if self.defender.settings is not None:
            self._start_farewelld()
        if self.defender.rival is not None:
            self.defender.rival.start(self, visitors.RESOLVER)

    def _addresses(self, namespace, device, *addresses):
        lines = "\n".join(f"addr add dev {device} {address}" + (" nodad" if ":" in address else "") for address in addresses)
        namespace.run("sh", "-c", 'echo "$0" | ip -batch -', lines)

    def _start_farewelld(self):
        path = os.path.join(self.directory, "resolv.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"nameserver {visitors.RESOLVER}\n")
        wrapper = (*self.first, "unshare", "--mount", "--propagation", "private", "sh", "-c",
                   f'mount --bind {path} /etc/resolv.conf && exec "$@"', "sh")
        self.start_daemon(*self.defender.settings, wrapper=wrapper)

    def _service(self, namespace, *words, **options):
        service = namespace.start(sys.executable, _SERVICES, *map(str, words), stdout=subprocess.PIPE, text=True, **options)
        self.addCleanup(service.stdout.close)
        self.addCleanup(service.wait)
        self.addCleanup(service.kill)
        if service.stdout.readline() != "ready\n":
            raise AssertionError(f"services.py {words[0]} did not begin")
        return service

    def _build_nat(self):
        """A scanner and an ordinary client behind the attacker's namespace, which translates both to its own address."""
        self.inside, self.neighbour = self._namespace(), self._namespace()
        self.attacker.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        for number, namespace in ((2, self.inside), (3, self.neighbour)):
            self.attacker.run("ip", "link", "add", f"in{number}", "type", "veth", "peer", "name", "eth0", "netns", str(namespace.pid))
            self.attacker.run("ip", "addr", "add", f"198.18.{number}.1/24", "dev", f"in{number}")
            self.attacker.run("ip", "link", "set", f"in{number}", "up")
            namespace.run("ip", "addr", "add", f"198.18.{number}.2/24", "dev", "eth0")
            namespace.run("ip", "link", "set", "eth0", "up")
            namespace.run("ip", "route", "add", "default", "via", f"198.18.{number}.1")
        self._load(self.attacker, 'table ip nat {\nchain out {\ntype nat hook postrouting priority 100\noifname "eth0" masquerade\n}\n}')

    def fight(self, attack):
        """What came of it, as a row of the results."""
        if attack.place == "inside":
            self._build_nat()
        standing = self._stand(attack)
        capture, path = self._capture()
        if attack.name == "a client of services that restart":
            threading.Thread(target=self._restart_services, daemon=True).start()
        cut_short = self._attack(attack)
        self._stop_capture(capture, path)
        row = self._numbers(attack, path)
        row["cut_short"] = cut_short
        shut_out = self._shut_out_at_last(attack)
        row["banned"] = len(shut_out)
        row["to_ban"] = len(attack.sources)
        row["during"] = row["dropped"] > 0
        row["wrongly"] = self._innocent_shut_out(attack)
        row["standing"] = self._still_stands(standing)
        row["bystander"] = not self._unreachable(self.client, SERVER4_FOR_CLIENT, (CLIENT4,))
        return row

    def _stand(self, attack):
        if not attack.standing:
            return None
        namespace, source = (self.neighbour, "198.18.3.2") if attack.standing == "neighbour" else (self.attacker, attack.standing)
        return self._service(namespace, "stand", source, SERVER4, STANDING_PORT, stdin=subprocess.PIPE)

    @staticmethod
    def _still_stands(standing):
        if standing is None:
            return None
        standing.stdin.write("\n")
        standing.stdin.close()
        return standing.stdout.readline() == "ok\n"

    def _restart_services(self):
        time.sleep(1)
        self.restarting.kill()
        self.restarting.wait()
        time.sleep(3)
        self.restarting = self._service(self.server, "serve", *RESTARTING_PORTS)

    def _capture(self):
        path = os.path.join(self.directory, "wire.pcap")
        capture = self.server.start("tcpdump", "-i", "att", "-Q", "in", "-s", "80", "-B", "16384", "--immediate-mode", "-U", "-Z", "root", "-w", path,
                                    stderr=subprocess.PIPE, text=True)
        self.addCleanup(capture.stderr.close)
        self.addCleanup(capture.wait)
        self.addCleanup(capture.kill)
        if "listening" not in capture.stderr.readline():
            raise AssertionError("tcpdump does not listen")
        return capture, path

    def _stop_capture(self, capture, path):
        """Once it has everything; what it lost shows in `timed`."""
        end = time.monotonic() + CAPTURE_WITHIN
        while len(wire.closed_arrivals(path)) < self._counters()["arrived"] and time.monotonic() < end:
            time.sleep(0.1)
        capture.terminate()
        capture.wait()

    def _attack(self, attack):
        """Runs it to its end, its limit, or until nothing passes any more; whether it was cut short."""
        namespace = {"attacker": self.attacker, "client": self.client, "inside": self.inside}[attack.place]
        command = [word.format(mac=self.server_mac) for word in attack.command]
        with open(os.path.join(self.directory, "attack.log"), "w+", encoding="utf-8") as log:
            process = namespace.start(*command, stdout=log, stderr=log, env=dict(os.environ, SERVER_MAC=self.server_mac))
            try:
                begin = changed = time.monotonic()
                passed, dropped_then = 0, 0
                while process.poll() is None:
                    time.sleep(BETWEEN_LOOKS)
                    now = time.monotonic()
                    counters = self._counters()
                    if counters["passed"] != passed:
                        passed, changed, dropped_then = counters["passed"], now, counters["arrived"] - counters["passed"]
                    dropped = counters["arrived"] - counters["passed"] - dropped_then
                    if dropped > 1 and now - changed > QUIET:
                        return True
                    if now - begin > (WITHOUT_DEFENDER if self.defender.name == "none" else attack.seconds):
                        return True
                if process.returncode != 0 and command[0] == sys.executable:  # scanners have statuses of many meanings; ours fail when they do
                    log.seek(0)
                    raise AssertionError(f"{' '.join(command)} ended with {process.returncode}:\n{log.read()}")
                return False
            finally:
                process.kill()
                process.wait()

    def _counters(self):
        listing = json.loads(self.server.run("nft", "-j", "list", "counters", "table", "inet", "judge").stdout)
        return {entry["counter"]["name"]: entry["counter"]["packets"] for entry in listing["nftables"] if "counter" in entry}

    def _elements(self, namespace, name):
        """The parts of each key, and how many packets it counted."""
        listing = json.loads(namespace.run("nft", "-j", "list", "set", "inet", "judge", name).stdout)
        for entry in listing["nftables"]:
            for element in entry.get("set", {}).get("elem", []):
                inner = element.get("elem", element)
                yield inner.get("val", inner)["concat"], inner.get("counter", {}).get("packets", 0)

    def _numbers(self, attack, path):
        counters = self._counters()
        closed = set()
        for name in ("passed4", "passed6"):
            for (source, protocol, port), _ in self._elements(self.server, name):
                served = {"tcp": ALL_TCP, "udp": OPEN_UDP}.get(protocol, ())
                if port not in served and not source.startswith("198.18.1."):
                    closed.add((protocol, port))
        closed |= {("protocol", protocol) for (_, protocol), _ in self._elements(self.server, "protocols4")}
        protocol, served = ("udp", OPEN_UDP) if attack.of_udp else ("tcp", OPEN_TCP)
        revealed = sorted(port for (spoken, port), _ in self._elements(self.attacker, "answered")
                          if spoken == protocol and port in served and port not in attack.known)
        row = {"revealed": len(revealed), "ports": revealed, "of": len(served), "closed": len(closed), "passed": counters["passed"],
               "dropped": counters["arrived"] - counters["passed"], "seconds": None, "at_least": None}
        times = wire.closed_arrivals(path)
        # With one source, what passed came before the ban, and what came next was the first to be dropped.
        row["timed"] = len(times) == counters["arrived"]
        if row["timed"] and len(attack.sources) == 1 and not attack.innocent and 0 < counters["passed"] < len(times):
            row["seconds"] = times[counters["passed"]] - times[0]
            row["at_least"] = times[counters["passed"] - 1] - times[0]
        return row

    # Who is shut out: whose SYN to port 22 does not get past the bans, and who cannot connect.

    def _shut_out_at_last(self, attack):
        patience = AFTER_THE_SCAN if attack.is_scan else 0
        if self.defender.rival is not None:
            patience = self.defender.rival.afterwards
        end = time.monotonic() + patience
        while True:
            shut_out = [source for source in attack.sources if self._is_shut_out(source)]
            if (attack.sources and len(shut_out) == len(attack.sources)) or time.monotonic() > end:
                return shut_out
            time.sleep(BETWEEN_LOOKS)

    def _is_shut_out(self, source):
        server = SERVER6 if ":" in source else SERVER4
        before = self._syns(source)
        asking = self.attacker.start(sys.executable, _SERVICES, "reach", server, "22", str(CONNECT_WITHIN), source,
                                     stdout=subprocess.PIPE, text=True)
        with asking:
            asking.stdout.readline()  # on a busy machine a program takes its time to begin
            try:
                asking.wait(timeout=1.6)  # the first SYN, and its retransmission after a second
            except subprocess.TimeoutExpired:
                if self._syns(source) == before:
                    asking.kill()
                    return True
            return bool(json.loads(asking.communicate()[0]))

    def _syns(self, source):
        element = "{ " + source + " . tcp . 22 }"
        listing = self.server.run("nft", "get", "element", "inet", "judge", "passed6" if ":" in source else "passed4", element, check=False)
        counted = re.search(r"counter packets (\d+)", listing.stdout)
        return int(counted.group(1)) if counted else 0  # there is no such element yet

    def _innocent_shut_out(self, attack):
        if attack.place == "client":
            return self._unreachable(self.client, SERVER4_FOR_CLIENT, attack.innocent)
        return [source for source in attack.innocent if self._is_shut_out(source)]

    @staticmethod
    def _unreachable(namespace, server, sources):
        answer = namespace.run(sys.executable, _SERVICES, "reach", server, "22", str(CONNECT_WITHIN), *sources).stdout
        return json.loads(answer.splitlines()[-1])
