// SPDX-License-Identifier: GPL-2.0-or-later
// Where things are on the raster: ports and times to fractions of its height and width, and labels for both.
import { on_our_clock } from "./text.js";

const kLast = 65535;
/// Compact: half of the height for the well-known ports, the rest for registered and dynamic ones.
const kCompact = [[0, 0], [1024, 0.5], [49152, 0.88], [kLast, 1]];

function piecewise(port) {
    for (let i = 1; i < kCompact.length; ++i) {
        const [end, end_at] = kCompact[i];
        if (port <= end) {
            const [begin, begin_at] = kCompact[i - 1];
            return begin_at + (port - begin) / (end - begin) * (end_at - begin_at);
        }
    }
    return 1;
}

export const kPortAxes = {
    compact: {
        place: piecewise,
        labels: [0, 128, 256, 384, 512, 640, 768, 896, 1024, 8192, 16384, 32768, 49152, kLast],
    },
    log: {
        place: (port) => Math.log2(port + 1) / 16,
        labels: [1, 4, 10, 22, 53, 100, 250, 443, 1024, 3000, 8080, 20000, kLast],
    },
    linear: {
        place: (port) => port / kLast,
        labels: [0, 1024, 8192, 16384, 24576, 32768, 40960, 49152, 57344, kLast],
    },
};

const kSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000, 300000, 600000, 900000,
    1800000, 3600000, 7200000, 10800000, 21600000, 43200000, 86400000, 172800000, 604800000, 2592000000, 7776000000, 31536000000];

/// A moment, as exact as labels so far apart have to be.
export function time_text(at, step) {
    const text = on_our_clock(at).toISOString();
    return step >= 86400000 ? text.slice(0, 10) : step >= 60000 ? text.slice(11, 16) : step >= 1000 ? text.slice(11, 19) : text.slice(14, 23);
}

/// Moments to label between two, at most `most` of them, each {at, text}.
export function time_labels(begin, end, most) {
    const step = kSteps.find((candidate) => (end - begin) / candidate <= most) ?? kSteps[kSteps.length - 1];
    const labels = [];
    const shift = on_our_clock(0).getTime();
    for (let at = Math.ceil((begin + shift) / step) * step - shift; at <= end && labels.length < 50; at += step) {
        labels.push({at, text: time_text(at, step)});
    }
    return labels;
}
