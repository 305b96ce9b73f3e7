// SPDX-License-Identifier: GPL-2.0-or-later
// The table of sources, which is there without us: search, sorting, and evidence that opens below a line.
import { kColours } from "./data.js";
import { details_of, words_of } from "./evidence.js";
import { element, grouped } from "./text.js";

export class Table {
    /// `chosen`: told of the source whose evidence was opened last, null when it is closed.
    constructor(data, colour, chosen) {
        this.data = data;
        this.chosen = chosen;
        this.table = document.getElementById("source-table");
        if (!this.table) {
            return;
        }
        this.rows = Array.from(this.table.tBodies[0].rows).map((row) => {
            const index = Number(row.dataset.row);
            return {row, index, opened: null, words: `${row.textContent} ${words_of(data.sources[index])}`.toLowerCase()};
        });
        this.rows.forEach((one) => this.equip(one, colour[one.index]));
        this.equip_headings();
        this.equip_search();
    }

    equip(one, colour) {
        const heading = one.row.cells[0];
        const name = heading.textContent;
        one.button = element("button", {type: "button", className: "open", textContent: name});
        one.button.setAttribute("aria-expanded", "false");
        const swatch = element("span", {className: `swatch s${colour}`});
        swatch.hidden = colour === kColours;
        heading.replaceChildren(element("span", {className: "source"}, swatch, one.button));
        one.row.addEventListener("click", (event) => {
            if (!window.getSelection().toString() || event.target === one.button) {
                this.toggle(one);
            }
        });
    }

    toggle(one) {
        if (one.opened) {
            one.opened.remove();
            one.opened = null;
        } else {
            const cell = element("td", {colSpan: one.row.cells.length}, details_of(this.data.sources[one.index]));
            one.opened = element("tr", {className: "opened"}, cell);
            one.row.after(one.opened);
        }
        one.button.setAttribute("aria-expanded", String(one.opened !== null));
        this.chosen(one.opened ? one.index : null);
    }

    equip_headings() {
        Array.from(this.table.tHead.rows[0].cells).forEach((heading, column) => {
            const button = element("button", {type: "button", className: "sort", textContent: heading.textContent});
            button.addEventListener("click", () => this.sort(heading, column));
            heading.replaceChildren(button);
        });
    }

    sort(heading, column) {
        const is_number = heading.classList.contains("number");
        const was = heading.getAttribute("aria-sort");
        // Numbers are mostly asked for from the largest down.
        const ascending = was ? was !== "ascending" : !is_number;
        for (const other of this.table.tHead.rows[0].cells) {
            other.removeAttribute("aria-sort");
        }
        heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        const key = ({row}) => {
            const cell = row.cells[column];
            return "by" in cell.dataset ? Number(cell.dataset.by) : is_number || cell.textContent === "–" ? null : cell.textContent;
        };
        const compare = (one, other) => {
            const [a, b] = [key(one), key(other)];
            if (a === null || b === null) {
                return (a === null) - (b === null) || one.index - other.index;  // what is not known goes last either way
            }
            const order = typeof a === "number" ? a - b : a.localeCompare(b, undefined, {numeric: true});
            return (ascending ? order : -order) || one.index - other.index;
        };
        const body = this.table.tBodies[0];
        for (const one of [...this.rows].sort(compare)) {
            body.append(one.row);
            if (one.opened) {
                body.append(one.opened);
            }
        }
    }

    equip_search() {
        document.getElementById("search-tools").hidden = false;
        const field = document.getElementById("search");
        const found = document.getElementById("found");
        field.addEventListener("input", () => {
            const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
            let count = 0;
            for (const one of this.rows) {
                const is_wanted = wanted.every((word) => one.words.includes(word));
                count += is_wanted ? 1 : 0;
                one.row.hidden = !is_wanted;
                if (one.opened) {
                    one.opened.hidden = !is_wanted;
                }
            }
            found.textContent = wanted.length ? `${grouped(count)} of ${grouped(this.rows.length)}` : "";
        });
    }
}
