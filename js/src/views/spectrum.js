// Eigenvalues over the disc of stable steps; the error after a kick; both criteria while the feedback turns.
// Arrays: see fa_teach/explorers/spectrum.py.
import { chart, fixedPoint, picture, trace, word, words } from "../core/draw.js";
import { set, svg } from "../core/dom.js";
import { color } from "../core/theme.js";

const ERRORS = [1e-7, 1e2]; // what is seen of the size of the error
const SETTLES = 1; // of FATES in spectrum.py

export default {
  slug: "spectrum",

  create(root, kit) {
    const svgRoot = picture(root, "Eigenvalues in the complex plane, the error after a kick, and the criteria for stability and alignment over the angle");
    const plane = chart(svgRoot, { yLabel: "imaginary part", xLabel: "real part of the eigenvalues", xTicks: 6, yTicks: 6 });
    const kick = chart(svgRoot, { yLabel: "size of the error, in powers of 10", xLabel: "steps after a kick", xTicks: 4, yTicks: 5 });
    const criteria = chart(svgRoot, { yLabel: "criteria", xLabel: "angle of B to Wᵀ, degrees", xTicks: 5, yTicks: 4 });
    const plain = { class: "fax-word fax-plain" };

    // The complex plane
    const ground = svg(plane.plot, "rect", { style: `fill:${color("anti_aligned")}` });
    const disc = svg(plane.plot, "circle", { style: `fill:${color("aligned")}`, class: "fax-disc" });
    const real = svg(plane.plot, "line", { style: `stroke:${color("muted")}`, "stroke-width": 0.8 });
    const imaginary = svg(plane.plot, "line", { style: `stroke:${color("muted")}`, "stroke-width": 0.8 });
    const ways = svg(plane.plot, "path", { style: `stroke:${color("muted")}`, fill: "none", "stroke-width": 1.6, "stroke-linecap": "round", opacity: 0.6 });
    const discWord = word(plane.plot, "stable steps", "stable", { ...plain, "text-anchor": "middle" });
    const leftWord = word(plane.plot, "← stable flow", "stable", { "text-anchor": "end" });
    const rightWord = word(plane.plot, "unstable →", "unstable", {});
    const ends = svg(plane.plot, "g", { style: `stroke:${color("ink")}`, fill: "none", "stroke-width": 1.3, class: "fax-ends" });
    const endWord = svg(plane.plot, "text", { class: "fax-name", "text-anchor": "end" }, "○ where it settles");
    const marks = svg(plane.plot, "g", { class: "fax-eigenvalues" });
    const leading = svg(plane.plot, "circle", { r: 11, style: `stroke:${color("ink")}`, fill: "none", "stroke-width": 1.6 });
    const leadingWord = svg(plane.over, "text", { class: "fax-name", "text-anchor": "middle" }, "kicked");

    // The kick
    const predicted = svg(kick.plot, "path", { style: `stroke:${color("faint")}`, fill: "none", "stroke-width": 7, "stroke-linecap": "round" });
    const faint = svg(kick.plot, "path", { fill: "none", "stroke-width": 2, opacity: 0.3 });
    const run = svg(kick.plot, "path", { fill: "none", "stroke-width": 2.4, class: "fax-run-line" });
    const dot = svg(kick.plot, "circle", { r: 5, class: "fax-rim" });
    const kickWords = svg(kick.over, "g");

    // Both criteria
    const above = svg(criteria.plot, "rect", { style: `fill:${color("aligned")}` });
    const below = svg(criteria.plot, "rect", { style: `fill:${color("anti_aligned")}` });
    const zero = svg(criteria.plot, "line", { style: `stroke:${color("muted")}` });
    const needle = svg(criteria.plot, "line", { style: `stroke:${color("ink")}`, "stroke-width": 1.5 });
    const lines = {
      alignment: svg(criteria.plot, "path", { style: `stroke:${color("fa")}`, fill: "none", "stroke-width": 2.4 }),
      stability: svg(criteria.plot, "path", { style: `stroke:${color("stable")}`, fill: "none", "stroke-width": 2.4 }),
    };
    const dots = {
      alignment: svg(criteria.over, "circle", { r: 4.5, style: `fill:${color("fa")}`, class: "fax-rim" }),
      stability: svg(criteria.over, "circle", { r: 4.5, style: `fill:${color("stable")}`, class: "fax-rim" }),
    };
    const criteriaWords = svg(criteria.over, "g");

    function layout(width) {
      const wide = width >= 600;
      const [left, right, top] = [36, 18, 24]; // right: half of the last tick's number
      const side = Math.min((wide ? Math.floor(width * 0.56) : width) - left - right, 450);
      plane.place({ left, top, width: side, height: side });
      const x = wide ? left + side + 46 : left;
      const y = wide ? top : top + side + 66;
      const w = width - x - right;
      const h = wide ? (side - 68) / 2 : 140;
      kick.place({ left: x, top: y, width: w, height: h });
      criteria.place({ left: x, top: y + h + 68, width: w, height: h });
      const height = y + 2 * h + 68 + 40;
      set(svgRoot, { viewBox: `0 0 ${width} ${height}`, height });
      set(ground, { width: side, height: side });
      set(endWord, { x: side - 8, y: side - 10 });
    }

    let drawn = ""; // what the trails were drawn for
    const last = () => kit.control.time.frames - 1;
    const extent = (values, get) => values.reduce(([low, high], value, i) => (get(i) ? [Math.min(low, value), Math.max(high, value)] : [low, high]), [0, 0]);

    function drawPlane({ values, arrays }) {
      const { x, y, width, height } = plane;
      const { ways: points, eigenvalues, leading: lead, end, fate } = arrays;
      const [low, high] = extent(points, (i) => i % 2 === 0);
      const margin = 0.1 * (high - low);
      const half = (high - low) / 2 + margin;
      plane.domains([low - margin, high + margin], [-half, half]);
      const radius = x(1 / values.step) - x(0);
      set(disc, { cx: x(-1 / values.step), cy: y(0), r: radius });
      set(real, { x2: width, y1: y(0), y2: y(0) });
      set(imaginary, { x1: x(0), x2: x(0), y2: height });
      const key = `${values.outputs}|${values.seed}|${width}`;
      if (key !== drawn) {
        let d = "";
        for (let i = 0; i < points.length; i += 2) d += `M${x(points[i]).toFixed(1)},${y(points[i + 1]).toFixed(1)}h0`;
        set(ways, { d });
        drawn = key;
      }
      const middle = Math.max(x(-1 / values.step), x(low) + 58);
      set(discWord, { x: middle, y: Math.min(y(0) + radius * 0.7, height - 40) });
      set(leftWord, { x: x(0) - 8, y: 18 });
      set(rightWord, { x: x(0) + 8, y: 18 });
      marks.replaceChildren();
      for (let i = eigenvalues.length - 2; i >= 0; i -= 2) {
        const [re, im] = [eigenvalues[i], eigenvalues[i + 1]];
        fixedPoint(marks, arrays.inside[i / 2], x(re), y(im), 5.5);
      }
      set(leading, { cx: x(lead[0]), cy: y(lead[1]) });
      set(leadingWord, { x: Math.min(Math.max(x(lead[0]), 24), width - 24), y: y(lead[1]) - 17 });
      ends.replaceChildren();
      const settled = fate[0] === SETTLES && values.time === last();
      endWord.style.display = settled ? "" : "none";
      if (settled) for (let i = 0; i < end.length; i += 2) svg(ends, "circle", { r: 4, cx: x(end[i]), cy: y(end[i + 1]) });
    }

    function drawKick({ values, arrays }) {
      const steps = arrays.steps[0];
      const count = arrays.error.length;
      const each = steps / (count - 1);
      kick.domains([0, steps], ERRORS.map(Math.log10));
      const role = arrays.factor[0] < 1 ? "stable" : "unstable";
      const line = (name, to) => trace(to, (i) => kick.x(i * each), (i) => kick.y(arrays[name][i]));
      set(predicted, { d: line("predicted", count) });
      const atEnd = values.time === last();
      for (const node of [faint, run]) node.style.stroke = color(role);
      set(faint, { d: atEnd ? "" : line("error", count) });
      set(run, { d: line("error", values.time + 1) });
      const height = arrays.error[values.time];
      dot.style.fill = color(role);
      set(dot, { cx: kick.x(values.time * each), cy: Number.isFinite(height) ? kick.y(height) : 0, opacity: atEnd || !Number.isFinite(height) ? 0 : 1 });
      const at = Math.min(arrays.predicted.findLastIndex((value) => value < 1 && value > -6.2), Math.floor(0.55 * count));
      words(kickWords, [
        { text: "by the eigenvalue", role: "neutral", x: kick.x(at * each) + (at > 0.4 * count ? -10 : 12), y: kick.y(arrays.predicted[at]) + (role === "stable" ? -14 : 4), anchor: role !== "stable" && at > 0.4 * count ? "end" : "start" },
      ], { top: 8, bottom: kick.height - 8 });
    }

    function drawCriteria({ values, arrays }) {
      const { x, y, width, height } = criteria;
      const { stability, alignment } = arrays;
      const low = Math.min(...stability, ...alignment);
      const high = Math.max(...stability, ...alignment);
      criteria.domains([0, 180], [low * 1.08, high * 1.6 + 0.5]);
      set(above, { width, height: y(0) });
      set(below, { y: y(0), width, height: height - y(0) });
      set(zero, { x2: width, y1: y(0), y2: y(0) });
      const place = (i) => x((i / (stability.length - 1)) * 180);
      const here = { stability: -arrays.rate[0], alignment: arrays.alignment_criterion[0] };
      for (const name of ["stability", "alignment"]) {
        set(lines[name], { d: trace(stability.length, place, (i) => y(arrays[name][i])) });
        set(dots[name], { cx: x(values.angle), cy: y(here[name]) });
      }
      set(needle, { x1: x(values.angle), x2: x(values.angle), y2: height });
      const same = stability.every((c, i) => Math.abs(c - alignment[i]) < 0.02 * (high - low));
      words(criteriaWords, same
        ? [{ text: "c = a", role: "stable", x: place(24) + 8, y: y(stability[24]) - 10 }]
        : [
            { text: "stability c", role: "stable", x: place(22) + 10, y: y(stability[22]) - 12 },
            { text: "alignment a", role: "fa", x: place(14) - 8, y: y(alignment[14]) + 22, anchor: "end" },
          ], { top: 8, bottom: height - 8 });
    }

    function draw(state) {
      drawPlane(state);
      drawKick(state);
      drawCriteria(state);
    }

    return {
      layout,
      draw,
      moment({ values, arrays }) {
        const step = (values.time * arrays.steps[0]) / (arrays.error.length - 1);
        const size = 10 ** arrays.error[values.time];
        if (!Number.isFinite(size)) return { over: step };
        return { now: step, ...(size >= 0.01 ? { large: size } : size >= 1e-4 ? { small: size } : {}) };
      },
    };
  },
};
