// Two linked maps, accuracy and alignment over sizes of weights and feedback; the chosen cell's run beside its controls.
// Arrays: see fa_teach/explorers/aligned_but_poor.py.
import { chart, picture, trace, words } from "../core/draw.js";
import { set, svg } from "../core/dom.js";
import { number } from "../core/text.js";
import { color, dashes } from "../core/theme.js";

const DEPTH = 52; // per cent of a role's colour in the strongest cell: ink stands on it, light and dark
const LINES = { bp: "backprop", output_only: "output only", fa: "FA" };
const LAYERS = { layer1: ["neutral", "layer 1"], layer2: ["fa", "layer 2"] };

export default {
  slug: "aligned-but-poor",

  create(root, kit) {
    const scales = kit.control.scale.grid;
    const strengths = kit.control.strength.grid;
    const [rows, columns] = [scales.length, strengths.length];
    const last = kit.control.time.frames - 1;
    const svgRoot = picture(root, "Maps of test accuracy and of alignment over the sizes of initial weights and feedback, and one setting over time");
    let shown = null; // the state that is drawn

    // -- Maps -----------------------------------------------------------------------------------

    const tint = (role, share) => `color-mix(in srgb, ${color(role)} ${(DEPTH * Math.min(share, 1)).toFixed(1)}%, ${color("page")})`;
    const fills = {
      accuracy: (value) => tint("fa", value),
      alignment: (value) => tint(value < 0 ? "unstable" : "stable", Math.abs(value)),
    };
    const names = { accuracy: "test accuracy", alignment: "mean cosine of the hidden layers" };
    const choose = (row, column) =>
      kit.set({
        scale: scales[Math.min(Math.max(row, 0), rows - 1)],
        strength: strengths[Math.min(Math.max(column, 0), columns - 1)],
        time: shown.values.time, // maps may be compared at any time
      });

    function map(name) {
      const plane = chart(svgRoot, {
        title: names[name],
        xLabel: "size of the feedback",
        xTicks: columns,
        yTicks: rows,
        format: (value) => value,
      });
      const cells = svg(plane.plot, "g");
      const boxes = [];
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++) {
          const box = svg(cells, "rect", { class: "fax-cell" });
          const title = svg(box, "title");
          const text = svg(cells, "text", { "text-anchor": "middle", "dominant-baseline": "central", class: "fax-name", style: "font-size: 11px", "pointer-events": "none", "aria-hidden": "true" });
          boxes.push({ box, title, text, row, column });
        }
      const outline = svg(plane.over, "path", { fill: "none", style: `stroke:${color("ink")}`, "stroke-width": 2.4, "stroke-linecap": "square", "pointer-events": "none", class: "fax-helps" });
      const group = svg(plane.over, "g", {
        class: "fax-handle fax-chosen",
        tabindex: 0,
        role: "slider",
        "aria-label": `chosen cell, ${names[name]}; the arrow keys move it`,
        "aria-valuemin": 0,
        "aria-valuemax": rows * columns - 1,
      });
      const focus = svg(group, "rect", { class: "fax-focus", rx: 6 });
      const rim = svg(group, "rect", { rx: 4, fill: "none", style: `stroke:${color("page")}`, "stroke-width": 4 });
      const ring = svg(group, "rect", { rx: 4, fill: "none", style: `stroke:${color("ink")}`, "stroke-width": 2, "pointer-events": "all" });
      group.addEventListener("keydown", (event) => {
        const [row, column] = [scales.indexOf(shown.values.scale), strengths.indexOf(shown.values.strength)];
        const to = {
          ArrowLeft: [row, column - 1],
          ArrowRight: [row, column + 1],
          ArrowUp: [row + 1, column],
          ArrowDown: [row - 1, column],
          Home: [row, 0],
          End: [row, columns - 1],
          PageUp: [rows - 1, column],
          PageDown: [0, column],
        }[event.key];
        if (!to) return;
        event.preventDefault();
        event.stopPropagation();
        choose(...to);
      });
      const pick = (event) => {
        const box = svgRoot.getBoundingClientRect();
        choose(Math.round(plane.y.invert(event.clientY - box.top - plane.top)), Math.round(plane.x.invert(event.clientX - box.left - plane.left)));
      };
      plane.plot.style.cursor = "pointer";
      plane.plot.addEventListener("pointerdown", (event) => {
        if (event.button || event.pointerType === "touch") return; // a finger may be about to scroll: only its taps count
        event.preventDefault();
        group.focus({ preventScroll: true });
        plane.plot.setPointerCapture(event.pointerId);
        pick(event);
        plane.plot.addEventListener("pointermove", pick);
        const end = () => plane.plot.removeEventListener("pointermove", pick);
        plane.plot.addEventListener("pointerup", end, { once: true });
        plane.plot.addEventListener("pointercancel", end, { once: true });
      });
      plane.plot.addEventListener("click", (event) => event.pointerType === "touch" && pick(event));

      return {
        plane,
        place(box) {
          plane.place(box);
          plane.domains([-0.5, columns - 0.5], [-0.5, rows - 0.5]);
          const [w, h] = [box.width / columns, box.height / rows];
          const label = (axis, values) =>
            axis.querySelectorAll(".tick text").forEach((node, i) => (node.textContent = values[i]));
          const [xAxis, yAxis] = plane.group.querySelectorAll(".fax-axis");
          label(xAxis, strengths);
          label(yAxis, scales);
          for (const { box: cell, text, row, column } of boxes) {
            const [x, y] = [plane.x(column), plane.y(row)];
            set(cell, { x: x - w / 2 + 0.5, y: y - h / 2 + 0.5, width: w - 1, height: h - 1 });
            set(text, { x, y });
          }
          for (const [node, out] of [[focus, -1], [rim, 2], [ring, 2]]) set(node, { x: -w / 2 + out, y: -h / 2 + out, width: w - 2 * out, height: h - 2 * out });
        },
        draw({ values, arrays }) {
          const start = values.time * rows * columns;
          for (const { box, title, text, row, column } of boxes) {
            const value = arrays[name][start + row * columns + column];
            const digits = number(value);
            box.style.fill = fills[name](value);
            if (text.textContent !== digits) text.textContent = digits;
            title.textContent = `weights × ${scales[row]}, feedback × ${strengths[column]}: ${names[name]} ${digits}`;
          }
          let d = "";
          const inside = (row, column) => row >= 0 && column >= 0 && row < rows && column < columns && arrays.helps[start + row * columns + column] > 0;
          for (let row = 0; row <= rows; row++)
            for (let column = 0; column <= columns; column++) {
              const [x0, x1, y0, y1] = [plane.x(column - 0.5), plane.x(column + 0.5), plane.y(row - 0.5), plane.y(row + 0.5)];
              if (inside(row, column) !== inside(row - 1, column)) d += `M${x0},${y0}H${x1}`;
              if (inside(row, column) !== inside(row, column - 1)) d += `M${x0},${y0}V${y1}`;
            }
          set(outline, { d });
          const [row, column] = [scales.indexOf(values.scale), strengths.indexOf(values.strength)];
          const at = start + row * columns + column;
          set(group, {
            transform: `translate(${plane.x(column)},${plane.y(row)})`,
            "aria-valuenow": row * columns + column,
            "aria-valuetext": `weights × ${values.scale}, feedback × ${values.strength}: accuracy ${number(arrays.accuracy[at])}, cosine ${number(arrays.alignment[at])}`,
          });
        },
      };
    }

    const maps = { accuracy: map("accuracy"), alignment: map("alignment") };
    const rowsWord = svg(svgRoot, "text", { class: "fax-name" }, "↑ size of the initial weights");
    const key = svg(svgRoot, "g");
    svg(key, "rect", { x: 1, y: -10, width: 16, height: 12, fill: "none", style: `stroke:${color("ink")}`, "stroke-width": 2.4 });
    const keyWords = [0, 1].map(() => svg(key, "text", { x: 26, class: "fax-name" }));

    // -- The run --------------------------------------------------------------------------------

    function lines(options, roles) {
      const plot = chart(svgRoot, { xLabel: "epochs", ...options });
      const nodes = Object.fromEntries(
        Object.entries(roles).map(([name, role]) => {
          const band = svg(plot.plot, "path", { style: `fill:${color(role)}`, opacity: 0.16 });
          const base = { fill: "none", style: `stroke:${color(role)}`, "stroke-width": 2.4, "stroke-dasharray": dashes(role) || null };
          return [name, { band, rest: svg(plot.plot, "path", { ...base, opacity: 0.3 }), line: svg(plot.plot, "path", { ...base, class: `fax-run-${name}` }) }];
        }),
      );
      const now = svg(plot.plot, "line", { style: `stroke:${color("ink")}`, "stroke-width": 1.2 });
      const labels = svg(plot.over, "g");
      return {
        plot,
        draw({ values, arrays }, label) {
          const { epochs } = arrays;
          const count = epochs.length;
          const line = (name, k, to = count) => trace(to, (i) => plot.x(epochs[i]), (i) => plot.y(arrays[name][3 * i + k]));
          for (const [name, { band, rest, line: node }] of Object.entries(nodes)) {
            const down = trace(count, (i) => plot.x(epochs[count - 1 - i]), (i) => plot.y(arrays[name][3 * (count - 1 - i) + 1]));
            set(band, { d: `${line(name, 2)}L${down.slice(1)}Z` });
            set(rest, { d: line(name, 0) });
            set(node, { d: line(name, 0, values.time + 1) });
          }
          const x = plot.x(epochs[values.time]);
          set(now, { x1: x, x2: x, y2: plot.height, opacity: values.time < last ? 1 : 0 });
          words(
            labels,
            Object.keys(nodes).map((name) => ({ ...label(name), x: plot.width + 6, y: plot.y(arrays[name][3 * (count - 1)]) })),
            { top: 4, bottom: plot.height - 2 },
          );
        },
      };
    }

    const accuracy = lines({ yLabel: "test accuracy of this cell" }, { bp: "bp", output_only: "output_only", fa: "fa" });
    const cosines = lines({ yLabel: "cosines of its hidden layers", yTicks: 3 }, Object.fromEntries(Object.entries(LAYERS).map(([name, [role]]) => [name, role])));
    const above = svg(cosines.plot.plot, "rect", { style: `fill:${color("aligned")}` });
    const below = svg(cosines.plot.plot, "rect", { style: `fill:${color("anti_aligned")}` });
    cosines.plot.plot.prepend(above, below);
    const zero = svg(cosines.plot.plot, "line", { style: `stroke:${color("muted")}` });

    function layout(width) {
      const wide = width >= 600;
      const [left, top] = [34, 40];
      const mapWidth = wide ? (width - 2 * left - 8) / 2 : width - left - 4;
      const mapHeight = rows * 34;
      const second = wide ? { left: 2 * left + mapWidth + 4, top } : { left, top: top + mapHeight + 66 };
      maps.accuracy.place({ left, top, width: mapWidth, height: mapHeight });
      maps.alignment.place({ ...second, width: mapWidth, height: mapHeight });
      set(rowsWord, { x: 0, y: 12 });
      let y = second.top + mapHeight + 58;
      set(key, { transform: `translate(${left},${y})` });
      const whole = "outlined: better than its output layer alone";
      const seeds = "in at least 9 of 10 seeds";
      keyWords[0].textContent = wide ? `${whole}, ${seeds}` : whole;
      keyWords[1].textContent = wide ? "" : seeds;
      set(keyWords[1], { y: 17 });
      y += wide ? 42 : 58;
      const height = 150;
      const place = (node, x, at, w, room) => node.plot.place({ left: x, top: at, width: w - room, height });
      if (wide) {
        const half = (width - 2 * left - 8) / 2;
        place(accuracy, left, y, half, 124);
        place(cosines, 2 * left + half + 4, y, half, 54);
      } else {
        place(accuracy, left, y, width - left, 134);
        place(cosines, left, y + height + 66, width - left, 134);
      }
      accuracy.plot.domains([0, 10], [0, 1]);
      cosines.plot.domains([0, 10], [-1, 1]);
      const level = cosines.plot.y(0);
      set(above, { width: cosines.plot.width, height: level });
      set(below, { y: level, width: cosines.plot.width, height: height - level });
      set(zero, { x2: cosines.plot.width, y1: level, y2: level });
      const end = (wide ? y : y + height + 66) + height + 40;
      set(svgRoot, { viewBox: `0 0 ${width} ${end}`, height: end });
    }

    return {
      layout,
      draw(state) {
        shown = state;
        for (const one of Object.values(maps)) one.draw(state);
        accuracy.draw(state, (name) => ({ text: LINES[name], role: name }));
        cosines.draw(state, (name) => ({ text: LAYERS[name][1], role: LAYERS[name][0] }));
      },
      moment({ values, arrays }) {
        const at = (name) => arrays[name][3 * values.time];
        return { epochs: arrays.epochs[values.time], ...Object.fromEntries([...Object.keys(LINES), ...Object.keys(LAYERS)].map((name) => [name, at(name)])) };
      },
    };
  },
};
