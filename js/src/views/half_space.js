// The plane of gradient and update in a round bowl; the loss over step sizes; the angles of random updates.
// Arrays: see fa_teach/explorers/half_space.py.
import { chart, handle, head, picture, trace, word, words } from "../core/draw.js";
import { set, svg } from "../core/dom.js";
import { number } from "../core/text.js";
import { color } from "../core/theme.js";

const WINDOW = { xDomain: [-2.3, 2.3], yDomain: [-1.35, 3.25] };
const CHANGES = [-1.1, 1.6]; // what is seen of the loss
const degrees = (value) => `${value}°`;

export default {
  slug: "half-space",

  create(root, kit) {
    const { angle: angleControl, step: stepControl } = kit.control;
    const svgRoot = picture(root, "A step along an update at an angle from the gradient, the loss after it, and the angles of random updates");
    const plane = chart(svgRoot, { title: "in the plane of gradient and update", xTicks: 0, yTicks: 0 });
    const loss = chart(svgRoot, { yLabel: "change of the loss", xLabel: "step size η", yTicks: 5, xTicks: 5 });
    const angles = chart(svgRoot, { title: "angles of random updates", yTicks: 0, format: degrees });
    const plain = { class: "fax-word fax-plain" };

    // The plane
    const lower = svg(plane.plot, "rect", { style: `fill:${color("aligned")}` });
    const upper = svg(plane.plot, "rect", { style: `fill:${color("anti_aligned")}` });
    const disc = svg(plane.plot, "circle", { style: `fill:${color("stable")};stroke:${color("stable")}`, "fill-opacity": 0.16, "stroke-width": 1.5 });
    const reach = svg(plane.plot, "circle", { style: `stroke:${color("muted")}`, fill: "none", opacity: 0.45 });
    const crowd = svg(plane.plot, "g", { style: `fill:${color("muted")}`, opacity: 0.75, class: "fax-random" });
    const minimum = svg(plane.plot, "circle", { r: 3.5, style: `fill:${color("ink")}` });
    const planeWords = {
      minimum: svg(plane.plot, "text", { class: "fax-name", "text-anchor": "middle" }, "minimum"),
      lower: word(plane.plot, "lower loss", "stable", { ...plain, "text-anchor": "middle" }),
      up: word(plane.plot, "uphill", "unstable", plain),
      down: word(plane.plot, "downhill", "stable", plain),
    };
    const arrows = {};
    for (const role of ["bp", "fa"]) {
      const base = { fill: "none", "stroke-linecap": "round", "stroke-linejoin": "round" };
      const rim = svg(plane.plot, "path", { ...base, style: `stroke:${color("page")}`, "stroke-width": 6.5, opacity: 0.8 });
      const line = svg(plane.plot, "path", { ...base, style: `stroke:${color(role)}`, "stroke-width": 3, class: `fax-step-${role}` });
      arrows[role] = { rim, line };
    }
    const start = svg(plane.plot, "circle", { r: 4.5, style: `fill:${color("ink")}`, class: "fax-rim" });
    const startWord = svg(plane.over, "text", { class: "fax-name", "text-anchor": "end" }, "start");
    const arrowWords = svg(plane.over, "g");

    const limits = (control, value) => Math.min(Math.max(value, control.low), control.high);
    const grip = handle(
      plane,
      { label: "end of the step", low: [WINDOW.xDomain[0], WINDOW.yDomain[0]], high: [WINDOW.xDomain[1], WINDOW.yDomain[1]] },
      {
        move: ([x, y]) =>
          kit.set({
            angle: limits(angleControl, (Math.atan2(Math.abs(x), 1 - y) * 180) / Math.PI),
            step: limits(stepControl, Math.hypot(x, 1 - y)),
          }),
        nudge: ([right, up]) =>
          kit.set({
            angle: limits(angleControl, shown.angle + right * angleControl.step),
            step: limits(stepControl, shown.step + up * stepControl.step),
          }),
        tell: kit.tell,
      },
    );
    grip.catchPresses();
    set(grip.group, { "aria-label": "end of the step; the arrow keys turn it and change its length" });
    let shown = {};

    // Loss over step sizes
    const zero = svg(loss.plot, "line", { style: `stroke:${color("muted")}` });
    const good = svg(loss.plot, "rect", { style: `fill:${color("aligned")}` });
    loss.plot.prepend(good);
    const slope = svg(loss.plot, "path", { style: `stroke:${color("muted")}`, fill: "none", "stroke-width": 1.2 });
    const lines = {};
    for (const role of ["bp", "fa"])
      lines[role] = svg(loss.plot, "path", { style: `stroke:${color(role)}`, fill: "none", "stroke-width": 2.4, class: `fax-change-${role}` });
    const lossDot = svg(loss.over, "circle", { r: 5, style: `fill:${color("fa")}`, class: "fax-rim" });
    const lossWords = svg(loss.over, "g");

    // Angles of chance
    const useful = svg(angles.plot, "rect", { style: `fill:${color("aligned")}` });
    const bars = svg(angles.plot, "path", { style: `fill:${color("faint")}` });
    const right = svg(angles.plot, "line", { style: `stroke:${color("muted")}`, "stroke-dasharray": "1 3" });
    const density = svg(angles.plot, "path", { style: `stroke:${color("ink")}`, fill: "none", "stroke-width": 1.5 });
    const needle = svg(angles.plot, "line", { style: `stroke:${color("fa")}`, "stroke-width": 2.5 });
    const usefulWord = word(angles.plot, "these go downhill", "stable", plain);
    const angleWords = svg(angles.over, "g");

    function layout(width) {
      const wide = width >= 600;
      const [left, right, top] = [4, 10, 24];
      const side = Math.min(wide ? Math.floor(width * 0.54) : width - left - right, 430);
      plane.place({ left, top, width: side, height: side, ...WINDOW });
      const x = wide ? left + side + 52 : 38;
      const y = wide ? top : top + side + 44;
      const w = (wide ? width : Math.max(width, 0)) - x - right;
      const h = wide ? (side - 86) / 2 : 130;
      loss.place({ left: x, top: y, width: w, height: h, xDomain: [0, stepControl.high], yDomain: CHANGES });
      angles.place({ left: x, top: y + h + 68, width: w, height: h + (wide ? 0 : 6) });
      const height = y + 2 * h + 68 + 42;
      set(svgRoot, { viewBox: `0 0 ${width} ${height}`, height });
      const horizon = plane.y(1);
      set(upper, { width: side, height: horizon });
      set(lower, { y: horizon, width: side, height: side - horizon });
      const radius = plane.x(1) - plane.x(0);
      set(disc, { cx: plane.x(0), cy: plane.y(0), r: radius });
      set(minimum, { cx: plane.x(0), cy: plane.y(0) });
      set(start, { cx: plane.x(0), cy: horizon });
      set(startWord, { x: plane.x(0) - 9, y: horizon - 7 });
      set(planeWords.minimum, { x: plane.x(0), y: plane.y(0) + 17 });
      set(planeWords.lower, { x: plane.x(0), y: plane.y(-0.8) });
      set(planeWords.up, { x: 8, y: horizon - 8 });
      set(planeWords.down, { x: 8, y: horizon + 17 });
      const level = loss.y(0);
      set(zero, { x2: w, y1: level, y2: level });
      set(good, { y: level, width: w, height: h - level });
    }

    function arrow(role, x, y) {
      const [x0, y0] = [plane.x(0), plane.y(1)];
      const turn = Math.atan2(y - y0, x - x0);
      const d = `M${x0},${y0}L${x},${y}${head(x, y, turn, Math.min(13, Math.hypot(x - x0, y - y0)))}`;
      for (const node of Object.values(arrows[role])) set(node, { d });
    }

    function draw({ values, arrays }) {
      shown = values;
      const { step, angle } = values;
      const [x, y] = arrays.landing;
      set(reach, { cx: plane.x(0), cy: plane.y(1), r: plane.x(step) - plane.x(0) });
      const { random } = arrays;
      const count = random.length / 2;
      while (crowd.childElementCount < count) svg(crowd, "circle", { r: 2 });
      for (let i = 0; i < count; i++) set(crowd.children[i], { cx: plane.x(step * random[2 * i]).toFixed(1), cy: plane.y(1 - step * random[2 * i + 1]).toFixed(1) });
      arrow("bp", plane.x(0), plane.y(1 - step));
      arrow("fa", plane.x(x), plane.y(y));
      grip.place([x, y]);
      set(grip.group, { "aria-valuetext": `${angle}° from the gradient, step ${number(step)}` });
      words(arrowWords, [
        { text: "gradient", role: "bp", x: plane.x(0) - 10, y: Math.max(plane.y(1 - step / 2), plane.y(1) + 14), anchor: "end" },
        { text: "update", role: "fa", x: Math.min(plane.x(x) + 16, plane.width - 52), y: plane.y(y) + 22 },
      ]);

      const { sizes } = arrays;
      const line = (name) => trace(sizes.length, (i) => loss.x(sizes[i]), (i) => loss.y(arrays[name][i]));
      set(slope, { d: line("slope") });
      set(lines.bp, { d: line("gradient_changes") });
      set(lines.fa, { d: line("changes") });
      const change = arrays.change[0];
      set(lossDot, { cx: loss.x(step), cy: loss.y(Math.min(Math.max(change, CHANGES[0]), CHANGES[1])), opacity: change > CHANGES[1] ? 0 : 1 });
      const last = sizes.findLastIndex((_, i) => arrays.changes[i] < 1.35);
      const label = { text: "update", role: "fa", x: loss.x(sizes[last]) - 8, y: loss.y(arrays.changes[last]), anchor: "end" };
      words(lossWords, [
        ...(angle > 15 ? [label] : []),
        { text: "gradient", role: "bp", x: loss.x(1.12), y: loss.y(-0.98) - 2 },
        ...(angle > 25 && angle < 90 ? [{ text: "slope", role: "neutral", x: Math.min(loss.x(0.62 / arrays.limit[0]) - 6, loss.width - 40), y: loss.y(-0.62) + 9, anchor: "end" }] : []),
      ], { top: 8, bottom: loss.height - 4 });

      const top = arrays.density.reduce((a, b) => Math.max(a, b), 0) * 1.25;
      angles.domains([0, 180], [0, top]);
      const bin = 180 / arrays.histogram.length;
      let d = "";
      arrays.histogram.forEach((value, i) => value && (d += `M${angles.x(i * bin).toFixed(1)},${angles.height}V${angles.y(value).toFixed(1)}H${angles.x((i + 1) * bin).toFixed(1)}V${angles.height}Z`));
      set(bars, { d });
      set(density, { d: trace(181, (i) => angles.x(i), (i) => angles.y(arrays.density[i])) });
      set(useful, { width: angles.x(arrays.within[0]), height: angles.height });
      const room = angles.x(arrays.within[0]) > 128;
      set(usefulWord, { x: 6, y: 16, opacity: room ? 1 : 0 });
      set(right, { x1: angles.x(90), x2: angles.x(90), y2: angles.height });
      set(needle, { x1: angles.x(angle), x2: angles.x(angle), y2: angles.height });
      const end = angle > 110;
      words(angleWords, [{ text: "update", role: "fa", x: angles.x(angle) + (end ? -6 : 6), y: 34, anchor: end ? "end" : "start" }]);
    }

    return { layout, draw };
  },
};
