// Alignment, accuracy and loss over training, and weights of the output layer against their feedback.
// Arrays: see fa_teach/explorers/emergence.py.
import { chart, picture, trace, word, words } from "../core/draw.js";
import { set, svg } from "../core/dom.js";
import { color, dashes, nameOf, wordColor } from "../core/theme.js";

const PLACES = [-0.45, 2.65]; // of time, decimal logarithms of steps
const TICKS = { 0: -0.4, 1: 0, 10: 1, 100: 2, 400: Math.log10(400) };
const STEPS_IN_EPOCH = 41;
const FINENESS = 80; // entries come in eightieths
const REFERENCES = { bp: "bp", alone: "output_only" };
// one hue, the rule's, for all layers: the deeper, the nearer to the ink
const shade = (role, layer) => `color-mix(in srgb, ${color(role)}, ${color("ink")} ${[0, 45, 85][layer]}%)`;
const wordShade = (role, layer) => `color-mix(in srgb, ${wordColor(role)}, ${color("ink")} ${[0, 45, 85][layer]}%)`;

export default {
  slug: "emergence",

  create(root, kit) {
    const svgRoot = picture(root, "Alignment of each hidden layer, test accuracy and training loss over training steps, and weights of the output layer against the feedback");
    const percent = (value) => `${Math.round(100 * value)}%`;
    const power = (value) => ([0.01, 0.1, 1, 10].includes(Number(value.toPrecision(3))) ? String(Number(value.toPrecision(3))) : "");
    const alignment = chart(svgRoot, { xTicks: 3, yTicks: 3, xTickWords: false });
    const accuracy = chart(svgRoot, { yLabel: "test accuracy", xTicks: 3, yTicks: 3, xTickWords: false, format: percent });
    const loss = chart(svgRoot, { yLabel: "training loss", xLabel: "training step", xTicks: 3, yTicks: 3, xTickWords: false, log: true, format: power });
    const weights = chart(svgRoot, { yLabel: "W, output layer", xLabel: "the same entry of Bᵀ", xTicks: 4, yTicks: 5 });
    const overTime = { alignment, accuracy, loss };

    const title = svg(alignment.over, "text", { class: "fax-name", x: 0, y: -8 });
    const zero = svg(alignment.plot, "line", { style: `stroke:${color("muted")}`, "stroke-width": 1 });
    const layers = [0, 1, 2].map(() => course(alignment.plot));
    const runs = {};
    for (const [name, target] of Object.entries({ accuracy, loss })) {
      runs[name] = { bp: reference(target.plot, "bp"), alone: reference(target.plot, "output_only"), own: course(target.plot) };
    }
    const needles = {};
    const wordsOf = {};
    const tickWords = {};
    for (const [name, target] of Object.entries(overTime)) {
      needles[name] = svg(target.plot, "line", { style: `stroke:${color("ink")}`, "stroke-width": 1.2 });
      wordsOf[name] = svg(target.over, "g");
      tickWords[name] = Object.keys(TICKS).map((text) => svg(target.over, "text", { class: "fax-name", "text-anchor": "middle", "aria-hidden": "true" }, name === "loss" ? text : ""));
    }

    // Weights against feedback
    const quadrants = [0, 1, 2, 3].map((i) => svg(weights.plot, "rect", { style: `fill:${color(i % 2 ? "anti_aligned" : "aligned")}` }));
    const axes = [0, 1].map(() => svg(weights.plot, "line", { style: `stroke:${color("muted")}`, "stroke-width": 0.8 }));
    const stems = svg(weights.plot, "path", { fill: "none", "stroke-width": 1.6, opacity: 0.4 });
    const dots = Array.from({ length: 40 }, () => svg(weights.plot, "circle", { r: 4, class: "fax-rim" }));
    const same = word(weights.plot, "same sign", "aligned", { class: "fax-word fax-plain", "text-anchor": "end" });
    const otherSign = word(weights.plot, "opposite sign", "anti_aligned", { class: "fax-word fax-plain", "text-anchor": "end" });

    /** A band over seeds and its median: faint what is to come, strong what has been. */
    function course(parent) {
      const line = { fill: "none", "stroke-linejoin": "round" };
      return {
        band: svg(parent, "path", { opacity: 0.2 }),
        faint: svg(parent, "path", { ...line, "stroke-width": 1.4, opacity: 0.45 }),
        strong: svg(parent, "path", { ...line, "stroke-width": 2.4, class: "fax-run-line" }),
        dot: svg(parent, "circle", { r: 4.5, class: "fax-rim" }),
      };
    }

    function reference(parent, role) {
      return svg(parent, "path", { fill: "none", style: `stroke:${color(role)}`, "stroke-width": 1.5, "stroke-dasharray": dashes(role) || null, "stroke-linecap": "round" });
    }

    /** `at(i, k)`: the value at moment i; k is 0 for the median, 1 and 2 for the smallest and the largest. */
    function drawCourse(marks, target, places, time, at, paint) {
      const count = places.length;
      const px = (i) => target.x(places[i]);
      const py = (k) => (i) => target.y(at(i, k));
      const upper = trace(count, px, py(2));
      const lower = trace(count, (i) => px(count - 1 - i), (i) => py(1)(count - 1 - i));
      set(marks.band, { d: upper && lower ? `${upper}L${lower.slice(1)}Z` : "" });
      set(marks.faint, { d: trace(count, px, py(0)) });
      set(marks.strong, { d: trace(time + 1, px, py(0)) });
      const here = at(time, 0);
      set(marks.dot, { cx: px(time), cy: Number.isFinite(here) ? target.y(here) : 0, opacity: Number.isFinite(here) ? 1 : 0 });
      marks.band.style.fill = paint;
      marks.dot.style.fill = paint;
      for (const node of [marks.faint, marks.strong]) node.style.stroke = paint;
    }

    let size = { height: 0, right: 0 };
    function layout(width) {
      const wide = width >= 600;
      const [left, top, gap, margin] = [44, 24, 34, 96]; // margin: for the words where lines end
      const height = wide ? 118 : 128;
      const timeWidth = (wide ? Math.floor(width * 0.6) : width) - left - margin;
      Object.values(overTime).forEach((target, i) => target.place({ left, top: top + i * (height + gap), width: timeWidth, height }));
      const bottom = top + 3 * height + 2 * gap;
      if (wide) {
        const x = left + timeWidth + margin + 46;
        weights.place({ left: x, top, width: width - x - 10, height: bottom - top });
      } else weights.place({ left, top: bottom + 66, width: width - left - 12, height: 260 });
      const all = (wide ? bottom : bottom + 66 + 260) + 42;
      set(svgRoot, { viewBox: `0 0 ${width} ${all}`, height: all });
      size = { height, right: timeWidth };
    }

    function drawTime({ values, arrays }) {
      const { places } = arrays;
      const { rule, measure, time } = values;
      const count = places.length;
      const domains = { alignment: [-0.5, 1], accuracy: [0, 1], loss: [0.01, 8] };
      for (const [name, target] of Object.entries(overTime)) {
        target.domains(PLACES, domains[name]);
        const x = target.x(places[time]);
        set(needles[name], { x1: x, x2: x, y2: size.height, opacity: time === count - 1 ? 0 : 0.6 });
        tickWords[name].forEach((node, i) => set(node, { x: target.x(Object.values(TICKS)[i]), y: size.height + 17 }));
      }
      title.textContent = measure === "gradient" ? "gradient alignment, cosine" : "weight alignment, cosine";
      set(zero, { x2: size.right, y1: alignment.y(0), y2: alignment.y(0) });
      const depth = Number(values.depth);
      const cosines = arrays[measure];
      const at = (layer) => (i, k) => cosines[3 * (layer * count + i) + k];
      const ends = [];
      layers.forEach((marks, layer) => {
        for (const node of Object.values(marks)) node.style.display = layer < depth ? "" : "none";
        if (layer >= depth) return;
        drawCourse(marks, alignment, places, time, at(layer), shade(rule, layer));
        ends.push({ text: `layer ${layer + 1}`, role: rule, x: size.right + 6, y: alignment.y(at(layer)(count - 1, 0)), layer });
      });
      words(wordsOf.alignment, ends, { top: 6, bottom: size.height - 6 });
      for (const node of wordsOf.alignment.children) node.style.fill = wordShade(rule, Number(node.textContent.slice(-1)) - 1);

      for (const name of ["accuracy", "loss"]) {
        const target = overTime[name];
        const own = arrays[name];
        drawCourse(runs[name].own, target, places, time, (i, k) => own[3 * i + k], color(rule));
        const labels = [{ text: nameOf(rule), role: rule, x: size.right + 6, y: target.y(own[3 * (count - 1)]) }];
        for (const [key, role] of Object.entries(REFERENCES)) {
          const line = arrays[`${key}_${name}`];
          const hidden = role === rule;
          set(runs[name][key], { d: hidden ? "" : trace(count, (i) => target.x(places[i]), (i) => target.y(line[i])) });
          if (!hidden) labels.push({ text: key === "alone" ? "output only" : nameOf(role), role, x: size.right + 6, y: target.y(line[count - 1]) });
        }
        words(wordsOf[name], labels.map((label) => ({ ...label, text: label.text.replace("output layer only", "output only") })), { top: 6, bottom: size.height - 6 });
      }
    }

    function drawWeights({ values, arrays }) {
      const { x, y, width, height } = weights;
      const { entries, targets } = arrays;
      weights.domains([-0.42, 0.42], [-1.6, 1.6]);
      const [middle, level] = [x(0), y(0)];
      const boxes = [[middle, 0, width - middle, level], [0, 0, middle, level], [0, level, middle, height - level], [middle, level, width - middle, height - level]];
      quadrants.forEach((node, i) => set(node, { x: boxes[i][0], y: boxes[i][1], width: boxes[i][2], height: boxes[i][3] }));
      set(axes[0], { x2: width, y1: level, y2: level });
      set(axes[1], { x1: middle, x2: middle, y2: height });
      set(same, { x: width - 8, y: 18 });
      set(otherSign, { x: width - 8, y: height - 10 });
      const n = targets.length;
      same.textContent = `same sign: ${arrays.agree[values.time]} of 40`;
      const now = n * values.time;
      let d = "";
      for (let i = 0; i < n; i++) {
        const px = x(targets[i]);
        const height1 = y(entries[now + i] / FINENESS);
        d += `M${px.toFixed(1)},${y(entries[i] / FINENESS).toFixed(1)}V${height1.toFixed(1)}`;
        set(dots[i], { cx: px, cy: height1 });
        dots[i].style.fill = color(values.rule);
      }
      set(stems, { d });
      stems.style.stroke = color(values.rule);
    }

    return {
      layout,
      draw(state) {
        drawTime(state);
        drawWeights(state);
      },
      moment({ values, arrays }) {
        const i = values.time;
        const count = arrays.places.length;
        const found = { step: arrays.steps[i], epochs: arrays.steps[i] / STEPS_IN_EPOCH, accuracy: arrays.accuracy[3 * i], loss: arrays.loss[3 * i] };
        ["first", "second", "third"].slice(0, Number(values.depth)).forEach((name, layer) => {
          found[name] = arrays[values.measure][3 * (layer * count + i)];
        });
        return found;
      },
    };
  },
};
