# SPDX-License-Identifier: GPL-2.0-or-later
"""Other programs that ban scanners, each set up as its own documentation has it, and given what it needs to be at its best here.

They are wanted as Debian packages them; one that is not installed is left out. What none of them has to do with: the network they are in has
nobody to ask for names or owners of addresses, and nobody to send mail to. Which is why such look-ups are switched off.
"""

import glob
import os
import re
import shutil
import subprocess

from enclosure import Enclosure
from world import wait_until

READY_WITHIN = 60.0
LOG = "/var/log/firewall.log"
_GROUP = 5


class Rival:
    needs = {}  # its programs, and Debian's packages of them
    own = ()  # what it changes, besides /etc, /run and /var/log
    afterwards = 3.0  # for so many seconds after a visit a ban of its may still come
    bans_in_input = True  # at priority 0 of the input hook or before, and no earlier
    last_rule = ""  # of the operator's filter
    accepts_closed = False  # the filter lets everything in, and closed ports refuse

    def missing(self):
        """What it would take to have it; empty if it is here."""
        packages = [package for program, package in self.needs.items() if shutil.which(program) is None]
        return f"apt-get install --no-install-recommends {' '.join(packages)}" if packages else ""

    def version(self):
        package = next(iter(self.needs.values()))
        answer = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], check=False, text=True, capture_output=True)
        return answer.stdout

    def start(self, arena, resolver):
        """Returns when it is ready to ban."""
        enclosure = Enclosure(arena.server, os.path.join(arena.directory, "enclosure"), self.own)
        arena.addCleanup(enclosure.close)
        enclosure.write("/etc/resolv.conf", f"nameserver {resolver}\n")
        self.set_up(enclosure, arena.server)

    def set_up(self, enclosure, namespace):
        raise NotImplementedError

    @staticmethod
    def wait(enclosure, ready, program):
        def is_ready():
            if enclosure.first_ended() is not None:
                raise AssertionError(f"{program} ended with {enclosure.first_ended()}")
            return ready()
        try:
            wait_until(is_ready, f"{program} is ready", READY_WITHIN)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{enclosure.output(program)}") from error


class LogReader(Rival):
    """It reads the firewall's log. The kernel logs for the machine's first network namespace alone: ulogd writes the same lines for this one."""
    needs = {"ulogd": "ulogd2"}
    last_rule = f'log prefix "kernel: DROP" group {_GROUP} queue-threshold 1'

    def start_log(self, enclosure, namespace):
        plugins = "\n".join(f'plugin="{path}"' for name in ("inppkt_NFLOG", "raw2packet_BASE", "filter_IFINDEX", "filter_IP2STR", "filter_HWHDR",
                                                            "filter_PRINTPKT", "output_LOGEMU")
                            for path in glob.glob(f"/usr/lib/*/ulogd/ulogd_{name}.so"))
        enclosure.write("/etc/ulogd.conf", f"""[global]
logfile="stdout"
{plugins}
stack=in:NFLOG,base:BASE,index:IFINDEX,address:IP2STR,ethernet:HWHDR,print:PRINTPKT,out:LOGEMU
[in]
group={_GROUP}
[out]
file="{LOG}"
sync=1
""")
        enclosure.write(LOG, "")
        enclosure.start("ulogd", "--configfile", "/etc/ulogd.conf")
        groups = re.compile(rf"^\s*{_GROUP}\s", re.MULTILINE)
        self.wait(enclosure, lambda: groups.search(namespace.run("cat", "/proc/net/netfilter/nfnetlink_log").stdout), "ulogd")


class Psad(LogReader):
    needs = {"psad": "psad", **LogReader.needs}
    own = ("/var/lib/psad",)

    def __init__(self, level, interval):
        """Blocks from this danger level on, and reads the log every so many seconds."""
        self._settings = {
            "ENABLE_AUTO_IDS": "Y", "AUTO_IDS_DANGER_LEVEL": level, "CHECK_INTERVAL": interval, "IPT_SYSLOG_FILE": LOG, "HOSTNAME": "server",
            "AUTO_DETECT_JOURNALCTL": "N", "ALERTING_METHODS": "noemail", "ENABLE_WHOIS_LOOKUPS": "N", "ENABLE_DNS_LOOKUPS": "N",
            "ENABLE_FW_LOGGING_CHECK": "N",  # it looks for a rule of iptables that logs
            "ENABLE_OVERRIDE_FW_CMD": "Y", "FW_CMD": "/sbin/iptables"}  # where firewall-cmd is installed it takes that, running or not
        self.afterwards = 2.0 * interval + 2

    def set_up(self, enclosure, namespace):
        text = enclosure.read("/etc/psad/psad.conf")
        for name, value in self._settings.items():
            text = re.sub(rf"^{name}\s.*", f"{name} {value};", text, flags=re.MULTILINE)
        enclosure.write("/etc/psad/psad.conf", text)
        for path in ("/run/psad", "/var/log/psad"):
            os.makedirs(enclosure.path(path))
        self.start_log(enclosure, namespace)
        enclosure.start("psad", "--no-daemon")
        self.wait(enclosure, lambda: os.path.exists(enclosure.path("/run/psad/auto_ipt.sock")), "psad")  # made once the log is open


class Fail2ban(LogReader):
    """A jail that counts lines of the firewall's log."""
    needs = {"fail2ban-server": "fail2ban", **LogReader.needs}
    own = ("/var/lib/fail2ban",)

    def set_up(self, enclosure, namespace):
        enclosure.write("/etc/fail2ban/filter.d/scan.conf", "[Definition]\nfailregex = kernel: DROP .*\\bSRC=<HOST>\\s\n")
        for path in glob.glob(enclosure.path("/etc/fail2ban/jail.d/*")):
            os.remove(path)  # Debian's counts failed logins, by a log that is not there
        enclosure.write("/etc/fail2ban/jail.d/scan.conf", f"""[scan]
enabled = true
logpath = {LOG}
maxretry = 10
findtime = 10m
bantime = 12h
banaction = nftables-allports
""")
        os.makedirs(enclosure.path("/run/fail2ban"))
        self.start_log(enclosure, namespace)
        enclosure.start("fail2ban-server", "-f", "start")
        self.wait(enclosure, lambda: "Jail 'scan' started" in enclosure.read("/var/log/fail2ban.log"), "fail2ban-server")


class Crowdsec(LogReader):
    """Its scenario of scans, as Debian ships it, and its bouncer, which asks for news every ten seconds."""
    needs = {"crowdsec": "crowdsec", "crowdsec-firewall-bouncer": "crowdsec-firewall-bouncer", **LogReader.needs}
    own = ("/var/lib/crowdsec",)
    afterwards = 15.0

    _HUB = "/usr/share/crowdsec/hub"
    _LOCAL_API = "127.0.0.1:18080"  # the server has a service of its own at 8080
    _KEY = "key-of-the-bouncer"

    def set_up(self, enclosure, namespace):
        for path in glob.glob(enclosure.path("/var/lib/crowdsec/data/crowdsec.db*")):
            os.remove(path)
        self._configure(enclosure)
        self.start_log(enclosure, namespace)
        enclosure.run("cscli", "machines", "add", "server", "--password", "of-the-server", "--force",
                      "--file", "/etc/crowdsec/local_api_credentials.yaml")
        enclosure.run("cscli", "bouncers", "add", "bouncer", "--key", self._KEY)
        enclosure.start("crowdsec", "-c", "/etc/crowdsec/config.yaml")
        self.wait(enclosure, lambda: "Starting processing data" in enclosure.output("crowdsec"), "crowdsec")
        enclosure.start("crowdsec-firewall-bouncer", "-c", "/etc/crowdsec/bouncers/crowdsec-firewall-bouncer.yaml")
        self.wait(enclosure, lambda: "Processing new and deleted decisions" in enclosure.output("crowdsec-firewall-bouncer"),
                  "crowdsec-firewall-bouncer")

    def _configure(self, enclosure):
        text = enclosure.read("/etc/crowdsec/config.yaml")
        text = re.sub(r"^ *online_client:.*\n.*credentials_path:.*\n", "", text, flags=re.MULTILINE)  # nobody shares decisions with it
        enclosure.write("/etc/crowdsec/config.yaml", text.replace("127.0.0.1:8080", self._LOCAL_API)
                        .replace("daemonize: true", "daemonize: false").replace("log_media: file", "log_media: stdout"))
        enclosure.write("/etc/crowdsec/acquis.yaml", f"filenames:\n - {LOG}\nlabels:\n  type: syslog\n")
        for item in ("parsers/s01-parse/crowdsecurity/iptables-logs.yaml", "scenarios/crowdsecurity/iptables-scan-multi_ports.yaml"):
            enabled = enclosure.path("/etc/crowdsec/" + item.replace("crowdsecurity/", ""))
            if not os.path.lexists(enabled):
                os.makedirs(os.path.dirname(enabled), exist_ok=True)
                os.symlink(f"{self._HUB}/{item}", enabled)
        bouncer = "/etc/crowdsec/bouncers/crowdsec-firewall-bouncer.yaml"
        text = enclosure.read(bouncer).replace("127.0.0.1:8080", self._LOCAL_API)
        enclosure.write(bouncer, text.replace("${BACKEND}", "nftables").replace("${API_KEY}", self._KEY)
                        .replace("daemonize: true", "daemonize: false").replace("log_mode: file", "log_mode: stdout"))
        if os.path.exists(enclosure.path(bouncer + ".local")):
            os.remove(enclosure.path(bouncer + ".local"))  # the key of the machine's own


class Portsentry(Rival):
    """In its stealth mode, TCP and UDP, with the rule of iptables that its configuration proposes.

    Its raw sockets are behind the input hook: what a filter drops it never sees. So its filter accepts everything."""
    needs = {"portsentry": "portsentry"}
    own = ("/var/lib/portsentry",)
    accepts_closed = True

    def set_up(self, enclosure, namespace):
        text = enclosure.read("/etc/portsentry/portsentry.conf")
        for name, value in {"BLOCK_TCP": "1", "BLOCK_UDP": "1", "KILL_ROUTE": "/sbin/iptables -I INPUT -s $TARGET$ -j DROP"}.items():
            text = re.sub(rf"^{name}=.*", f'{name}="{value}"', text, flags=re.MULTILINE)
        enclosure.write("/etc/portsentry/portsentry.conf", text)
        enclosure.write("/etc/portsentry/portsentry.ignore", "127.0.0.1/32\n0.0.0.0\n")
        enclosure.start("sh", "-c", "portsentry -atcp && portsentry -audp && exec sleep infinity")
        self.wait(enclosure, lambda: {"0006", "0011"} <= set(re.findall(r":([0-9A-F]{4}) ", namespace.run("cat", "/proc/net/raw").stdout)), "sh")


class NmapFarewell(Rival):
    """The program of the article, which nobody packages: it has to be built, and its path told."""
    bans_in_input = False

    def __init__(self, path):
        self._path = path

    def missing(self):
        if not self._path:
            return "built from its source, with --nmap-farewell PATH"
        return "" if os.access(self._path, os.X_OK) else f"there is no program {self._path}"

    def version(self):
        return ""

    def set_up(self, enclosure, namespace):
        program = "/run/nmap-farewell"  # a copy: it may be where nobody in there sees it
        shutil.copy(self._path, enclosure.path(program))
        enclosure.start(program)
        self.wait(enclosure, lambda: len(namespace.run("cat", "/proc/net/netfilter/nfnetlink_queue").stdout.splitlines()) == 4, program)
