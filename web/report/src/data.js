// SPDX-License-Identifier: GPL-2.0-or-later
// What the page was given, unpacked: times in milliseconds since 1970, columns as typed arrays.

const kTickMilliseconds = 0.1;

export function read_data() {
    const data = JSON.parse(document.getElementById("data").textContent);
    const packed = data.points;
    const count = packed.tick.length;
    const points = {
        count,
        total: packed.total,
        time: new Float64Array(count),
        port: Uint16Array.from(packed.port),
        protocol: Uint8Array.from(packed.protocol),
        source: Uint32Array.from(packed.source),
        kept_out: Uint8Array.from(packed.kept_out),
    };
    let tick = 0;
    for (let i = 0; i < count; ++i) {
        tick += packed.tick[i];
        points.time[i] = data.begin + tick * kTickMilliseconds;
    }
    data.points = points;
    data.marks = data.marks.map(([at, source, soft]) => ({at, source, is_soft: soft === 1}));
    for (const {bans, evidence} of data.sources) {
        for (const one of [evidence, ...bans.map((ban) => ban.evidence)]) {
            one?.ports.forEach((port) => { port[1] += data.begin ?? 0; });
        }
    }
    return data;
}

/// Which colour each source has: the busiest ones one of their own, the others share the last.
export const kColours = 10;
export function colours_of(data) {
    const dots = new Uint32Array(data.names.length);
    for (const source of data.points.source) {
        ++dots[source];
    }
    for (const mark of data.marks) {
        ++dots[mark.source];
    }
    const busiest = Array.from(dots.keys()).filter((source) => dots[source] > 0).sort((one, other) => dots[other] - dots[one] || one - other);
    const colour = new Uint8Array(data.names.length).fill(kColours);
    busiest.slice(0, kColours).forEach((source, index) => { colour[source] = index; });
    return {colour, busiest, dots};
}
