# SPDX-License-Identifier: GPL-2.0-or-later
"""The results as Markdown."""

import statistics

import attacks
from defenders import defenders

_NAMES = {is_rival: [defender.name for defender in defenders(True) if (defender.rival is not None) == is_rival] for is_rival in (False, True)}
NOBODY = "none"  # the defender that bans nobody, and of whom nothing is expected


def what_is_wrong(attack, row):
    """Empty if it came out as it should."""
    faults = []
    if row["defender"] == NOBODY:
        return ""
    if attack.is_scan and not attack.is_open_question and row["banned"] < row["to_ban"]:
        faults.append(f"only {row['banned']} of {row['to_ban']} sources banned")
    if not attack.is_scan and row["banned"]:
        faults.append(f"{row['banned']} sources banned")
    if attack.place == "client" and row["wrongly"]:
        faults.append(f"{len(row['wrongly'])} clients banned")
    if row["standing"] is False:
        faults.append("a connection that stood was cut")
    if not row["bystander"]:
        faults.append("the bystander was shut out")
    return ", ".join(faults)


def cell(attack, rows):
    if not attack.is_scan:
        return _client_cell(attack, rows)
    banned = sum(row["banned"] == row["to_ban"] for row in rows)
    through = f"{_short(statistics.median(row['closed'] for row in rows))}/{_short(statistics.median(row['passed'] for row in rows))}"
    parts = [_outcome(attack, rows, banned), f"{_short(statistics.mean(row['revealed'] for row in rows))} of {rows[0]['of']}", through]
    timed = [row for row in rows if row["seconds"] is not None]
    if timed and banned:
        parts.append(f"{_time(statistics.median(row['at_least'] for row in timed))}–{_time(statistics.median(row['seconds'] for row in timed))}")
    if attack.innocent:
        parts.append(f"{_short(statistics.mean(len(row['wrongly']) for row in rows))} of {len(attack.innocent)} decoys shut out")
    if attack.standing:
        parts.append("standing connection kept" if all(row["standing"] for row in rows) else "**standing connection cut**")
    return " · ".join(part for part in parts if part)


def _outcome(attack, rows, banned):
    """Nothing where every run ended in a ban while the scan ran."""
    if rows[0]["defender"] == NOBODY:
        return ""
    if banned == len(rows):
        late = sum(not row["during"] for row in rows)
        return f"**ban after the scan in {late} of {len(rows)}**" if late and not attack.is_open_question else "banned" if attack.is_open_question else ""
    if attack.is_open_question:
        return "not banned"
    if banned or len(rows) > 1:
        return f"**banned in {banned} of {len(rows)}**"
    return f"**{rows[0]['banned']} of {rows[0]['to_ban']} sources banned**" if rows[0]["banned"] else "**not banned**"


def _client_cell(attack, rows):
    wrong = sum(row["banned"] + (len(row["wrongly"]) if attack.place == "client" else 0) for row in rows)
    return f"**wrong bans: {wrong}**" if wrong else "let be"


def _short(number):
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _time(seconds):
    return f"{1000 * seconds:.2g} ms" if seconds < 0.1 else f"{seconds:.2f} s"


def results(rows):
    """The ordinary fights, then the rivals', their sums, and behind them those with farewelld before everything else."""
    if not rows:
        return "No fights."
    ordinary = [row for row in rows if not row["realtime"]]
    first = [row for row in rows if row["realtime"]]
    text = [_about(rows), ""]
    for prefix, names in (("", _NAMES[False]), ("Rivals: ", _NAMES[True])):
        these = [row for row in ordinary if row["defender"] in names]
        text += _table(prefix + "Scans", attacks.SCANS, these)
        text += _table(prefix + "Clients, and what looks like a scan", attacks.CLIENTS, these)
    if ordinary:
        text += _sums(ordinary)
    if first:
        text += _table("Scans, with farewelld before everything else (SCHED_FIFO)", attacks.SCANS, first)
    void = sum(not row["timed"] for row in rows)
    if void:
        text.append(f"Fights whose capture lost packets, so that no time is told of them: {void}.")
    return "\n".join(text).rstrip()


def _about(rows):
    loads, about = [row["load"] for row in rows], rows[-1]
    versions = {row["defender"]: row["version"] for row in rows if row.get("version")}
    rivals = f" The rivals: {', '.join(f'{name} {version}' for name, version in versions.items())}." if versions else ""
    return (f"Linux {about['kernel']}, {about['processors']} processors, load {min(loads):.1f} to {max(loads):.1f} "
            f"(median {statistics.median(loads):.1f}), {' and '.join(sorted({row['date'] for row in rows}))}, "
            f"commit {' and '.join(dict.fromkeys(row['commit'] for row in rows))}, {len(rows)} fights.{rivals}")


def _pairs(rows):
    by_pair = {}
    for row in rows:
        by_pair.setdefault((row["attack"], row["defender"]), []).append(row)
    return by_pair, [name for name in _NAMES[False] + _NAMES[True] if any(row["defender"] == name for row in rows)]


def _table(title, group, rows):
    by_pair, names = _pairs(rows)
    lines = []
    for attack in group:
        cells = [by_pair.get((attack.name, name)) for name in names]
        if any(cells):
            runs = {len(these) for name, these in zip(names, cells) if these and name != NOBODY} or {1}
            told = f"{min(runs)}–{max(runs)}" if len(runs) > 1 else str(max(runs))
            lines.append(f"| {attack.name} | {told} | " + " | ".join(cell(attack, these) if these else "" for these in cells) + " |")
    if not lines:
        return []
    return [f"### {title}", "", "| | runs | " + " | ".join(names) + " |", "|---|---|" + "---|" * len(names), *lines, ""]


def _sums(rows):
    by_pair, names = _pairs(rows)
    text = ["### Sums", "", "| | " + " | ".join(_SUMS) + " |", "|---|" + "---|" * len(_SUMS)]
    for name in names:
        text.append(f"| {name} | " + " | ".join(count(by_pair, name) for count in _SUMS.values()) + " |")
    return [*text, ""]


def _over(by_pair, name, group):
    return [(attack, row) for attack in group for row in by_pair.get((attack.name, name), [])]


def _scans_banned(by_pair, name):
    fights = [(attack, row) for attack, row in _over(by_pair, name, attacks.SCANS) if not attack.is_open_question]
    return "–" if name == NOBODY else f"{sum(row['banned'] == row['to_ban'] for _, row in fights)} of {len(fights)}"


def _too_late(by_pair, name):
    fights = [(attack, row) for attack, row in _over(by_pair, name, attacks.SCANS) if not attack.is_open_question]
    return str(sum(row["banned"] == row["to_ban"] and not row["during"] for _, row in fights))


def _wrong_bans(by_pair, name):
    fights = _over(by_pair, name, attacks.CLIENTS)
    return str(sum(row["banned"] + (len(row["wrongly"]) if attack.place == "client" else 0) for attack, row in fights))


def _cut(by_pair, name):
    return str(sum(row["standing"] is False for _, row in _over(by_pair, name, attacks.ALL)))


def _bystanders(by_pair, name):
    return str(sum(not row["bystander"] for _, row in _over(by_pair, name, attacks.ALL)))


_SUMS = {"scans banned, as they should be": _scans_banned, "after they were over": _too_late, "addresses banned that should not be": _wrong_bans,
         "connections cut that stood": _cut, "times that the bystander was shut out": _bystanders}
