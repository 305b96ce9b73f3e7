// SPDX-License-Identifier: GPL-2.0-or-later
// What opens below a line of the table: every ban of the source and every probe of its evidence.
import { element, grouped, stamp } from "./text.js";

const kCriteria = {
    plain: "so many distinct closed ports within the window",
    patient: "enough points within the window",
    burst: "a burst: a handful of distinct closed ports within seconds",
    sweep: "a sweep: one port of many hosts",
    ambiguous: "very many ports within a minute, each of which alone could be the tail of something ordinary",
};
const kReasons = {port_scan: "for a port scan", port_sweep: "for a port sweep", by_operator: "by hand"};
const kEnds = {by_operator: "lifted by hand", allowlisted: "ended, as the source was put on the allowlist",
    protected_address: "ended, as the address came to be needed by the host"};

function facts(pairs) {
    const list = element("dl", {className: "facts"});
    for (const [name, value] of pairs) {
        if (value !== null && value !== "") {
            list.append(element("div", {}, element("dt", {textContent: name}), element("dd", {textContent: value})));
        }
    }
    return list;
}

function ports_table(evidence) {
    if (evidence.ports.length === 0) {
        return element("p", {textContent: "The ports were not kept on this page."});
    }
    const rows = evidence.ports.map(([port, seen, kind, points]) => element("tr", {},
        element("th", {scope: "row", textContent: port}), element("td", {textContent: stamp(seen)}),
        element("td", {textContent: kind || "–"}), element("td", {className: "number", textContent: points === null ? "–" : String(points)})));
    const head = ["Port", "Last tried", "Kind", "Points"].map((name, index) =>
        element("th", {scope: "col", textContent: name, className: index === 3 ? "number" : ""}));
    const table = element("table", {className: "ports"}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
    const rest = evidence.distinct - evidence.ports.length;
    return rest > 0 && evidence.criterion !== "sweep"
        ? element("div", {}, table, element("p", {textContent: `and ${grouped(rest)} more`})) : table;
}

function evidence_part(evidence) {
    const what = evidence.criterion === "sweep" ? "hosts" : "distinct closed ports";
    return element("div", {},
        facts([
            ["Rule", evidence.criterion ? kCriteria[evidence.criterion] ?? evidence.criterion : ""],
            ["Counted", `${grouped(evidence.distinct)} ${what}, ${evidence.points} points`],
            ["Looks like", evidence.tools.join(", ") || "no tool that is known by its packets"],
            ["Could be forged?", evidence.forged ? "yes, possible: no handshake of this source was seen" : "no: a handshake was completed"],
            ["TTL", evidence.ttl === null ? "" : String(evidence.ttl)],
            ["At the same time", evidence.companions.join(", ")],
        ]), ports_table(evidence));
}

function ban_part(ban) {
    const verb = `${ban.observed ? "Would have been banned" : "Banned"}${ban.soft ? " softly" : ""}`;
    const heading = `${verb} ${kReasons[ban.reason] ?? ""} at ${stamp(ban.at)}`.replace("  ", " ");
    return element("section", {}, element("h3", {textContent: heading}),
        facts([
            [ban.ended ? "Ended" : "Until", ban.ended ? `${stamp(ban.until)}, ${kEnds[ban.ended] ?? ban.ended}` : stamp(ban.until)],
            ["Note", ban.note],
            ["Effect", `${ban.soft ? "new connections dropped, those that stand let be" : "everything dropped"}`],
            ["Kept out", ban.kept_out === null ? "not known" : `${grouped(ban.kept_out)} packets`],
        ]),
        ban.evidence ? evidence_part(ban.evidence)
            : element("p", {textContent: ban.reason === "by_operator" ? "No evidence: a person decided." : "Its evidence was not kept on this page."}));
}

export function details_of(source) {
    const box = element("div", {className: "details"});
    const older = source.bans_total - source.bans.length;
    if (older > 0) {
        box.append(element("p", {textContent: `${grouped(older)} earlier bans are not told here.`}));
    }
    box.append(...source.bans.map(ban_part));
    if (source.bans_total === 0) {
        box.append(source.evidence ? evidence_part(source.evidence)
            : element("p", {textContent: "It tried too little for its ports to be told."}));
    }
    return box;
}

/// All that can be searched for in the evidence, in one string.
export function words_of(source) {
    const words = [];
    const add = (evidence) => {
        if (evidence) {
            words.push(...evidence.tools, ...evidence.companions, ...evidence.ports.flatMap(([port, , kind]) => [port, kind]));
        }
    };
    source.bans.forEach((ban) => { words.push(ban.reason, ban.note); add(ban.evidence); });
    add(source.evidence);
    return words.join(" ");
}
