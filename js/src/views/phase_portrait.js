// The plane of the two-weight network; loss and alignment over time; the eigenvalue at the end.
// Arrays: see fa_teach/explorers/phase_portrait.py.
import { chart, fixedPoint, handle, head, heightAt, picture, trace, tracePoints, word, words } from "../core/draw.js";
import { set, svg } from "../core/dom.js";
import { number } from "../core/text.js";
import { color, dashes, nameOf, wordColor } from "../core/theme.js";

const REACH = 3;
const EIGENVALUES = [-10, 5]; // what the strip shows
const MARGINAL = 0.005; // what is written 0.00 is neither stable nor unstable
const HORIZONS = [1, 2, 3, 4, 6, 8, 10, 15, 20, 30, 40];

const verdict = (rate) => (Math.abs(rate) < MARGINAL ? "neutral" : rate < 0 ? "stable" : "unstable");

/** Until when something is to be seen: the loss is above a hundredth of its greatest value. */
function settled(time, loss) {
  const greatest = loss.reduce((a, b) => Math.max(a, b), 1e-3);
  let row = 0;
  loss.forEach((value, i) => value > 0.01 * greatest && (row = i + 1));
  return Number.isFinite(time[row]) ? time[row] : (time[time.length - 2] ?? 1);
}

/** The last row that is not later than a moment. */
function rowAt(time, moment) {
  let row = 0;
  while (row + 1 < time.length && time[row + 1] <= moment) row++;
  return row;
}

/** Where a dot stands at a moment on the straight lines drawn between the points of a path. */
function between(time, moment, row, px, py) {
  const [now, next] = [time[row], time[row + 1]];
  const share = Number.isFinite(next) && next > now ? (moment - now) / (next - now) : 0;
  const along = (p) => (share ? p(row) + share * (p(row + 1) - p(row)) : p(row));
  return [along(px), along(py)];
}

export default {
  slug: "phase-portrait",

  create(root, kit) {
    const svgRoot = picture(root, "The plane of w1 and w2 with the flow, and loss and alignment over time");
    const plane = chart(svgRoot, { xLabel: "w₁", yLabel: "w₂", xTicks: 7, yTicks: 7 });
    const loss = chart(svgRoot, { yLabel: "loss", yTicks: 4, xTickWords: false });
    const alignment = chart(svgRoot, { xLabel: "time", yTicks: 3 });
    const strip = chart(svgRoot, { xTicks: 6, yTicks: 0 });

    // The plane, from the ground up
    const aligned = svg(plane.plot, "rect", { style: `fill:${color("aligned")}` });
    const uphill = svg(plane.plot, "path", { style: `fill:${color("anti_aligned")};stroke:${color("neutral")}` });
    const rails = svg(plane.plot, "path", { style: `stroke:${color("muted")}`, fill: "none", "stroke-width": 0.6, opacity: 0.55 });
    const arrows = svg(plane.plot, "path", { style: `stroke:${color("muted")}`, fill: "none", "stroke-width": 1.3, "stroke-linecap": "round" });
    const places = svg(plane.plot, "g");
    const curves = svg(plane.plot, "g");
    const names = svg(plane.plot, "g");
    const ways = {};
    for (const rule of ["bp", "fa"]) {
      const style = `stroke:${color(rule)}`;
      const base = { style, fill: "none", "stroke-linecap": "round", "stroke-linejoin": "round" };
      const faint = svg(plane.plot, "path", { ...base, "stroke-width": 2.5, opacity: 0.25 });
      const rim = svg(plane.plot, "path", { ...base, style: `stroke:${color("page")}`, "stroke-width": 6, opacity: 0.8 });
      const way = svg(plane.plot, "path", { ...base, "stroke-width": 3, class: `fax-way-${rule}` });
      const tip = svg(plane.plot, "path", { ...base, "stroke-width": 3 });
      const dot = svg(plane.plot, "circle", { r: 5, style: `fill:${color(rule)}`, class: "fax-rim" });
      const lossLine = svg(loss.plot, "path", { ...base, "stroke-width": 2.2, class: `fax-loss-${rule}` });
      const lossDot = svg(loss.plot, "circle", { r: 4, style: `fill:${color(rule)}`, class: "fax-rim" });
      ways[rule] = { faint, rim, way, tip, dot, lossLine, lossDot };
    }
    const saddle = svg(plane.plot, "g");
    const ends = svg(plane.plot, "g");
    const flowName = svg(plane.over, "text", { class: "fax-name", "text-anchor": "end", y: -8 });
    const endNames = svg(plane.over, "g");
    const start = handle(plane, kit.control.start, {
      move: (at) => kit.set({ start: at }),
      nudge: kit.nudge,
      tell: kit.tell,
    });
    start.catchPresses();

    // Over time
    const above = svg(alignment.plot, "rect", { style: `fill:${color("aligned")}` });
    const below = svg(alignment.plot, "rect", { style: `fill:${color("anti_aligned")}` });
    const lossGrounds = svg(loss.plot, "g");
    loss.plot.prepend(lossGrounds);
    const alignmentLine = svg(alignment.plot, "path", { fill: "none", "stroke-width": 2.2, class: "fax-alignment" });
    const alignmentDot = svg(alignment.plot, "circle", { r: 4, class: "fax-rim" });
    const nothing = word(alignment.plot, "undefined: nothing moves", "neutral", { class: "fax-word fax-plain fax-undefined", x: 8 });
    const falls = word(alignment.plot, "loss falls", "aligned", { class: "fax-word fax-plain", "text-anchor": "end" });
    const rises = word(alignment.plot, "loss rises", "anti_aligned", { class: "fax-word fax-plain", "text-anchor": "end" });
    const lossNames = svg(loss.over, "g");

    // Eigenvalue
    const left = svg(strip.plot, "rect", { style: `fill:${color("aligned")}` });
    const right = svg(strip.plot, "rect", { style: `fill:${color("anti_aligned")}` });
    const zero = svg(strip.plot, "line", { style: `stroke:${color("neutral")}` });
    const leftWord = word(strip.plot, "stable", "aligned", { class: "fax-word fax-plain" });
    const rightWord = word(strip.plot, "unstable", "anti_aligned", { class: "fax-word fax-plain", "text-anchor": "end" });
    const needle = svg(strip.over, "path", { "stroke-width": 4.5, "stroke-linecap": "round", class: "fax-eigenvalue" });
    const reading = svg(strip.over, "text", { class: "fax-name", y: -9 });

    let landscape = null; // what the plane was drawn for
    const stretches = []; // of the hyperbola, stable and unstable

    function layout(width) {
      const wide = width >= 600;
      const margin = { left: 34, right: 8, top: 24, bottom: 40 };
      const side = Math.min(wide ? Math.floor(width * 0.56) - margin.left : width - margin.left - margin.right, 460);
      const box = (left, top, w, h) => ({ left, top, width: w, height: h });
      plane.place({ ...box(margin.left, margin.top, side, side), xDomain: [-REACH, REACH], yDomain: [-REACH, REACH] });
      const x = wide ? margin.left + side + 58 : margin.left;
      const w = (wide ? width : margin.left + side + margin.right) - x - margin.right;
      const y0 = wide ? margin.top : margin.top + side + 66;
      const room = wide ? side : 370;
      const stripHeight = 24;
      const h = (room - stripHeight - 34 - 58) / 2;
      loss.place(box(x, y0, w, h));
      alignment.place(box(x, y0 + h + 34, w, h));
      strip.place({ ...box(x, y0 + room - stripHeight, w, stripHeight), xDomain: EIGENVALUES, yDomain: [0, 1] });
      const height = y0 + room + margin.bottom;
      set(svgRoot, { viewBox: `0 0 ${width} ${height}`, height });
      set(aligned, { width: side, height: side });
      const origin = strip.x(0);
      set(left, { width: origin, height: stripHeight });
      set(right, { x: origin, width: w - origin, height: stripHeight });
      set(zero, { x1: origin, x2: origin, y2: stripHeight });
      set(leftWord, { x: 6, y: 20 }); // below the needle, wherever it stands
      set(rightWord, { x: w - 6, y: 20 });
      set(flowName, { x: side });
      landscape = null;
    }

    /** What the plane shows: the flow of backpropagation where it is alone, else that of FA. */
    function landscapeOf({ values, arrays }) {
      const { hyperbola, stable, uphill, rails, arrows, bp_stable, bp_rails, bp_arrows, bp_saddle } = arrays;
      return values.rules === "bp"
        ? { rule: "bp", hyperbola, stable: bp_stable, uphill: [], rails: bp_rails, arrows: bp_arrows, saddle: bp_saddle }
        : { rule: "fa", hyperbola, stable, uphill, rails, arrows, saddle: [] };
    }

    function drawLandscape({ rule, hyperbola, stable, uphill: edge, rails: lines, arrows: flow, saddle: at }) {
      const { x, y } = plane;
      set(uphill, { d: edge.length ? `${tracePoints(edge, plane)}Z` : "" });
      const perRail = lines.shape[1];
      let d = "";
      for (let i = 0; i < lines.shape[0]; i++) d += tracePoints(lines, plane, perRail, i * perRail);
      set(rails, { d });
      d = "";
      for (let i = 0; i < flow.length; i += 4) d += head(x(flow[i]), y(flow[i + 1]), Math.atan2(-flow[i + 3], flow[i + 2]), 6);
      set(arrows, { d });
      flowName.textContent = `flow and stability: ${nameOf(rule)}`;
      saddle.replaceChildren();
      if (at.length) {
        fixedPoint(saddle, false, x(at[0]), y(at[1]), 5);
        word(saddle, "saddle", "unstable", { x: x(at[0]) + 10, y: y(at[1]) - 8 });
      }

      curves.replaceChildren();
      stretches.length = 0;
      const [branches, points] = hyperbola.shape;
      for (let i = 0; i < branches; i++) {
        let from = 0;
        for (let k = 1; k < points; k++) {
          const ends = k === points - 1;
          if (!ends && stable[i * (points - 1) + k] === stable[i * (points - 1) + from]) continue;
          const role = stable[i * (points - 1) + from] ? "stable" : "unstable";
          const line = tracePoints(hyperbola, plane, k - from + 1, i * points + from);
          svg(curves, "path", { d: line, style: `stroke:${color("page")}`, "stroke-width": 6.5, fill: "none", opacity: 0.75 });
          svg(curves, "path", { d: line, style: `stroke:${color(role)}`, "stroke-width": 3.5, fill: "none", "stroke-dasharray": dashes(role), class: `fax-${role}` });
          stretches.push({ role, points: hyperbola.subarray(2 * (i * points + from), 2 * (i * points + k + 1)) });
          from = k;
        }
      }
      places.replaceChildren();
      const up = edge.length && edge[1] > 0 ? 1 : -1; // on which side of the origin the loss rises
      const room = edge.length ? Math.abs(x(edge[0]) - x(0)) : 0; // half the region's width where it leaves the plane
      const inside = room > 80 ? ["anti-aligned:", "loss rises"] : room > 56 ? ["loss rises"] : [];
      inside.forEach((text, i) => {
        const at = { x: x(-0.06 * up), y: y(up * 2.62) - 2 + 16 * i, "text-anchor": up < 0 ? "start" : "end" };
        word(places, text, "anti_aligned", { class: "fax-word fax-plain", ...at });
      });
      const corner = up < 0 ? [-2.85, 2.62, "start"] : [2.85, -2.62, "end"];
      word(places, rule === "bp" ? "loss falls" : "aligned: loss falls", "aligned", { class: "fax-word fax-plain", x: x(corner[0]), y: y(corner[1]), "text-anchor": corner[2] });
    }

    /** Say what each stretch of the hyperbola is: beside its far end, or further in where something else stands there. */
    function nameStretches(busy) {
      const { x, y } = plane;
      names.replaceChildren();
      for (const { role, points } of stretches) {
        const places = [];
        for (let i = 0; i < points.length; i += 2) {
          const [px, py] = [points[i], points[i + 1]];
          if (Math.max(Math.abs(px), Math.abs(py)) > 2.9) continue;
          const flat = Math.abs(px) > Math.abs(py);
          const outward = Math.sign(px);
          places.push({
            far: px * px + py * py,
            role,
            x: x(px) + (flat ? -4 : 10) * outward,
            y: y(py) + (flat ? (outward > 0 ? -10 : 20) : py > 0 ? 14 : -6),
            anchor: (flat ? outward > 0 : outward < 0) ? "end" : "start",
          });
        }
        places.sort((a, b) => b.far - a.far);
        const free = ({ x: px, y: py, anchor }) => {
          const center = px + (anchor === "end" ? -24 : 24);
          return busy.every((other) => Math.abs(other.x - center) > 48 || Math.abs(other.y - py) > 16);
        };
        const place = places.find((candidate) => candidate.far > 2 && free(candidate)) ?? places[0];
        if (place && place.far > 2) word(names, nameOf(role), role, { x: place.x, y: place.y, "text-anchor": place.anchor });
      }
    }

    function horizon({ values, arrays }) {
      const shown = values.rules === "both" ? ["fa", "bp"] : [values.rules];
      const needed = Math.max(...shown.map((rule) => settled(arrays[`${rule}_time`], arrays[`${rule}_loss`])));
      return HORIZONS.find((end) => end >= needed) ?? HORIZONS.at(-1);
    }

    function now(state) {
      return (state.values.time / (kit.control.time.frames - 1)) * horizon(state);
    }

    function draw(state) {
      const { values, arrays } = state;
      const plain = landscapeOf(state);
      const key = `${plain.rule}|${plain.hyperbola}|${plain.stable}|${plain.rails}`;
      if (key !== landscape) {
        drawLandscape(plain);
        landscape = key;
      }
      start.place(values.start);
      const until = horizon(state);
      const atEnd = values.time === kit.control.time.frames - 1;
      const moment = atEnd ? Infinity : now(state);
      const showing = { fa: values.rules !== "bp", bp: values.rules !== "fa" };

      const greatest = Math.max(...["fa", "bp"].filter((rule) => showing[rule]).map((rule) => arrays[`${rule}_loss`].reduce((a, b) => Math.max(a, b), 0)));
      loss.domains([0, until], [0, Math.max(greatest * 1.08, 0.1)]);
      alignment.domains([0, until], [-1.1, 1.1]);
      ends.replaceChildren();
      const labels = [];
      for (const rule of ["bp", "fa"]) {
        const { faint, rim, way, tip, dot, lossLine, lossDot } = ways[rule];
        for (const node of Object.values(ways[rule])) node.style.display = showing[rule] ? "" : "none";
        if (!showing[rule]) continue;
        const [w, time, losses] = [arrays[`${rule}_w`], arrays[`${rule}_time`], arrays[`${rule}_loss`]];
        const count = time.length;
        const row = rowAt(time, moment);
        set(faint, { d: atEnd ? "" : tracePoints(w, plane, count, 0, "way") });
        const px = (i) => plane.x(w[2 * i]);
        const py = (i) => plane.y(w[2 * i + 1]);
        const here = between(time, moment, row, px, py);
        for (const node of [rim, way]) set(node, { d: `${tracePoints(w, plane, row + 1, 0, "way")}L${here}` });
        set(dot, { cx: here[0], cy: here[1], opacity: atEnd ? 0 : 1 });
        set(tip, { d: middleHead(count, px, py, row) });
        const capped = (i) => loss.x(Math.min(time[i], 2 * until));
        set(lossLine, { d: trace(count, capped, (i) => loss.y(losses[i]), 0, "time"), opacity: 1 });
        const there = between(time, moment, row, capped, (i) => loss.y(losses[i]));
        set(lossDot, { cx: there[0], cy: atEnd ? there[1] : heightAt(lossLine, there[0]), opacity: atEnd ? 0 : 1 });
        const fate = verdict(arrays[`${rule}_rate`][count - 1]);
        if (fate === "neutral") svg(ends, "circle", { r: 5, cx: px(count - 1), cy: py(count - 1), style: `fill:${color(fate)}`, class: "fax-rim" });
        else fixedPoint(ends, fate === "stable", px(count - 1), py(count - 1), 5);
        labels.push(besideEnd(rule, px, py, count));
      }
      words(endNames, labels, { top: 10, bottom: plane.height - 6 });
      const at = { x: plane.x(values.start[0]), y: plane.y(values.start[1]) };
      nameStretches([at, ...labels.map(({ x, y, anchor }) => ({ x: x + (anchor === "end" ? -8 : 8), y }))]);
      words(lossNames, lossLabels(showing, arrays, until), { top: 6, bottom: loss.height - 8 });
      drawAlignment(plain.rule, arrays, moment, until, atEnd);
      drawEigenvalue(plain.rule, arrays, moment);
    }

    /** An arrow's head half-way along what is drawn of a path. */
    function middleHead(count, px, py, last) {
      const walked = [0];
      for (let i = 1; i <= last; i++) walked.push(walked[i - 1] + Math.hypot(px(i) - px(i - 1), py(i) - py(i - 1)));
      const half = walked.at(-1) / 2;
      const i = walked.findIndex((length) => length >= half);
      if (walked.at(-1) < 24 || i < 1) return "";
      const angle = Math.atan2(py(i) - py(i - 1), px(i) - px(i - 1));
      return head((px(i) + px(i - 1)) / 2, (py(i) + py(i - 1)) / 2, angle, 11);
    }

    function besideEnd(rule, px, py, count) {
      const [x, y] = [px(count - 1), py(count - 1)];
      const inside = x > plane.width - 40 ? -1 : 1;
      const clamped = Math.min(Math.max(x, 6), plane.width - 6);
      return { text: rule === "bp" ? "BP" : "FA", role: rule, x: clamped + 10 * inside, y: y - 12, anchor: inside > 0 ? "start" : "end" };
    }

    /** Names of the two losses, where they are farthest apart. */
    function lossLabels(showing, arrays, until) {
      const at = (rule, time) => arrays[`${rule}_loss`][rowAt(arrays[`${rule}_time`], time)];
      const rules = ["fa", "bp"].filter((rule) => showing[rule]);
      let best = { time: 0.15 * until, gap: -1 };
      for (let i = 2; i < 30; i++) {
        const time = (i / 40) * until;
        const gap = rules.length > 1 ? Math.abs(at("fa", time) - at("bp", time)) : at(rules[0], time) * (i > 3);
        if (gap > best.gap * 1.02) best = { time, gap };
      }
      const upper = rules.length > 1 && at("fa", best.time) < at("bp", best.time) ? "bp" : "fa";
      return rules.map((rule) => ({
        text: nameOf(rule),
        role: rule,
        x: Math.min(loss.x(best.time) + 8, loss.width - 62), // as wide as the longer name
        y: loss.y(at(rule, best.time)) + ((rules.length === 1 || rule === upper || loss.y(at(rule, best.time)) > loss.height - 20) && loss.y(at(rule, best.time)) > 18 ? -11 : 13),
      }));
    }

    function drawAlignment(rule, arrays, moment, until, atEnd) {
      const { width, height, x, y } = alignment;
      alignment.nameY(`alignment, ${nameOf(rule)}`);
      set(above, { width, height: y(0) });
      set(below, { y: y(0), width, height: height - y(0) });
      set(falls, { x: width - 6, y: y(0) - 6 });
      set(rises, { x: width - 6, y: y(0) + 15 });
      const [time, cosine] = [arrays[`${rule}_time`], arrays[`${rule}_alignment`]];
      const capped = (i) => Math.min(time[i], 2 * until);
      const single = time.length === 1; // it stays
      const known = Number.isFinite(cosine[0]);
      const d = single ? `M0,${y(cosine[0])}H${width}` : trace(time.length, (i) => x(capped(i)), (i) => y(cosine[i]), 0, "time");
      set(alignmentLine, { d: known ? d : "", style: `stroke:${color(rule)}` });
      set(nothing, { y: 16, opacity: known ? 0 : 1 });
      const row = rowAt(time, moment);
      const here = between(time, moment, row, (i) => x(capped(i)), (i) => y(cosine[i]));
      const shown = !atEnd && known && !here.includes(NaN);
      set(alignmentDot, { cx: here[0], cy: shown ? heightAt(alignmentLine, here[0]) : 0, opacity: shown ? 1 : 0, style: `fill:${color(rule)}` });
      // where alignment is negative, the loss rises: the same moments, tinted above
      lossGrounds.replaceChildren();
      const losses = arrays[`${rule}_loss`];
      if (single || losses.every((value) => Math.abs(value - losses[0]) < 1e-6)) return; // nothing moves
      for (let from = 0; from < time.length; from++) {
        if (!(cosine[from] < 0)) continue;
        let to = from;
        while (to + 1 < time.length && cosine[to + 1] < 0) to++;
        const [left, right] = [loss.x(capped(from)), loss.x(capped(Math.min(to + 1, time.length - 1)))];
        svg(lossGrounds, "rect", { x: left, width: Math.max(right - left, 1), height: loss.height, style: `fill:${color("anti_aligned")}`, class: "fax-rising" });
        from = to;
      }
    }

    function drawEigenvalue(rule, arrays, moment) {
      reading.replaceChildren();
      const rate = arrays[`${rule}_rate`][rowAt(arrays[`${rule}_time`], moment)];
      const role = verdict(rate);
      const at = strip.x(Math.min(Math.max(rate, EIGENVALUES[0]), EIGENVALUES[1]));
      set(needle, { d: `M${at},2V7`, style: `stroke:${color(role)}` });
      svg(reading, "tspan", {}, `${moment === Infinity ? "eigenvalue" : "rate of the error"}, ${nameOf(rule)}: `);
      svg(reading, "tspan", { class: "fax-number", style: `fill:${wordColor(role)}` }, number(rate, 2, true));
    }

    return {
      layout,
      draw,
      moment(state) {
        const { values, arrays } = state;
        const moment = now(state);
        const fields = { now: moment };
        const [fa, bp] = ["fa", "bp"].map((rule) => rowAt(arrays[`${rule}_time`], moment));
        if (values.rules !== "bp") Object.assign(fields, { fa_loss: arrays.fa_loss[fa], alignment: arrays.fa_alignment[fa] });
        if (values.rules !== "fa") fields.bp_loss = arrays.bp_loss[bp];
        return fields;
      },
    };
  },
};
