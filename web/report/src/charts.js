// SPDX-License-Identifier: GPL-2.0-or-later
// Probes and active bans over time, by uPlot.
import uPlot from "uplot";
import { time_text } from "./axes.js";
import { duration, grouped, on_our_clock, stamp } from "./text.js";

const kHeight = 200;

function options(width, series, colours, step) {
    const axis = {stroke: colours.faint, grid: {stroke: colours.grid, width: 1}, ticks: {stroke: colours.grid, width: 1}};
    return {
        width, height: kHeight, series: [{value: (_, seconds) => seconds === null ? "" : stamp(seconds * 1000, step < 1000 ? 3 : 0)}, ...series],
        // uPlot reads the local fields of a date; these are the page's clock's.
        tzDate: (seconds) => {
            const ours = on_our_clock(seconds * 1000);
            return new Date(ours.getTime() + ours.getTimezoneOffset() * 60000);
        },
        axes: [{...axis, space: 80, values: (_, times, index, space, step_shown) => times.map((seconds) => time_text(seconds * 1000, step_shown * 1000))}, {...axis, size: 48, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 1e5, 2e5, 5e5, 1e6, 1e7, 1e8],
            values: (_, numbers) => numbers.map((number) => number >= 10000 ? `${number / 1000}k` : String(number))}],
        scales: {y: {range: (_, low, high) => [0, Math.max(high * 1.05, 1)]}},
        cursor: {sync: {key: "time"}, drag: {x: true, y: false}, points: {size: 6}},
        legend: {live: true},
    };
}

export class Charts {
    constructor(data, palette) {
        this.palette = palette;
        const {begin, width, probes, kept_out, active} = data.timeline;
        this.step = width;
        this.times = probes.map((_, index) => (begin + index * width) / 1000);
        this.columns = {probes, kept_out, active};
        this.made = [];
        document.getElementById("probes-caption").textContent =
            `${data.from_history ? "Ports tried by banned sources" : "Probes, and packets kept out by bans,"} per ${duration(width)}`;
        this.draw();
        this.width = 0;
        new ResizeObserver(() => this.fit()).observe(document.getElementById("probes-chart"));
    }

    draw() {
        this.made.forEach((chart) => chart.destroy());
        const colours = this.palette();
        const line = (label, stroke, more = {}) => ({label, stroke, width: 1.5, points: {show: this.times.length < 2},
            value: (_, number) => number === null ? "" : grouped(number), ...more});
        const make = (id, columns, series) => {
            const place = document.getElementById(id);
            return new uPlot(options(place.clientWidth || 300, series, colours, this.step), [this.times, ...columns], place);
        };
        const {probes, kept_out, active} = this.columns;
        this.made = [
            kept_out.length
                ? make("probes-chart", [probes, kept_out], [line("probes", colours.probes, {fill: colours.probes_area}), line("kept out", colours.kept_out, {dash: [4, 3]})])
                : make("probes-chart", [probes], [line("ports tried", colours.probes, {fill: colours.probes_area})]),
            make("active-chart", [active], [line("active", colours.active, {fill: colours.active_area, paths: uPlot.paths.stepped({align: 1})})]),
        ];
    }

    fit() {
        for (const chart of this.made) {
            const width = chart.root.parentElement.clientWidth;
            if (width > 0 && width !== chart.width) {
                chart.setSize({width, height: kHeight});
            }
        }
    }
}
