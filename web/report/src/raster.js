// SPDX-License-Identifier: GPL-2.0-or-later
// The scan raster: time across, port upwards, a dot for each packet, a triangle for each ban.
import { kColours } from "./data.js";
import { kPortAxes, time_labels } from "./axes.js";
import { duration, port_text, stamp } from "./text.js";

const kNear = 12;  // pixels within which a dot is meant
const kShortest = 2;  // milliseconds that can be zoomed to

export class Raster {
    constructor(data, colour, palette) {
        this.data = data;
        this.colour = colour;
        this.palette = palette;
        this.axis = "compact";
        this.only = null;  // the one source shown in full strength
        this.cursor = -1;  // the dot chosen by keyboard
        this.drag = null;
        this.canvas = document.getElementById("raster");
        this.tip = document.getElementById("tip");
        this.spoken = document.getElementById("spoken");
        const margin = Math.max((data.end - data.begin) * 0.01, kShortest / 2);
        this.whole = [data.begin - margin, data.end + margin];
        this.shown = this.whole;
        this.listen();
        new ResizeObserver(() => this.draw()).observe(this.canvas);
    }

    listen() {
        const canvas = this.canvas;
        canvas.addEventListener("pointerdown", (event) => {
            if (event.button === 0 && event.pointerType !== "touch") {
                canvas.setPointerCapture(event.pointerId);
                this.drag = {from: event.offsetX, to: event.offsetX};
            }
        });
        canvas.addEventListener("pointermove", (event) => {
            if (this.drag) {
                this.drag.to = event.offsetX;
                this.draw();
            } else {
                this.point_at(event.offsetX, event.offsetY);
            }
        });
        canvas.addEventListener("pointerup", (event) => this.end_drag(event.offsetX));
        canvas.addEventListener("pointercancel", () => this.end_drag(this.drag ? this.drag.from : 0));
        canvas.addEventListener("pointerleave", () => this.hide_tip());
        canvas.addEventListener("click", (event) => this.point_at(event.offsetX, event.offsetY));  // touch has no hover
        canvas.addEventListener("dblclick", () => this.show_all());
        canvas.addEventListener("keydown", (event) => this.on_key(event));
        canvas.addEventListener("blur", () => { this.cursor = -1; this.hide_tip(); this.draw(); });
        document.getElementById("reset").addEventListener("click", () => this.show_all());
        document.getElementById("axis").addEventListener("change", (event) => {
            this.axis = event.target.value;
            this.draw();
        });
    }

    show(begin, end) {
        const middle = (begin + end) / 2;
        const half = Math.max(end - begin, kShortest) / 2;
        this.shown = [Math.max(this.whole[0], middle - half), Math.min(this.whole[1], middle + half)];
        this.hide_tip();
        this.draw();
    }
    show_all() {
        this.show(...this.whole);
    }
    /// Everything but this source faintly; null: all of them.
    highlight(source) {
        this.only = source;
        this.draw();
    }

    // Places on the canvas, in CSS pixels.

    measure() {
        const width = this.canvas.clientWidth;
        const height = this.canvas.clientHeight;
        this.frame = {left: 50, top: 18, width: Math.max(width - 60, 1), height: Math.max(height - 46, 1)};
        return {width, height};
    }
    x_of(time) {
        return this.frame.left + (time - this.shown[0]) / (this.shown[1] - this.shown[0]) * this.frame.width;
    }
    time_at(x) {
        return this.shown[0] + (x - this.frame.left) / this.frame.width * (this.shown[1] - this.shown[0]);
    }
    y_of(port) {
        return this.frame.top + (1 - kPortAxes[this.axis].place(port)) * this.frame.height;
    }

    draw() {
        const {width, height} = this.measure();
        if (width === 0 || height === 0) {
            return;
        }
        const scale = window.devicePixelRatio || 1;
        this.canvas.width = Math.round(width * scale);
        this.canvas.height = Math.round(height * scale);
        const context = this.canvas.getContext("2d");
        context.scale(scale, scale);
        const colours = this.palette();
        context.font = "11px system-ui, sans-serif";
        this.draw_axes(context, colours);
        context.save();
        context.beginPath();
        context.rect(this.frame.left - 3, 0, this.frame.width + 6, height);
        context.clip();
        this.draw_marks(context, colours);
        this.draw_points(context, colours);
        this.draw_cursor(context, colours);
        context.restore();
        const is_whole = this.shown[0] <= this.whole[0] && this.shown[1] >= this.whole[1];
        document.getElementById("reset").disabled = is_whole;
        document.getElementById("range").textContent =
            is_whole ? "" : `${stamp(this.shown[0])} and ${duration(this.shown[1] - this.shown[0])} from there`;
    }

    draw_axes(context, colours) {
        const {left, top, width, height} = this.frame;
        context.strokeStyle = colours.grid;
        context.fillStyle = colours.faint;
        context.lineWidth = 1;
        context.textAlign = "right";
        context.textBaseline = "middle";
        let last_label = Infinity;
        for (const port of kPortAxes[this.axis].labels) {
            const y = Math.round(this.y_of(port)) + 0.5;
            if (last_label - y < 14) {
                continue;
            }
            last_label = y;
            context.beginPath();
            context.moveTo(left, y);
            context.lineTo(left + width, y);
            context.stroke();
            context.fillText(String(port), left - 6, y);
        }
        context.textAlign = "center";
        context.textBaseline = "top";
        for (const {at, text} of time_labels(this.shown[0], this.shown[1], Math.max(2, Math.floor(width / 95)))) {
            const x = Math.round(this.x_of(at)) + 0.5;
            context.beginPath();
            context.moveTo(x, top);
            context.lineTo(x, top + height + 4);
            context.stroke();
            context.fillText(text, Math.min(Math.max(x, left + 18), left + width - 18), top + height + 8);
        }
        context.strokeStyle = colours.axis;
        context.strokeRect(left + 0.5, top + 0.5, width, height);
    }

    strength(source, is_kept_out) {
        return (this.only === null || this.only === source ? 1 : 0.12) * (is_kept_out ? 0.35 : 1);
    }

    draw_points(context, colours) {
        const {time, port, source, kept_out, count} = this.data.points;
        const size = count > 20000 ? 2 : 3;
        // Grey first: what has a colour of its own must not vanish below it.
        for (const is_other of [true, false]) {
            for (let i = 0; i < count; ++i) {
                const colour = this.colour[source[i]];
                if (colour === kColours !== is_other || time[i] < this.shown[0] || time[i] > this.shown[1]) {
                    continue;
                }
                context.globalAlpha = this.strength(source[i], kept_out[i] === 1);
                context.fillStyle = colours.sources[colour];
                context.fillRect(Math.round(this.x_of(time[i]) - size / 2), Math.round(this.y_of(port[i]) - size / 2), size, size);
            }
        }
        context.globalAlpha = 1;
    }

    draw_marks(context, colours) {
        const {top, height} = this.frame;
        for (const mark of this.data.marks) {
            if (mark.at < this.shown[0] || mark.at > this.shown[1]) {
                continue;
            }
            const x = Math.round(this.x_of(mark.at)) + 0.5;
            context.globalAlpha = this.strength(mark.source, false);
            context.strokeStyle = context.fillStyle = colours.sources[this.colour[mark.source]];
            context.setLineDash(mark.is_soft ? [3, 3] : []);
            context.beginPath();
            context.moveTo(x, top);
            context.lineTo(x, top + height);
            context.stroke();
            context.beginPath();
            context.moveTo(x - 5, 3);
            context.lineTo(x + 5, 3);
            context.lineTo(x, 13);
            context.closePath();
            context.fill();
        }
        context.setLineDash([]);
        context.globalAlpha = 1;
    }

    draw_cursor(context, colours) {
        const {top, height} = this.frame;
        if (this.drag) {
            context.fillStyle = colours.selection;
            context.fillRect(Math.min(this.drag.from, this.drag.to), top, Math.abs(this.drag.to - this.drag.from), height);
        }
        if (this.cursor >= 0) {
            const {time, port} = this.data.points;
            context.strokeStyle = colours.text;
            context.lineWidth = 1.5;
            context.strokeRect(this.x_of(time[this.cursor]) - 5, this.y_of(port[this.cursor]) - 5, 10, 10);
        }
    }

    // What the pointer and the keyboard are at.

    point_at(x, y) {
        const {time, port, count} = this.data.points;
        const reach = this.time_at(x + kNear) - this.time_at(x);
        const at = this.time_at(x);
        let nearest = -1;
        let least = kNear * kNear;
        for (let i = this.first_from(at - reach); i < count && time[i] <= at + reach; ++i) {
            const distance = (this.x_of(time[i]) - x) ** 2 + (this.y_of(port[i]) - y) ** 2;
            if (distance < least) {
                least = distance;
                nearest = i;
            }
        }
        const mark = y <= this.frame.top ? this.data.marks.find((one) => Math.abs(this.x_of(one.at) - x) <= 6) : undefined;
        if (mark) {
            this.show_tip(x, y, this.mark_text(mark));
        } else if (nearest >= 0) {
            this.show_tip(this.x_of(time[nearest]), this.y_of(port[nearest]), this.point_text(nearest));
        } else {
            this.hide_tip();
        }
    }
    /// The first dot not before a time; dots are in order of time.
    first_from(time) {
        let low = 0;
        let high = this.data.points.count;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (this.data.points.time[middle] < time) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }
    point_text(index) {
        const {time, port, protocol, source, kept_out} = this.data.points;
        return [this.data.names[source[index]], `${port_text(protocol[index], port[index])}${kept_out[index] ? ", kept out by a ban" : ""}`,
            stamp(time[index])];
    }
    mark_text(mark) {
        return [this.data.names[mark.source], `banned${mark.is_soft ? " softly" : ""}`, stamp(mark.at)];
    }
    show_tip(x, y, lines) {
        this.tip.replaceChildren(...lines.map((line) => Object.assign(document.createElement("div"), {textContent: line})));
        this.tip.hidden = false;
        const width = this.tip.offsetWidth;
        this.tip.style.left = `${Math.min(Math.max(x + 10, 0), this.canvas.clientWidth - width)}px`;
        this.tip.style.top = `${y > this.canvas.clientHeight / 2 ? y - this.tip.offsetHeight - 10 : y + 14}px`;
    }
    hide_tip() {
        this.tip.hidden = true;
    }

    end_drag(x) {
        const drag = this.drag;
        this.drag = null;
        if (drag && Math.abs(x - drag.from) > 4) {
            const limits = [drag.from, x].sort((one, other) => one - other).map((place) => this.time_at(place));
            this.show(Math.max(limits[0], this.shown[0]), Math.min(limits[1], this.shown[1]));
        } else if (drag) {
            this.draw();
        }
    }

    on_key(event) {
        const [begin, end] = this.shown;
        const span = end - begin;
        const focus = this.cursor >= 0 ? this.data.points.time[this.cursor] : (begin + end) / 2;
        switch (event.key) {
            case "ArrowRight": case "ArrowDown": this.step(1); break;
            case "ArrowLeft": case "ArrowUp": this.step(-1); break;
            case "+": case "=": this.show(focus - span / 4, focus + span / 4); this.tell(); break;
            case "-": this.show(focus - span, focus + span); this.tell(); break;
            case "0": case "Home": this.show_all(); break;
            case "Escape": this.cursor = -1; this.hide_tip(); this.draw(); break;
            default: return;
        }
        event.preventDefault();
    }
    step(by) {
        const {time, count} = this.data.points;
        if (count === 0) {
            return;
        }
        if (this.cursor < 0) {
            this.cursor = by > 0 ? Math.min(this.first_from(this.shown[0]), count - 1) : Math.max(this.first_from(this.shown[1]) - 1, 0);
        } else {
            this.cursor = Math.min(Math.max(this.cursor + by, 0), count - 1);
        }
        const at = time[this.cursor];
        if (at < this.shown[0] || at > this.shown[1]) {
            const half = (this.shown[1] - this.shown[0]) / 2;
            this.show(at - half, at + half);
        }
        this.draw();
        this.tell();
    }
    tell() {
        if (this.cursor >= 0) {
            const text = this.point_text(this.cursor);
            this.spoken.textContent = text.join(", ");
            this.show_tip(this.x_of(this.data.points.time[this.cursor]), this.y_of(this.data.points.port[this.cursor]), text);
        }
    }
}
