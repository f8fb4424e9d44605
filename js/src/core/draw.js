// What views draw with: charts with axes, lines, words that keep apart, a handle to drag. SVG throughout.
import { axisBottom, axisLeft } from "d3-axis";
import { scaleLinear, scaleLog } from "d3-scale";
import { select } from "d3-selection";
import { curveCatmullRom, curveLinear, curveMonotoneX, line as d3line } from "d3-shape";
import { fresh, set, svg } from "./dom.js";
import { MINUS, number } from "./text.js";
import { color, wordColor } from "./theme.js";

/** An SVG picture; `label` says what it is to those who do not see it. */
export function picture(root, label) {
  return svg(root, "svg", { class: "fax-picture", role: "group", "aria-label": label });
}

/**
 * A chart in a picture: frame, axes, and `plot`, a group that is cut off at the frame. Move and scale it with `place`.
 * `chart.x` and `chart.y` are d3 scales from data to pixels.
 */
export function chart(parent, { xLabel = "", yLabel = "", title = "", log = false, xTicks = 5, yTicks = 4, xTickWords = true, format = null } = {}) {
  const group = svg(parent, "g");
  const clip = fresh("clip");
  const rect = svg(svg(svg(group, "defs"), "clipPath", { id: clip }), "rect");
  const ground = svg(group, "rect", { class: "fax-ground" });
  const plot = svg(group, "g", { "clip-path": `url(#${clip})` });
  const xAxis = svg(group, "g", { class: "fax-axis", "aria-hidden": "true" });
  const yAxis = svg(group, "g", { class: "fax-axis", "aria-hidden": "true" });
  const over = svg(group, "g"); // not cut off: words and handles
  const x = scaleLinear();
  const y = log ? scaleLog() : scaleLinear();
  const xWord = svg(group, "text", { class: "fax-name", "text-anchor": "end" }, xLabel);
  const yWord = svg(group, "text", { class: "fax-name" }, yLabel);
  const titleWord = svg(group, "text", { class: "fax-title" }, title);
  const minus = (value) => (format ? format(value) : String(Number(value.toPrecision(6))).replace("-", MINUS));

  return {
    group,
    plot,
    over,
    x,
    y,
    /** Frame in pixels of the picture, and the domains. */
    place({ left, top, width, height, xDomain, yDomain }) {
      Object.assign(this, { left, top, width, height });
      set(group, { transform: `translate(${left},${top})` });
      for (const box of [rect, ground]) set(box, { width, height });
      x.range([0, width]);
      y.range([height, 0]);
      set(xWord, { x: width, y: height + 32 });
      set(yWord, { x: 0, y: -8 });
      set(titleWord, { x: 0, y: -8 });
      if (xDomain) this.domains(xDomain, yDomain);
    },
    /** Another name of the vertical axis. */
    nameY(text) {
      yWord.textContent = text;
    },
    domains(xDomain, yDomain) {
      x.domain(xDomain);
      y.domain(yDomain);
      const bottom = axisBottom(x).ticks(xTicks).tickSize(4).tickPadding(4).tickFormat(minus);
      const leftAxis = axisLeft(y).ticks(yTicks).tickSize(4).tickPadding(4);
      if (!log || format) leftAxis.tickFormat(minus);
      select(xAxis).attr("transform", `translate(0,${this.height})`).call(bottom);
      if (!xTickWords) select(xAxis).selectAll("text").remove();
      select(yAxis).call(leftAxis);
    },
  };
}

/** How a line goes from point to point: straight; along a way in a plane; over time, where x rises, without overshoot. */
const CURVES = { straight: curveLinear, way: curveCatmullRom, time: curveMonotoneX };

/** Path data of points given by two functions of a row; NaN interrupts it. */
export function trace(length, px, py, from = 0, curve = "straight") {
  const rows = Array.from({ length: Math.max(length - from, 0) }, (_, i) => i + from);
  return (
    d3line()
      .curve(CURVES[curve])
      .defined((row) => Number.isFinite(px(row)) && Number.isFinite(py(row)))
      .x((row) => px(row).toFixed(2))
      .y((row) => py(row).toFixed(2))(rows) ?? ""
  );
}

/** Where a drawn path, on which x rises, is at an x. */
export function heightAt(path, x) {
  let [low, high] = [0, path.getTotalLength()];
  for (let i = 0; i < 16; i++) {
    const middle = (low + high) / 2;
    if (path.getPointAtLength(middle).x < x) low = middle;
    else high = middle;
  }
  return path.getPointAtLength(low).y;
}

/** Path data of an array of shape (points, 2) on a chart; `offset` rows are left out before `length` of them. */
export function tracePoints(points, { x, y }, length = points.length / 2, offset = 0, curve = "straight") {
  return trace(length, (row) => x(points[2 * (row + offset)]), (row) => y(points[2 * (row + offset) + 1]), 0, curve);
}

/** Words in the colour of a role, with a rim that keeps them readable on lines. */
export function word(parent, text, role, attributes = {}) {
  return svg(parent, "text", { class: "fax-word", style: `fill:${wordColor(role)}`, ...attributes }, text);
}

/**
 * Words beside places on a chart, moved apart up and down where they would overlap.
 * `items`: [{ text, x, y, role, anchor }] in pixels; what was there before is replaced.
 */
export function words(parent, items, { gap = 15, top = 8, bottom = Infinity } = {}) {
  parent.replaceChildren();
  const sorted = [...items].sort((a, b) => a.y - b.y).map((item) => ({ ...item, at: Math.min(Math.max(item.y, top), bottom) }));
  for (let i = 1; i < sorted.length; i++) sorted[i].at = Math.max(sorted[i].at, sorted[i - 1].at + gap);
  for (let i = sorted.length - 1; i >= 0; i--) {
    const limit = i === sorted.length - 1 ? bottom : sorted[i + 1].at - gap;
    sorted[i].at = Math.min(sorted[i].at, limit);
  }
  for (const { text, x, at, role, anchor = "start" } of sorted)
    word(parent, text, role, { x, y: at, "text-anchor": anchor, "dominant-baseline": "middle" });
}

/** A disc where something is stable, a cross where it is not. */
export function fixedPoint(parent, stable, x, y, size = 6) {
  const group = svg(parent, "g", { transform: `translate(${x},${y})`, class: "fax-fixed-point" });
  if (stable) svg(group, "circle", { r: size, fill: color("stable"), class: "fax-rim" });
  else {
    const arm = size * 0.9;
    const cross = `M${-arm},${-arm}L${arm},${arm}M${-arm},${arm}L${arm},${-arm}`;
    svg(group, "path", { d: cross, class: "fax-cross-rim" });
    svg(group, "path", { d: cross, stroke: color("unstable"), "stroke-width": 3, fill: "none" });
  }
  return group;
}

/** Path data of an arrow's head with its tip at a place, turned by `angle` (of SVG, clockwise). */
export function head(x, y, angle, size = 5) {
  const corner = (turn) => `${(x - size * Math.cos(angle + turn)).toFixed(2)},${(y - size * Math.sin(angle + turn)).toFixed(2)}`;
  return `M${corner(0.5)}L${x.toFixed(2)},${y.toFixed(2)}L${corner(-0.5)}`;
}

/**
 * A handle that is dragged with mouse, pen or finger, and moved with the arrow keys.
 * `move([x, y])` gets data coordinates, within the control's range; `nudge([dx, dy])` is for the keys.
 */
export function handle(target, control, { move, nudge, tell }) {
  const group = svg(target.over, "g", {
    class: "fax-handle",
    tabindex: 0,
    role: "slider",
    "aria-label": `${control.label}; the arrow keys move it`,
    "aria-valuemin": control.low[0],
    "aria-valuemax": control.high[0],
  });
  svg(group, "circle", { r: 22, class: "fax-grip" });
  svg(group, "circle", { r: 13, class: "fax-focus" });
  svg(group, "circle", { r: 8, class: "fax-ring" });
  svg(group, "circle", { r: 2, class: "fax-dot" });
  const hint = svg(group, "text", { class: "fax-hint", x: 0, y: -16, "text-anchor": "middle", "aria-hidden": "true" }, "drag me");

  let first; // where it stands before anyone moves it
  const clamp = (value, i) => Math.min(Math.max(value, control.low[i]), control.high[i]);
  const at = (event) => {
    const box = target.plot.ownerSVGElement.getBoundingClientRect();
    const px = event.clientX - box.left - target.left;
    const py = event.clientY - box.top - target.top;
    return [clamp(target.x.invert(px), 0), clamp(target.y.invert(py), 1)];
  };
  const drag = (event) => {
    hint.remove();
    move(at(event));
  };
  const begin = (event) => {
    if (event.button) return;
    event.preventDefault();
    group.focus({ preventScroll: true });
    surface.setPointerCapture(event.pointerId);
    group.classList.add("fax-held");
    drag(event);
    surface.addEventListener("pointermove", drag);
    const end = () => {
      surface.removeEventListener("pointermove", drag);
      group.classList.remove("fax-held");
      tell();
    };
    surface.addEventListener("pointerup", end, { once: true });
    surface.addEventListener("pointercancel", end, { once: true });
  };
  const surface = group;
  group.addEventListener("pointerdown", begin);
  group.addEventListener("keydown", (event) => {
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!direction) return;
    event.preventDefault();
    event.stopPropagation();
    hint.remove();
    nudge(direction);
  });
  return {
    group,
    /** A press anywhere on the plot moves the handle there. */
    catchPresses() {
      // a finger on the plot may be about to scroll the page: only its taps count
      target.plot.addEventListener("pointerdown", (event) => event.pointerType !== "touch" && begin(event));
      target.plot.addEventListener("click", (event) => {
        if (event.pointerType !== "touch") return;
        drag(event);
        tell();
      });
    },
    place([x, y]) {
      first ??= control.default ?? [x, y];
      if (x !== first[0] || y !== first[1]) hint.remove();
      set(group, {
        transform: `translate(${target.x(x)},${target.y(y)})`,
        "aria-valuenow": x,
        "aria-valuetext": `${number(x)}, ${number(y)}`,
      });
      set(hint, { y: target.y(y) < 34 ? 28 : -16 });
    },
  };
}
