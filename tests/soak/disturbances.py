# SPDX-License-Identifier: GPL-2.0-or-later
"""What happens to a server: people and programs alter the ruleset, the operator reloads, orders and restarts, clients come and are killed.

Each takes the stage, does its work, and returns; whoever calls it waits until everything is as it should be again."""

import ipaddress
import signal
import socket
import time

from scene import SETUPS
from world import TABLE


# The ruleset, by others.

def flush_ruleset(stage):
    """And then the operator's own rules come back, as when the nftables service restarts."""
    stage.alter("flush ruleset")
    stage.scene.load_policy()


def delete_table(stage):
    stage.alter(f"delete table inet {TABLE}")


def remove_elements(stage):
    idle = _single(stage.ledger.idle_bans(time.monotonic()))
    chosen = stage.draw.sample(idle, min(len(idle), 10))
    names = {network: f"{'soft' if stage.ledger.bans[network].soft else 'banned'}{network.version}" for network in chosen}
    stage.alter(*(f"delete element inet {TABLE} {names[network]} {{ {network.network_address} }}" for network in chosen))


def flush_set(stage):
    stage.alter(f"flush set inet {TABLE} {stage.draw.choice(('soft4', 'soft6', 'banned4'))}")


def let_everybody_pass(stage):
    stage.alter(f"insert rule inet {TABLE} prerouting accept")


def _single(networks):
    return [network for network in networks if network.prefixlen == network.max_prefixlen]


def reload_firewall(stage):
    """As one transaction, as programs do."""
    stage.scene.load_policy()


# The operator's configuration.

def _reload(stage, outcome):
    before = stage.scene.daemon.log().count(outcome)
    stage.scene.daemon.process.send_signal(signal.SIGHUP)
    stage.wait(lambda: stage.scene.daemon.log().count(outcome) > before, f"SIGHUP: {outcome}")


def reload_changed(stage):
    stage.reconfigure()
    _reload(stage, "configuration reloaded")


def reload_mistaken(stage):
    threshold = stage.scene.values["threshold"]
    stage.scene.configure(threshold='"many"')
    _reload(stage, "the running one stays in force")
    stage.scene.configure(threshold=threshold)


# Orders.

def ban_by_hand(stage):
    """An address, or a network, for some minutes."""
    number = stage.draw.randrange(256)
    text = stage.draw.choice((f"198.18.{40 + number % 20}.{number}", f"198.18.{100 + number % 20}.0/24", f"2001:db8:f{number:x}::/48",
                              f"2001:db8:e{number:x}::7"))
    network = ipaddress.ip_network(text)
    if any(network.version == other.version and network.overlaps(other) for other in stage.ledger.bans):
        return
    seconds = stage.draw.randrange(30, 200)
    stage.ledger.ban_by_hand(network, seconds)
    stage.order("bans", "add", text, "--for", f"{seconds}s", "--reason", "by hand")


def unban_by_hand(stage):
    idle = stage.ledger.idle_bans(time.monotonic())
    for network in stage.draw.sample(idle, min(len(idle), 2)):
        stage.order("bans", "remove", str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network))
        stage.ledger.lift(network, time.monotonic())


def allow_by_hand(stage):
    """Somebody who is banned is put on the allowlist, which lets him in, and taken off again."""
    idle = _single(stage.ledger.idle_bans(time.monotonic()))
    if not idle:
        return
    network = stage.draw.choice(idle)
    stage.order("allow", "add", str(network.network_address))
    for covering in [other for other in stage.ledger.bans if other.version == network.version and other.overlaps(network)]:
        stage.ledger.lift(covering, time.monotonic())
    stage.order("allow", "remove", str(network.network_address))


# Clients of the control socket.

def follow_and_die(stage):
    """Some follow, and are killed while they do."""
    followers = [stage.client(*words) for words in (("events", "--follow", "--json"), ("watch", "--json"), ("events", "--follow", "--max", "1000"))]
    stage.wait_seconds(stage.draw.uniform(0.2, 3.0))
    for follower in followers:
        follower.kill()
        follower.wait()


def ask_often(stage):
    asking = [stage.client(*words) for words in (("status",), ("metrics",), ("bans", "list"), ("sources", "top"), ("allow", "list"), ("events",)) * 3]
    stage.wait(lambda: all(client.poll() is not None for client in asking), "all are answered")


def half_a_question(stage):
    """Clients that hang up in the middle of a word, and one that says nonsense."""
    path = stage.scene.daemon.socket
    for text in (b"", b'{"method": "io.farewell.Stat', b"\xff\x00\x00{}\x00", b'{"method": "io.farewell.Events", "more": true}\0'):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as one:
            one.connect(path)
            one.sendall(text)


# The machine.

def pause(stage):
    """farewelld does not come to run for two seconds."""
    process = stage.scene.daemon.process
    process.send_signal(signal.SIGSTOP)
    try:
        stage.wait_seconds(2.0)
    finally:
        process.send_signal(signal.SIGCONT)


def restart_services(stage):
    """Programs of the server, which have nothing to do with farewelld."""
    stage.clients.service_goes()
    stage.wait_seconds(stage.draw.uniform(0.5, 3.0))
    stage.clients.service_is_back()


# farewelld itself.

def terminate(stage):
    stage.end_life(signal.SIGTERM, 0)
    stage.begin_life()


def kill(stage):
    stage.end_life(signal.SIGKILL, -signal.SIGKILL)
    stage.begin_life()


def change_over(stage):
    """The operator changes over to the other set-up."""
    stage.end_life(signal.SIGTERM, 0)
    stage.scene.move_to(next(setup for setup in SETUPS if setup != stage.scene.setup))
    stage.begin_life()


ON_RULESET = (flush_ruleset, delete_table, remove_elements, flush_set, let_everybody_pass)
HARMLESS = (reload_firewall, reload_changed, reload_mistaken, ban_by_hand, unban_by_hand, allow_by_hand, follow_and_die, ask_often,
            half_a_question, pause, restart_services)
LENGTHY = (follow_and_die, pause, restart_services)  # by what they wait for
RESTARTS = (terminate, kill)
BLIND = (*ON_RULESET, reload_firewall, pause, change_over, *RESTARTS)  # what is sent meanwhile may not be seen


# So that the checks are seen to fail: each does what the soak must notice.

def sabotage_exit(stage):
    """farewelld ends, and nobody had asked it to."""
    stage.scene.daemon.process.kill()


def sabotage_lost_ban(stage):
    """A ban is taken out while farewelld cannot mend it."""
    stage.scene.daemon.process.send_signal(signal.SIGSTOP)
    stage.scene.nft(f"flush set inet {TABLE} soft4")


def sabotage_wrong_ban(stage):
    """An ordinary client is banned."""
    stage.scene.daemon.cli("bans", "add", "198.19.0.5")


def sabotage_no_drop(stage):
    """The bans stay and the rules that drop by them go, while farewelld cannot mend it."""
    stage.scene.daemon.process.send_signal(signal.SIGSTOP)
    stage.scene.nft(f"flush chain inet {TABLE} prerouting")


SABOTAGES = {function.__name__.removeprefix("sabotage_").replace("_", "-"): function
             for function in (sabotage_exit, sabotage_lost_ban, sabotage_wrong_ban, sabotage_no_drop)}
