// Loss, alignment and distance after the switch; the spectrum at the switch; its fastest rate at all angles.
// Arrays: see fa_teach/explorers/leaving.py.
import { axisBottom, axisLeft } from "d3-axis";
import { select } from "d3-selection";
import { chart, picture, trace, word, words } from "../core/draw.js";
import { set, svg } from "../core/dom.js";
import { MINUS } from "../core/text.js";
import { color, dashes, wordColor } from "../core/theme.js";

const SWITCH = -0.5; // where step 0 stands on the axis of log10(step)
const BEFORE = -1.1; // where that axis begins
const LOSSES = [1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const RAISED = { 1e-7: "10⁻⁷", 1e-6: "10⁻⁶", 1e-5: "10⁻⁵", 1e-4: "10⁻⁴" };
const STAYS = 0; // of FATES in leaving.py
const GROWS = 0.01; // a rate below it is no growth, as NEUTRAL in recorded/leaving.py
const DECADES = [1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1]; // ticks where the loss goes through more than MANY of them
const MANY = 4;
const ROOM = { below: 0.12, above: 0.22 }; // around the losses, decimal logarithms
const LEAST_RATE = 0.1; // the charts of rates are not blown up beyond it
const LATE = 95; // degrees: from there on words stand left of the needle
const FRAME = { under: 30, late: 36, weights: 29, total: 14, bp: 40 }; // where words stand beside lines
const AROUND = [21, 39]; // frames that the word "weights" keeps clear of
const DEEP = -0.55; // an alignment below it has no room for a word beneath
const WRITTEN = 0.0005; // a smaller loss is said to be below 0.001

export default {
  slug: "leaving",

  create(root, kit) {
    const svgRoot = picture(root, "Loss, alignments and distance from the old solution over the steps after the switch; eigenvalues at the switch; the fastest growth rate over the angle");
    const none = { xTicks: 0, yTicks: 0 };
    const loss = chart(svgRoot, { yLabel: "loss; bands: all ten networks", ...none });
    const alignment = chart(svgRoot, { yLabel: "alignment", xTicks: 0, yTicks: 3 });
    const distance = chart(svgRoot, { yLabel: "distance from the old solution, in its lengths", xLabel: "step after the switch", xTicks: 0, yTicks: 3 });
    const plane = chart(svgRoot, { yLabel: "imaginary part", xLabel: "real part of eigenvalues at the switch", xTicks: 5, yTicks: 5 });
    const rates = chart(svgRoot, { yLabel: "fastest growth rate at the switch", xLabel: "angle of B to W₂ᵀ, degrees", xTicks: 0, yTicks: 4 });
    const overTime = [loss, alignment, distance];

    // Axes with ticks of their own
    const axis = (target) => svg(target.group, "g", { class: "fax-axis", "aria-hidden": "true" });
    const stepAxes = overTime.map(axis);
    const lossAxis = axis(loss);
    const angleAxis = axis(rates);

    const line = (target, role, width, extra = {}) =>
      svg(target.plot, "path", { style: `stroke:${color(role)}`, fill: "none", "stroke-width": width, "stroke-linejoin": "round", ...extra });
    const area = (target, role, opacity) => svg(target.plot, "path", { style: `fill:${color(role)}`, stroke: "none", opacity });
    const disc = (target, role) => svg(target.over, "circle", { r: 4.5, style: `fill:${color(role)}`, class: "fax-rim" });

    // Alignment's two grounds come first
    const above = svg(alignment.plot, "rect", { style: `fill:${color("aligned")}` });
    const below = svg(alignment.plot, "rect", { style: `fill:${color("anti_aligned")}` });
    const zero = svg(alignment.plot, "line", { style: `stroke:${color("muted")}`, "stroke-width": 0.8 });

    const past = overTime.map((target) => svg(target.plot, "rect", { style: `fill:${color("bp")}`, opacity: 0.09 }));
    const switches = overTime.map((target) => svg(target.plot, "line", { style: `stroke:${color("muted")}`, "stroke-width": 1, "stroke-dasharray": "2 3" }));
    const nows = overTime.map((target) => svg(target.plot, "line", { style: `stroke:${color("ink")}`, "stroke-width": 1, opacity: 0.55 }));

    const bands = {
      bp: area(loss, "bp", 0.16),
      loss: area(loss, "fa", 0.2),
      weights: area(alignment, "neutral", 0.22),
      total: area(alignment, "fa", 0.2),
      distance: area(distance, "fa", 0.2),
    };
    const guide = line(loss, "faint", 8, { "stroke-linecap": "round" });
    const before = line(loss, "bp", 2.4);
    const goesOn = line(loss, "bp", 2);
    const faint = {};
    const lines = {};
    const targets = { loss, weights: alignment, total: alignment, distance };
    const roles = { loss: "fa", weights: "neutral", total: "fa", distance: "fa" };
    for (const name of Object.keys(targets)) {
      const dash = name === "weights" ? { "stroke-dasharray": "5 3" } : {};
      faint[name] = line(targets[name], roles[name], 1.6, { opacity: 0.35, ...dash });
      lines[name] = line(targets[name], roles[name], 2.5, { class: name === "loss" ? "fax-run-line" : null, ...dash });
    }
    const dots = Object.fromEntries(Object.keys(targets).map((name) => [name, disc(targets[name], roles[name])]));
    const plain = { class: "fax-word fax-plain" };
    const beforeWord = word(loss.over, "BP", "bp", { "text-anchor": "middle" });
    const switchWord = word(loss.over, "switch to FA →", "fa", {});
    const lossWords = svg(loss.over, "g");
    const alignedWord = word(alignment.plot, "aligned", "aligned", { ...plain, "text-anchor": "end" });
    const antiWord = word(alignment.plot, "anti-aligned", "anti_aligned", { ...plain, "text-anchor": "end" });
    const alignmentWords = svg(alignment.over, "g");

    // The complex plane
    const right = svg(plane.plot, "rect", { style: `fill:${color("anti_aligned")}` });
    const left = svg(plane.plot, "rect", { style: `fill:${color("aligned")}` });
    const real = svg(plane.plot, "line", { style: `stroke:${color("muted")}`, "stroke-width": 0.8 });
    const imaginary = svg(plane.plot, "line", { style: `stroke:${color("muted")}`, "stroke-width": 0.8 });
    const decay = line(plane, "stable", 6, { "stroke-linecap": "round", opacity: 0.75 });
    const grow = line(plane, "unstable", 2.2, { "stroke-linecap": "round" });
    const leading = svg(plane.plot, "circle", { r: 10, style: `stroke:${color("ink")}`, fill: "none", "stroke-width": 1.6 });
    const leadingWord = svg(plane.over, "text", { class: "fax-name", "text-anchor": "middle" });
    const decayWord = word(plane.plot, "← decay", "aligned", { ...plain, x: 8, y: 18 });
    const growWord = word(plane.plot, "growth →", "anti_aligned", { ...plain, "text-anchor": "end", y: 18 });

    // The fastest rate
    const ratesZero = svg(rates.plot, "line", { style: `stroke:${color("muted")}`, "stroke-width": 0.8 });
    const needle = svg(rates.plot, "line", { style: `stroke:${color("ink")}`, "stroke-width": 1.5 });
    const rateLine = line(rates, "unstable", 2.4, { "stroke-dasharray": dashes("unstable") });
    const rateDot = disc(rates, "unstable");
    const rateWord = svg(rates.over, "text", { class: "fax-name" });

    function layout(width) {
      const wide = width >= 600;
      const [edge, margin, top] = [42, 18, 24];
      const span = wide ? Math.floor(width * 0.58) - edge - margin : width - edge - margin;
      const heights = wide ? [206, 104, 66] : [190, 110, 70];
      let y = top;
      for (const [i, target] of overTime.entries()) {
        target.place({ left: edge, top: y, width: span, height: heights[i] });
        set(switches[i], { y2: heights[i] });
        set(nows[i], { y2: heights[i] });
        set(past[i], { height: heights[i] });
        y += heights[i] + 44;
      }
      const bottom = y;
      const x = wide ? edge + span + 54 : edge;
      const room = width - x - margin;
      const side = wide ? Math.min(room, 210) : Math.min(room, 240);
      const start = wide ? top : bottom + 24;
      plane.place({ left: x, top: start, width: room, height: side });
      const low = start + side + 64;
      const h = wide ? Math.max(bottom - 44 - low, 90) : 130;
      rates.place({ left: x, top: low, width: room, height: h });
      const height = Math.max(bottom, low + h + 44);
      set(svgRoot, { viewBox: `0 0 ${width} ${height}`, height });
      set(alignedWord, { x: span - 6, y: 22 });
      set(antiWord, { x: span - 6, y: heights[1] - 7 });
      set(switchWord, { y: 15 });
      set(beforeWord, { y: 15 });
    }

    const last = () => kit.control.time.frames - 1;
    const place = (steps) => (frame) => (frame === 0 ? SWITCH : Math.log10(steps[frame]));
    const signed = (value) => `${value > 0 ? "+" : ""}${value.toFixed(2)}`.replace("-", MINUS);

    /** Between the smallest and the largest of the seeds, columns 0 and 2 of a band. */
    function region(band, { x, y }, at, floor = -Infinity) {
      const count = band.length / 3;
      let d = "";
      for (let i = 0; i < count; i++) d += `${i ? "L" : "M"}${x(at(i)).toFixed(1)},${y(Math.max(band[3 * i + 2], floor)).toFixed(1)}`;
      for (let i = count - 1; i >= 0; i--) d += `L${x(at(i)).toFixed(1)},${y(Math.max(band[3 * i], floor)).toFixed(1)}`;
      return `${d}Z`;
    }

    function drawTime({ values, arrays }) {
      const { steps } = arrays;
      const at = place(steps);
      const end = at(last());
      const [floor, ceiling] = [arrays.floor[0], arrays.ceiling[0]];
      loss.domains([BEFORE, end], [floor - ROOM.below, ceiling + ROOM.above]);
      alignment.domains([BEFORE, end], [-1, 1]);
      distance.domains([BEFORE, end], [0, arrays.farthest[0] * 1.08]);
      const marks = [SWITCH, 0, 1, 2, 3].filter((mark) => mark <= end);
      const digits = (mark) => (mark === SWITCH ? "0" : (10 ** mark).toLocaleString("en"));
      for (const [i, target] of overTime.entries()) {
        const bottom = axisBottom(target.x).tickValues(marks).tickSize(4).tickPadding(4).tickFormat(digits);
        select(stepAxes[i]).attr("transform", `translate(0,${target.height})`).call(bottom);
        set(past[i], { width: target.x(SWITCH) });
        set(switches[i], { x1: target.x(SWITCH), x2: target.x(SWITCH) });
        const here = target.x(at(values.time));
        set(nows[i], { x1: here, x2: here, opacity: values.time === last() ? 0 : 0.55 });
      }
      const rows = ceiling - floor > MANY ? DECADES : LOSSES;
      const ticks = rows.map(Math.log10).filter((tick) => tick >= floor - ROOM.below && tick <= ceiling + ROOM.above);
      select(lossAxis).call(
        axisLeft(loss.y).tickValues(ticks).tickSize(4).tickPadding(4).tickFormat((tick) => {
          const value = Number((10 ** tick).toPrecision(1));
          return RAISED[value] ?? String(value);
        }),
      );

      // The ground of alignment
      const half = alignment.y(0);
      set(above, { width: alignment.width, height: half });
      set(below, { y: half, width: alignment.width, height: alignment.height - half });
      set(zero, { x2: alignment.width, y1: half, y2: half });

      set(bands.bp, { d: region(arrays.bp_band, loss, at, floor - 1) });
      for (const name of ["loss", "weights", "total", "distance"])
        set(bands[name], { d: region(arrays[`${name}_band`], targets[name], at, name === "loss" ? floor - 1 : undefined) });
      set(goesOn, { d: trace(steps.length, (i) => loss.x(at(i)), (i) => loss.y(Math.max(arrays.bp_band[3 * i + 1], floor - 1))) });
      const level = loss.y(arrays.loss[0]);
      set(before, { d: `M0,${level}H${loss.x(SWITCH)}` });
      set(guide, { d: trace(steps.length, (i) => loss.x(at(i)), (i) => loss.y(arrays.forecast[i])) });
      const still = values.time === last();
      for (const [name, target] of Object.entries(targets)) {
        const y = (i) => target.y(name === "loss" ? Math.max(arrays[name][i], floor - 1) : arrays[name][i]);
        const draw = (count) => trace(count, (i) => target.x(at(i)), y);
        set(faint[name], { d: still ? "" : draw(steps.length) });
        set(lines[name], { d: draw(values.time + 1) });
        set(dots[name], { cx: target.x(at(values.time)), cy: Math.min(y(values.time), target.height), opacity: still ? 0 : 1 });
      }

      // Words
      set(beforeWord, { x: loss.x((BEFORE + SWITCH) / 2) });
      set(switchWord, { x: loss.x(SWITCH) + 6 });
      const x = (frame) => loss.x(at(frame));
      const y = (value) => loss.y(Math.max(value, floor));
      const top = 24;
      const under = arrays.fate[0] === STAYS;
      const shown = arrays.forecast.findLastIndex((value) => value < ceiling + 0.1);
      const peak = arrays.loss.reduce((best, value, i) => (value > arrays.loss[best] ? i : best), 0);
      const items = [];
      if (under) items.push({ text: `FA, network ${values.network}, and BP`, role: "fa", x: x(FRAME.under), y: y(arrays.loss[FRAME.under]) - 22, anchor: "middle" });
      else {
        items.push({ text: `FA, network ${values.network}`, role: "fa", x: x(last()) - 6, y: y(Math.max(...arrays.loss.slice(FRAME.late))) - 18, anchor: "end" });
        items.push({ text: "BP, if it goes on", role: "bp", x: x(last()) - 6, y: Math.min(y(arrays.bp_band[3 * FRAME.bp + 1]) + 15, loss.height - 12), anchor: "end" });
      }
      if (!under && shown > 2) items.push({ text: "forecast", role: "neutral", x: x(shown) - 12, y: y(arrays.forecast[shown]) + (shown < peak ? 4 : 26), anchor: "end" });
      words(lossWords, items, { top, bottom: loss.height - 8 });

      const ay = (value) => alignment.y(value);
      words(
        alignmentWords,
        [
          { text: "weights", role: "neutral", x: alignment.x(at(FRAME.weights)), y: ay(Math.max(...arrays.weights.slice(...AROUND), ...arrays.total.slice(...AROUND))) - 12, anchor: "middle" },
          { text: "total gradient", role: "fa", x: alignment.x(at(FRAME.total)), y: ay(arrays.total[FRAME.total]) + (arrays.total[FRAME.total] < DEEP ? -14 : 14), anchor: "middle" },
        ],
        { top: 8, bottom: alignment.height - 8 },
      );
    }

    function drawPlane({ arrays }) {
      const { width, height } = plane;
      const half = Math.max(...arrays.rates, LEAST_RATE) * 1.15;
      plane.domains([-half, half], [(-half * height) / width, (half * height) / width]);
      const { x, y } = plane;
      const middle = x(0);
      set(left, { width: middle, height });
      set(right, { x: middle, width: width - middle, height });
      set(real, { x2: width, y1: y(0), y2: y(0) });
      set(imaginary, { x1: middle, x2: middle, y2: height });
      set(growWord, { x: width - 8 });
      const points = arrays.eigenvalues;
      let crosses = "";
      let discs = "";
      for (let i = 0; i < points.length; i += 2) {
        if (!Number.isFinite(points[i])) continue;
        for (const side of points[i + 1] > 0 ? [1, -1] : [1]) {
          const [px, py] = [x(points[i]), y(side * points[i + 1])];
          if (points[i] > 0) crosses += `M${(px - 3.5).toFixed(1)},${(py - 3.5).toFixed(1)}l7,7m-7,0l7,-7`;
          else discs += `M${px.toFixed(1)},${py.toFixed(1)}h0`;
        }
      }
      set(grow, { d: crosses });
      set(decay, { d: discs });
      const grows = arrays.rate[0] > GROWS;
      set(leading, { cx: x(points[0]), cy: y(points[1]), opacity: grows ? 1 : 0 });
      leadingWord.textContent = grows ? `fastest: ${signed(arrays.rate[0])}` : `none above ${GROWS}`;
      set(leadingWord, { x: Math.min(Math.max(x(points[0]), 50), width - 50), y: y(points[1]) - 18 });
      leadingWord.style.fill = wordColor(grows ? "unstable" : "stable");
    }

    function drawRates({ arrays }) {
      const { x, y, width, height } = rates;
      const most = Math.max(...arrays.rates, LEAST_RATE);
      rates.domains([0, 180], [-0.06 * most, most * 1.6]);
      select(angleAxis).attr("transform", `translate(0,${height})`).call(axisBottom(x).tickValues([0, 45, 90, 135, 180]).tickSize(4).tickPadding(4));
      set(ratesZero, { x2: width, y1: y(0), y2: y(0) });
      const count = arrays.rates.length;
      set(rateLine, { d: trace(count, (i) => x((180 * i) / (count - 1)), (i) => y(arrays.rates[i])) });
      const angle = arrays.turned[0];
      set(needle, { x1: x(angle), x2: x(angle), y2: height });
      set(rateDot, { cx: x(angle), cy: y(arrays.rate[0]) });
      const late = angle > LATE;
      const beside = { x: x(angle) + (late ? -9 : 9), "text-anchor": late ? "end" : "start" };
      rateWord.replaceChildren();
      svg(rateWord, "tspan", { ...beside, y: 15 }, signed(arrays.rate[0]));
      svg(rateWord, "tspan", { ...beside, y: 31 }, `${arrays.growing[0]} of ${arrays.directions[0].toLocaleString("en")} grow`);
    }

    return {
      layout,
      draw(state) {
        drawTime(state);
        drawPlane(state);
        drawRates(state);
      },
      moment({ values, arrays }) {
        const i = values.time;
        const size = 10 ** arrays.loss[i];
        const rest = { step: arrays.steps[i], total: arrays.total[i], weights: arrays.weights[i], distance: arrays.distance[i] };
        return size >= WRITTEN ? { ...rest, loss: size } : rest;
      },
    };
  },
};
