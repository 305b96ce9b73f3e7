# SPDX-License-Identifier: GPL-2.0-or-later
"""The results as Markdown: medians over the rounds, and ratios within each round."""

import statistics
import typing

import defenders

_OURS = tuple(defender.name for defender in defenders.FAREWELL)
_BASE = defenders.PLAIN.name


def what_is_wrong(rows):
    """What must hold however slow the machine is."""
    faults = []
    for row in rows:
        name = f"{row['part']}: {row['defender']}"
        if row["part"] == "calm" and len(row["dropped"]) < row["scanners"]:
            faults.append(f"{name} banned {len(row['dropped'])} of {row['scanners']} scanners")
        if row["defender"] not in _OURS:
            continue
        if row["part"] == "rate":
            common = row["common"]
            if common["lost"]:
                faults.append(f"{name} lost {common['lost']} of {common['sent']} packets")
            if row["defender"] != defenders.FAREWELL_TRAP.name and common["received"] + common["lost"] != common["sent"]:
                faults.append(f"{name} received {common['received']} of {common['sent']} packets and lost {common['lost']}")
        if row["part"] == "storm" and row["banned"] < row["scanners"]:
            faults.append(f"{name} banned {row['banned']} of {row['scanners']} scanners")
    if not any(row["part"] == "calm" for row in rows):
        faults.append("nobody was measured")
    return faults


class Rows:
    def __init__(self, rows, part):
        self._by_name = {}
        for row in rows:
            if row["part"] == part:
                self._by_name.setdefault(row["defender"], {})[row["round"]] = row

    def names(self):
        return [defender.name for defender in defenders.ALL if defender.name in self._by_name]

    def of(self, name):
        return list(self._by_name[name].values())

    def median(self, name, value):
        """None if there is none in any round."""
        values = [found for row in self.of(name) if (found := value(row)) is not None]
        return statistics.median(values) if values else None

    def ratio(self, name, value):
        """To the plain program's in the same round."""
        ratios = []
        for number, row in self._by_name[name].items():
            base = self._by_name.get(_BASE, {}).get(number)
            if base and value(row) is not None and value(base):
                ratios.append(value(row) / value(base))
        return statistics.median(ratios) if ratios else None


def results(rows, with_goals):
    """`with_goals`: they are meant for full sizes."""
    text = [_about(rows)]
    text += _table(("defender", "what it is"), [(defender.name, defender.what) for defender in defenders.ALL
                                                if any(row["defender"] == defender.name for row in rows)])
    text += _rates(Rows(rows, "rate"))
    for part, title in (("calm", "a ban, nothing else going on"), ("busy", "a ban, at half of the highest rate")):
        text += _bans(Rows(rows, part), title)
    text += _storm(Rows(rows, "storm"))
    text += _memory(Rows(rows, "memory"))
    text += _goals(rows) if with_goals else []
    return "\n".join(text)


def _about(rows):
    loads, last = [row["load"] for row in rows], rows[-1]
    return (f"Linux {last['kernel']}, {last['processors']} processors, {1 + max(row['round'] for row in rows)} rounds, load {min(loads):.1f} to "
            f"{max(loads):.1f} (median {statistics.median(loads):.1f}; the benchmark itself makes about 2), {last['date']}, commit {last['commit']}.")


def _table(head, lines):
    return ["", "| " + " | ".join(head) + " |", "|---" * len(head) + "|", *("| " + " | ".join(line) + " |" for line in lines)] if lines else []


# A number, or a dash where there is none.

def _text(value, form, scale=1.0):
    return "–" if value is None else form.format(value / scale)


def _time(microseconds):
    if microseconds is None:
        return "–"
    return f"{microseconds:.0f} us" if microseconds < 10_000 else f"{microseconds / 1e3:.0f} ms" if microseconds < 1e6 else f"{microseconds / 1e6:.1f} s"


def _size(number_of_bytes):
    return _text(number_of_bytes, "{:.1f} MiB", 1 << 20)


def percentile(values, share):
    """None of nothing."""
    ordered = sorted(values)
    return ordered[int(share * (len(ordered) - 1))] if ordered else None


def _rates(rows):
    def best(field):
        return lambda row: row["best"] and row["best"][field]

    def common(field):
        return lambda row: row["common"][field]

    lines = []
    for name in rows.names():
        rates = [row["best"]["rate"] for row in rows.of(name) if row["best"]]
        reached = [bool(row["best"]) and row["best"]["asked"] == 0 for row in rows.of(name)]
        reach = " (what the sender can)" if statistics.median(reached) == 1 else ""
        runs = any(row["common"]["cpu_ns"] for row in rows.of(name))
        lines.append((name, _text(rows.median(name, best("rate")), "{:.0f} k/s", 1e3) + reach,
                      f"{min(rates) / 1e3:.0f}–{max(rates) / 1e3:.0f}" if rates else "–", _text(rows.ratio(name, best("rate")), "{:.2f}"),
                      _text(rows.median(name, best("cpu_ns")) if runs else None, "{:.0f} ns"),
                      _text(rows.ratio(name, best("cpu_ns")) if runs else None, "{:.2f}"),
                      _text(rows.median(name, best("path_ns")), "{:.0f} ns"),
                      _text(rows.median(name, common("cpu_ns")) if runs else None, "{:.0f} ns"),
                      _text(rows.median(name, common("path_ns")), "{:.0f} ns"),
                      _text(rows.median(name, lambda row: 100 * row["common"]["lost"] / row["common"]["sent"]), "{:.2g} %")))
    asked = rows.of(rows.names()[0])[0]["common"]["asked"] / 1e3 if lines else 0
    return _table(("probes", "highest rate without loss", "least–most k/s", "to plain", "its CPU a packet there", "to plain", "with the sender's",
                   f"its CPU a packet at {asked:.0f} k/s", "with the sender's", "lost there"), lines)


def _bans(rows, title):
    lines = []
    for name in rows.names():
        def quantiles(field, name=name):
            return [_time(rows.median(name, lambda row, share=share: percentile(row[field], share))) for share in (0.5, 0.9, 0.99)]
        lines.append((name, _text(rows.median(name, lambda row: row["rate"]), "{:.0f} k/s", 1e3),
                      f"{rows.median(name, lambda row: len(row['dropped'])):.0f} of {rows.of(name)[0]['scanners']}", *quantiles("told"),
                      *quantiles("dropped"), _text(rows.median(name, lambda row: percentile(row["through"], 0.99)), "{:.0f}"),
                      _text(rows.median(name, lambda row: row["lost"]), "{:.0f}")))
    return _table((title, "other probes", "banned", "in the kernel, p50", "p90", "p99", "first drop, p50", "p90", "p99", "probes through after the tenth, p99",
                   "probes lost"), lines)


def _ordinary(row):
    return [value for value in row["ordinary"] if value >= 0]


def _storm(rows):
    lines = []
    for name in rows.names():
        told = any(row["told"] for row in rows.of(name))
        shares = [_time(rows.median(name, lambda row, share=share: percentile(_ordinary(row), share))) for share in (0.5, 0.99)]
        of = rows.of(name)[0]
        lines.append((name, f"{rows.median(name, lambda row: row['banned']):.0f} of {of['scanners']}",
                      _text(rows.median(name, lambda row: row["lost"]), "{:.0f}"), _text(rows.median(name, lambda row: row["lost_inside"]), "{:.0f}"),
                      _text(rows.median(name, lambda row: row["seconds"]), "{:.2f} s"),
                      _text(rows.median(name, lambda row: row["last_told"]) if told else None, "{:.2f} s"),
                      f"{rows.median(name, lambda row: len(_ordinary(row))):.0f} of {len(of['ordinary'])}" if told else "–",
                      *shares, _size(of["rss_before"]), _size(rows.median(name, lambda row: row["rss_after"]))))
    count = rows.of(rows.names()[0])[0]["scanners"] if lines else 0
    return _table((f"{count:,} scanners at once", "banned", "probes lost", "of them inside", "sending took", "last ban after the first probe", "ordinary ones among them banned",
                   "p50", "p99", "RSS before", "RSS after"), lines)


def _memory(rows):
    lines, count = [], 0
    for name in rows.names():
        for row in rows.of(name)[0]["rows"]:
            count = row["sent"]
            lines.append((name + (f", `detect.memory = \"{row['memory']}\"`" if row["memory"] else ""), *map(_size, row["rss"]),
                          _text(row.get("tracked"), "{:,.0f}"), str(row["lost"])))
    return _table((f"{count:,} IPv6 sources, a probe each", "RSS before", "after them", "after as many others", "sources tracked then", "probes lost"), lines)


class Goal(typing.NamedTuple):
    what: str
    part: str
    most: float
    value: typing.Callable
    form: typing.Callable


_GOALS = (
    Goal("tenth probe to the element in the kernel, p50: at most 100 us", "calm", 100, lambda row: percentile(row["told"], 0.5), _time),
    Goal("the same, p99: at most 1 ms", "calm", 1000, lambda row: percentile(row["told"], 0.99), _time),
    Goal("probes through after the tenth at 10,000 a second, p99: at most 5", "calm", 5, lambda row: percentile(row["through"], 0.99), "{:.0f}".format),
    Goal("scanners of a storm that are not banned: none", "storm", 0, lambda row: row["scanners"] - row["banned"], "{:.0f}".format),
    Goal("probes lost in a storm: none", "storm", 0, lambda row: row["lost"], "{:.0f}".format),
    Goal("growth of RSS by a second million sources, `detect.memory` as it is: at most 1 MiB", "memory", 1 << 20,
         lambda row: row["rows"][0]["rss"][2] - row["rows"][0]["rss"][1], _size),
)


def _goals(rows):
    lines = []
    for goal in _GOALS:
        part = Rows(rows, goal.part)
        if part.names():
            lines.append((goal.what, *(_verdict(goal, part, name) for name in _OURS)))
    return _table(("goal", *_OURS), lines)


def _verdict(goal, part, name):
    if name not in part.names():
        return "–"
    seen = part.median(name, goal.value)
    return "nobody banned" if seen is None else f"{goal.form(seen)}, {'met' if seen <= goal.most else '**missed**'}"
