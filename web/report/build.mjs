// SPDX-License-Identifier: GPL-2.0-or-later
// build.mjs [--check]: bundles the page's script and style into dist/, which is committed, so that building farewell needs no
// node. --check builds into memory and compares with what is there, byte for byte.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const here = new URL(".", import.meta.url);
const notice = `/*! farewell's report page, GPL-2.0-or-later. Contains uPlot, https://github.com/leeoniya/uPlot, under this licence:\n\n${
    readFileSync(new URL("node_modules/uplot/LICENSE", here), "utf8").trim()}\n*/`;

async function bundle(entry) {
    const result = await build({
        absWorkingDir: here.pathname, entryPoints: [entry], bundle: true, minify: true, write: false, format: "iife",
        target: ["es2020", "chrome90", "firefox90", "safari15"], charset: "ascii", legalComments: "none", logLevel: "warning",
    });
    // Where a document has its script or style, no newline may be lost or added: their hash is in the policy.
    return result.outputFiles[0].text.trim();
}

const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
const script = `${notice}\n${await bundle("src/main.js")}`;
const style = await bundle("src/page.css");
const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; img-src data:; base-uri 'none'; form-action 'none'`;

for (const text of [script, style]) {
    if (/<\/(script|style)|<!--/i.test(text)) {
        throw new Error("the bundle holds what would end its own element");
    }
}

let is_different = false;
for (const [name, text] of [["page.js", script], ["page.css", style], ["policy.txt", policy]]) {
    const file = new URL(`dist/${name}`, here);
    if (!process.argv.includes("--check")) {
        writeFileSync(file, text);
    } else if (readFileSync(file, "utf8") !== text) {
        console.error(`web/report/dist/${name} is not what the sources give: make report-page`);
        is_different = true;
    }
}
process.exit(is_different ? 1 : 0);
