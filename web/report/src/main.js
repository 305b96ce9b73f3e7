// SPDX-License-Identifier: GPL-2.0-or-later
// Brings the page to life. Whatever is on it without script stays.
import { Charts } from "./charts.js";
import { colours_of, kColours, read_data } from "./data.js";
import { Raster } from "./raster.js";
import { Table } from "./table.js";
import { element, grouped, set_offset } from "./text.js";

/// The colours of the style, which differ by light and dark.
function palette() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    return {
        text: colour("text"), faint: colour("faint"), grid: colour("grid"), axis: colour("axis"), selection: colour("selection"),
        probes: colour("s0"), probes_area: colour("probes-area"), kept_out: colour("faint"),
        active: colour("banned"), active_area: colour("active-area"),
        sources: Array.from({length: kColours + 1}, (_, index) => colour(`s${index}`)),
    };
}

function fill_legend(data, {colour, busiest, dots}, raster) {
    const legend = document.getElementById("legend");
    let chosen = null;
    const buttons = new Map();
    const choose = (source) => {
        chosen = chosen === source ? null : source;
        buttons.forEach((button, of) => button.setAttribute("aria-pressed", String(of === chosen)));
        raster.highlight(chosen);
    };
    for (const source of busiest.slice(0, kColours)) {
        const button = element("button", {type: "button"}, element("span", {className: `swatch s${colour[source]}`}), data.names[source]);
        button.setAttribute("aria-pressed", "false");
        button.title = "Show this source alone";
        button.addEventListener("click", () => choose(source));
        buttons.set(source, button);
        legend.append(element("li", {}, button));
    }
    const others = busiest.length - kColours;
    if (others > 0) {
        const count = busiest.slice(kColours).reduce((sum, source) => sum + dots[source], 0);
        legend.append(element("li", {}, element("span", {className: `swatch s${kColours}`}),
            `${grouped(others)} others, ${grouped(count)} dots`));
    }
}

const data = read_data();
set_offset(data.utc_offset_minutes);
const colours = colours_of(data);
let raster = null;
let charts = null;
if (data.begin !== null && (data.points.count > 0 || data.marks.length > 0)) {
    document.getElementById("raster-section").hidden = false;
    document.getElementById("charts-section").hidden = false;
    raster = new Raster(data, colours.colour, palette);
    charts = new Charts(data, palette);
    fill_legend(data, colours, raster);
    raster.draw();
}
new Table(data, colours.colour, (source) => raster?.highlight(source));

const redraw = () => {
    raster?.draw();
    charts?.draw();
};
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
window.addEventListener("beforeprint", redraw);
window.addEventListener("afterprint", redraw);
