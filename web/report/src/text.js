// SPDX-License-Identifier: GPL-2.0-or-later
// Numbers and times as the page writes them: on the clock of the machine that made it, wherever it is read.

let offset_milliseconds = 0;
export function set_offset(minutes) {
    offset_milliseconds = minutes * 60000;
}

/// A Date whose UTC fields are those of the page's clock.
export const on_our_clock = (milliseconds) => new Date(milliseconds + offset_milliseconds);

export function stamp(milliseconds, digits = 3) {
    const text = on_our_clock(milliseconds).toISOString();
    return `${text.slice(0, 10)} ${text.slice(11, 19)}${digits ? text.slice(19, 20 + digits) : ""}`;
}

export function grouped(number) {
    return String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

export function duration(milliseconds) {
    const units = [["d", 86400000], ["h", 3600000], ["min", 60000], ["s", 1000], ["ms", 1]];
    for (const [name, length] of units) {
        if (milliseconds >= length) {
            return `${Number((milliseconds / length).toPrecision(3))} ${name}`;
        }
    }
    return `${Number(milliseconds.toPrecision(2))} ms`;
}

const kProtocols = {6: "tcp", 17: "udp", 132: "sctp"};
export function port_text(protocol, port) {
    return protocol in kProtocols ? `${kProtocols[protocol]}/${port}` : `proto/${protocol}`;
}

export function element(name, properties = {}, ...children) {
    const made = document.createElement(name);
    Object.assign(made, properties);
    made.append(...children);
    return made;
}
