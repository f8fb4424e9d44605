// One element for each kind of control. Each returns { element, update(value) } and calls `change(value, live)`.
import { el, fresh } from "./dom.js";
import { spoken } from "./text.js";

/** A slider. On a page without a kernel it steps through the grid. */
function range(control, { snapping, change }) {
  const id = fresh(control.name);
  const output = el("output", { for: id, class: "fax-value" });
  const bounds = snapping ? { min: 0, max: control.grid.length - 1, step: 1 } : { min: control.low, max: control.high, step: control.step };
  const read = () => (snapping ? control.grid[Number(input.value)] : Number(input.value));
  const input = el("input", { type: "range", id, ...bounds, oninput: () => change(read()) });
  return {
    element: el("div", { class: "fax-control fax-range" }, el("label", { for: id }, control.label), output, input),
    update(value) {
      input.value = snapping ? control.grid.indexOf(value) : value;
      const text = spoken(control, value);
      output.textContent = text;
      input.setAttribute("aria-valuetext", text);
    },
  };
}

/** Radio buttons in a row. */
function choice(control, { change }) {
  const name = fresh(control.name);
  // in the grid's order: objects put keys that are whole numbers first
  const inputs = control.grid.map((value) => {
    const text = control.options[value];
    const input = el("input", { type: "radio", name, value, onchange: () => change(value) });
    return { value, input, element: el("label", {}, input, el("span", {}, text)) };
  });
  return {
    element: el(
      "fieldset",
      { class: "fax-control fax-choice" },
      el("legend", {}, control.label),
      el("div", { class: "fax-options" }, ...inputs.map(({ element }) => element)),
    ),
    update(value) {
      for (const option of inputs) option.input.checked = option.value === value;
    },
  };
}

function toggle(control, { change }) {
  const input = el("input", { type: "checkbox", onchange: () => change(input.checked) });
  return {
    element: el("div", { class: "fax-control fax-toggle" }, el("label", {}, input, el("span", {}, control.label))),
    update(value) {
      input.checked = value;
    },
  };
}

/** Play, pause, step, scrub, speed. `tell` hears of it when the motion stops. */
function player(control, { change, tell, reducedMotion }) {
  const last = control.frames - 1;
  let frame = control.default;
  let timer = null;
  let begun = 0;
  let from = 0;
  const go = (value) => change(Math.min(Math.max(value, 0), last), true);
  const pause = () => {
    cancelAnimationFrame(timer);
    timer = null;
    show();
    tell();
  };
  const tick = (now) => {
    const passed = ((now - begun) / 1000) * Number(speed.value);
    const target = from + Math.floor((passed / control.seconds) * last);
    if (target !== frame) go(target);
    if (frame >= last) pause();
    else timer = requestAnimationFrame(tick);
  };
  const start = () => {
    from = frame >= last ? 0 : frame;
    if (reducedMotion()) return go(frame >= last ? 0 : frame + Math.ceil(last / 10)); // a step at a time
    go(from);
    begun = performance.now();
    timer = requestAnimationFrame(tick);
    show();
  };
  const step = (by) => {
    if (timer !== null) pause();
    go(frame + by);
    tell();
  };
  const icon = (name) => el("span", { class: `fax-icon fax-${name}`, "aria-hidden": "true" });
  const play = el("button", { type: "button", class: "fax-play", onclick: () => (timer === null ? start() : pause()) });
  const back = el("button", { type: "button", "aria-label": "one step back", onclick: () => step(-1) }, icon("back"));
  const forth = el("button", { type: "button", "aria-label": "one step forward", onclick: () => step(1) }, icon("forth"));
  const scrub = el("input", {
    type: "range",
    min: 0,
    max: last,
    step: 1,
    "aria-label": control.label,
    oninput: () => {
      if (timer !== null) pause();
      go(Number(scrub.value));
    },
    onchange: tell,
  });
  const speed = el(
    "select",
    {
      "aria-label": "speed",
      onchange: () => {
        from = frame;
        begun = performance.now();
      },
    },
    ...[0.25, 0.5, 1, 2, 4].map((value) => el("option", { value, selected: value === 1 }, `${value}×`)),
  );
  const show = () => {
    const playing = timer !== null;
    play.replaceChildren(icon(playing ? "pause" : "run"));
    play.setAttribute("aria-label", playing ? "pause" : "play");
  };
  show();
  return {
    element: el("div", { class: "fax-control fax-player", role: "group", "aria-label": control.label }, play, back, forth, scrub, speed),
    update(value, text) {
      frame = value;
      scrub.value = value;
      scrub.setAttribute("aria-valuetext", text ?? `${value} of ${last}`);
    },
    stop() {
      cancelAnimationFrame(timer);
      timer = null;
      show();
    },
  };
}

export const kinds = { range, choice, toggle, player };
