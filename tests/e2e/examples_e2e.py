# SPDX-License-Identifier: GPL-2.0-or-later
"""Every example does what its first lines say, with the rule they name, between two namespaces and over both families."""

import os
import signal
import socket
import struct
import subprocess
import time

import world
from packets import ethernet, ip, send_frames, tcp, udp
from world import ATTACKER4, ATTACKER6, SERVER4, SERVER6, WorldTest, wait_until

EXAMPLES = os.path.dirname(world.FAREWELLD)
BOTH = ("iptables-nft", "ip6tables-nft")

_ECHO_ONCE = """
import socket, sys
kind = socket.SOCK_DGRAM if sys.argv[1] == "udp" else socket.SOCK_STREAM
family = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET
with socket.socket(family, kind) as peer:
    peer.settimeout(5)
    peer.connect((sys.argv[2], int(sys.argv[3])))
    peer.sendall(sys.argv[4].encode())
    print(peer.recv(2000).decode())
"""

_ECHO_SERVER = """
import selectors, socket
selector = selectors.DefaultSelector()
listening = socket.create_server(("::", 7000), family=socket.AF_INET6, dualstack_ipv6=True)
datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
datagrams.bind(("::", 7000))
for one in (listening, datagrams):
    selector.register(one, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in selector.select():
        if key.fileobj is datagrams:
            datagrams.sendto(*datagrams.recvfrom(2000))
        else:
            with listening.accept()[0] as connection:
                connection.sendall(connection.recv(2000))
"""


class ExampleTest(WorldTest):
    def load_policy(self):
        """Each test loads its example's rules."""

    def rule(self, *rule, tools=BOTH):
        for tool in tools:
            self.server.run(tool, "-w", *rule)

    def start(self, name, *arguments):
        """The example, running and bound; it must stop cleanly at the end."""
        output = open(os.path.join(self.directory, f"{name}.out"), "w+", encoding="utf-8")
        process = self.server.start(os.path.join(EXAMPLES, name), *arguments, stdout=output, stderr=output)
        self.addCleanup(self._stop, name, process, output)
        files = ("nfnetlink_queue", "nfnetlink_log")

        def bound():
            self.assertIsNone(process.poll(), f"{name} has ended: " + self.printed(output))
            return any(self.server.run("cat", f"/proc/net/netfilter/{file}").stdout for file in files)
        wait_until(bound, f"{name} has bound its queue or group")
        return output

    def _stop(self, name, process, output):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        status = process.wait(timeout=10)
        printed = self.printed(output)
        output.close()
        self.assertEqual(status, 0, f"{name} stops cleanly: {printed}")

    @staticmethod
    def printed(output):
        output.flush()
        with open(output.name, encoding="utf-8") as file:
            return file.read()

    def wait_printed(self, output, text):
        wait_until(lambda: text in self.printed(output), f"`{text}` in `{self.printed(output)}`")

    def start_echo(self):
        echo = self.server.start("python3", "-c", _ECHO_SERVER, stdout=subprocess.PIPE)
        for cleanup in (echo.stdout.close, echo.wait, echo.kill):
            self.addCleanup(cleanup)
        echo.stdout.readline()

    def echoed(self, kind, address, text):
        return self.attacker.run("python3", "-c", _ECHO_ONCE, kind, address, "7000", text, check=False).stdout.strip()

    def send(self, packets):
        frames = [ethernet(self.server_mac, packet) for packet in packets]
        return self.attacker.call(lambda: send_frames(frames))


class HelloQueue(ExampleTest):
    def test_it_prints_lengths_and_lets_pass(self):
        self.rule("-A", "INPUT", "-p", "udp", "--dport", "7000", "-j", "NFQUEUE", "--queue-num", "0")
        self.start_echo()
        output = self.start("hello_queue")
        self.assertEqual(self.echoed("udp", SERVER4, "hello"), "hello")
        self.wait_printed(output, "packet 1: 33 bytes\n")
        self.assertEqual(self.echoed("udp", SERVER6, "hello"), "hello")
        self.wait_printed(output, "packet 2: 53 bytes\n")

    def test_it_says_who_has_the_queue(self):
        self.start("hello_queue")
        second = self.server.run(os.path.join(EXAMPLES, "hello_queue"), check=False)
        self.assertEqual(second.returncode, 1)
        self.assertIn("taken by process", second.stdout)


class PortAcceptList(ExampleTest):
    def setUp(self):
        super().setUp()
        self.rule("-A", "INPUT", "-m", "conntrack", "--ctstate", "ESTABLISHED", "-j", "ACCEPT")
        for protocol in ("tcp", "udp"):
            self.rule("-A", "INPUT", "-m", "conntrack", "--ctstate", "NEW", "-p", protocol,
                      "-j", "NFQUEUE", "--queue-num", "1")

    def test_only_listed_ports_are_reached(self):
        self.start_echo()
        self.start("port_accept_list", "80", "7000")
        for address in (SERVER4, SERVER6):
            self.assertTrue(self.can_connect(self.attacker, address, 80, 5.0), address)
            self.assertEqual(self.echoed("tcp", address, "in"), "in")
            self.assertEqual(self.echoed("udp", address, "in"), "in")
            self.assertFalse(self.can_connect(self.attacker, address, 22), "22 is served, and not on the list")

    def test_malformed_packets_are_dropped_and_do_not_disturb(self):
        self.rule("-I", "INPUT", "-p", "tcp", "-j", "NFQUEUE", "--queue-num", "1")
        self.start("port_accept_list", "80")
        self.send([ip(ATTACKER4, SERVER4, 6, bytes(size)) for size in range(0, 20)])
        self.send([ip(ATTACKER6, SERVER6, 60, bytes([60, 255, 0, 0, 0, 0, 0, 0]))])
        self.assertTrue(self.can_connect(self.attacker, SERVER4, 80, 5.0))
        self.assertTrue(self.can_connect(self.attacker, SERVER6, 80, 5.0))

    def test_it_wants_ports(self):
        for wrong in ([], ["0"], ["http"], ["65536"]):
            result = self.server.run(os.path.join(EXAMPLES, "port_accept_list"), *wrong, check=False)
            self.assertEqual(result.returncode, 2)
            self.assertIn("usage", result.stdout)


class DnsLogger(ExampleTest):
    def setUp(self):
        super().setUp()
        self.rule("-A", "INPUT", "-p", "udp", "--dport", "53", "-j", "NFLOG", "--nflog-group", "5")
        self.output = self.start("dns_logger")

    def ask(self, address, query):
        def send():
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as client:
                client.sendto(query, (address, 53))
        self.attacker.call(send)

    @staticmethod
    def query(name, kind, flags=0x0100):
        labels = b"".join(bytes([len(label)]) + label for label in name.split(b".") if label)
        return struct.pack("!6H", 7, flags, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", kind, 1)

    def test_names_are_printed(self):
        self.ask(SERVER4, self.query(b"www.example.org", 1))
        self.wait_printed(self.output, f"{ATTACKER4} asks for www.example.org. TYPE1\n")
        self.ask(SERVER6, self.query(b"example.net", 28))
        self.wait_printed(self.output, f"{ATTACKER6} asks for example.net. TYPE28\n")

    def test_what_is_no_query_is_not_printed(self):
        good = self.query(b"last.example.org", 1)
        self.ask(SERVER4, self.query(b"answer.example.org", 1, flags=0x8180))
        for length in range(len(good)):
            self.ask(SERVER4, good[:length])
        self.ask(SERVER4, good[:12] + b"\xc0\x0c" + bytes(200))
        self.ask(SERVER4, good[:12] + b"\x3f" + b"a" * 63 * 5)
        self.ask(SERVER4, self.query(b"es\x1b[2Jcape", 1))
        self.ask(SERVER4, good)
        self.wait_printed(self.output, "last.example.org. TYPE1\n")
        self.assertEqual(self.printed(self.output), f"{ATTACKER4} asks for es??2Jcape. TYPE1\n"
                                                    f"{ATTACKER4} asks for last.example.org. TYPE1\n")


class PayloadRewriter(ExampleTest):
    def setUp(self):
        super().setUp()
        for protocol in ("udp", "tcp"):
            self.rule("-A", "INPUT", "-p", protocol, "--dport", "7000", "-j", "NFQUEUE", "--queue-num", "2")
        self.start_echo()
        self.start("payload_rewriter", "blue", "pink")

    def test_the_peer_gets_the_other_word(self):
        # The socket's own check of the checksum is the test of it: both ends compute them in software.
        for kind in ("udp", "tcp"):
            for address in (SERVER4, SERVER6):
                self.assertEqual(self.echoed(kind, address, "the blue sky"), "the pink sky")
                self.assertEqual(self.echoed(kind, address, "a blue odd one."), "a pink odd one.")
                self.assertEqual(self.echoed(kind, address, "a red sky"), "a red sky")

    def test_a_wrong_checksum_stays_wrong_and_none_stays_none(self):
        before = self.udp_counters()
        for checksum in (0x1234, 0):
            self.send([ip(ATTACKER4, SERVER4, 17, struct.pack("!4H", 5000, 7000, 12, checksum) + b"blue")])
        self.assertEqual(self.echoed("udp", SERVER4, "blue"), "pink")
        after = self.udp_counters()
        self.assertEqual(after["InCsumErrors"] - before["InCsumErrors"], 1)
        self.assertEqual(after["InDatagrams"] - before["InDatagrams"], 2)

    def test_malformed_packets_pass_as_they_are(self):
        for protocol in (6, 17):
            for length in range(0, 20):
                header = bytes([0x1B, 0x58, 0x1B, 0x58, *range(4, 20)])
                self.send([ip(ATTACKER4, SERVER4, protocol, header[:length]), ip(ATTACKER6, SERVER6, protocol, header[:length])])
        for wrong_length in (0, 7, 11, 13, 0xFFFF):
            self.send([ip(ATTACKER4, SERVER4, 17, struct.pack("!4H", 5000, 7000, wrong_length, 0) + b"blue")])
        self.assertEqual(self.echoed("udp", SERVER4, "blue"), "pink")

    def udp_counters(self):
        names, values = (line.split() for line in self.server.run("cat", "/proc/net/snmp").stdout.splitlines()
                         if line.startswith("Udp:"))
        return dict(zip(names[1:], map(int, values[1:])))


class PortKnocking(ExampleTest):
    def setUp(self):
        super().setUp()
        self.rule("-A", "INPUT", "-p", "tcp", "--syn", "-j", "NFQUEUE", "--queue-num", "3")
        self.start("port_knocking", "22", "7001", "8002", "9003")

    def knock(self, source, target, *ports):
        self.send([tcp(source, target, port) for port in ports])

    def test_only_the_right_sequence_opens_the_port_and_only_to_who_knocked(self):
        for source, target in ((ATTACKER4, SERVER4), (ATTACKER6, SERVER6)):
            def is_open():
                return self.can_connect(self.attacker, target, 22)
            self.assertFalse(is_open(), "nobody has knocked")
            for wrong in ((8002, 7001, 9003), (7001, 8002), (7001, 7500, 8002, 9003), (9003,)):
                self.knock(source, target, *wrong)
                self.assertFalse(is_open(), f"{wrong} is not the sequence")
            self.knock(source, target, 8002, 7001, 7001, 8002, 9003)
            self.assertTrue(is_open(), "a wrong start and a knock sent again do not spoil the right sequence")
            self.assertFalse(self.can_connect(self.attacker, target, 80), "another port than the one to open")
        self.assertFalse(self.can_connect(self.client, world.SERVER4_FOR_CLIENT, 22), "another source")

    def test_malformed_packets_do_not_disturb(self):
        self.rule("-I", "INPUT", "-p", "tcp", "-j", "NFQUEUE", "--queue-num", "3")
        self.send([ip(ATTACKER4, SERVER4, 6, bytes(length)) for length in range(0, 20)])
        self.send([ip(ATTACKER6, SERVER6, 6, bytes(length)) for length in range(0, 20)])
        self.rule("-D", "INPUT", "-p", "tcp", "-j", "NFQUEUE", "--queue-num", "3")
        self.knock(ATTACKER4, SERVER4, 7001, 8002, 9003)
        self.assertTrue(self.can_connect(self.attacker, SERVER4, 22, 5.0))


class RateLimiter(ExampleTest):
    RATE = 10

    def setUp(self):
        super().setUp()
        self.rule("-t", "mangle", "-A", "PREROUTING", "-p", "udp", "-j", "NFQUEUE", "--queue-num", "4")
        self.rule("-A", "INPUT", "-p", "udp", "-m", "mark", "--mark", "1", "-j", "DROP")
        self.rule("-A", "INPUT", "-p", "udp", "-j", "ACCEPT")
        self.start("rate_limiter", str(self.RATE))

    def counted(self, tool):
        """Packets with the mark, and without."""
        lines = self.server.run(tool, "-w", "-vnxL", "INPUT").stdout.splitlines()
        return [int(line.split()[0]) for line in lines if line.split()[2:3] in (["DROP"], ["ACCEPT"])]

    def test_what_is_beyond_the_rate_is_marked(self):
        for tool, source, target in ((BOTH[0], ATTACKER4, SERVER4), (BOTH[1], ATTACKER6, SERVER6)):
            begin = time.monotonic()
            self.send([udp(source, target, 7000) for _ in range(50)])
            wait_until(lambda: sum(self.counted(tool)) == 50, f"50 packets counted: {self.counted(tool)}")
            earned = (time.monotonic() - begin) * self.RATE
            marked, unmarked = self.counted(tool)
            self.assertGreaterEqual(unmarked, self.RATE)
            self.assertLessEqual(unmarked, self.RATE + earned + 1)
            self.assertEqual(marked, 50 - unmarked)

    def test_each_source_has_its_own_rate(self):
        self.send([udp(ATTACKER4, SERVER4, 7000) for _ in range(30)])
        wait_until(lambda: sum(self.counted(BOTH[0])) == 30, "the first source's packets counted")
        before = self.counted(BOTH[0])
        self.send([udp("198.18.0.77", SERVER4, 7000) for _ in range(self.RATE)])
        wait_until(lambda: sum(self.counted(BOTH[0])) == 30 + self.RATE, "the second's, too")
        self.assertEqual(self.counted(BOTH[0]), [before[0], before[1] + self.RATE])
