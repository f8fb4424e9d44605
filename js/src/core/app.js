// One explorer on the page: presets, view, words, controls; with a kernel or without.
import { views } from "../main.js";
import { readValue, writeValue } from "./address.js";
import { kinds } from "./controls.js";
import { el } from "./dom.js";
import { fill, knows } from "./text.js";
import { addStyle, followScheme, reducedMotion } from "./theme.js";

const same = (a, b) => (Array.isArray(a) ? a.every((x, i) => Math.abs(x - b[i]) < 1e-3) : a === b);

export class App {
  constructor(place, source, id = null) {
    this.source = source;
    this.id = id;
    this.spec = views[source.slug];
    this.hidden = new Set(source.hidden);
    this.build(place);
    source.listen(() => this.draw());
    this.resize = new ResizeObserver(() => this.layout());
    this.resize.observe(this.stage);
    this.layout();
  }

  // -- Building -------------------------------------------------------------------------------

  build(place) {
    const { controls, presets, title } = this.source;
    addStyle(place.getRootNode());
    this.presetButtons = Object.entries(presets).map(([name, { label }]) => ({
      name,
      element: el("button", { type: "button", onclick: () => this.preset(name) }, label),
    }));
    this.controls = controls
      .filter(({ kind }) => kind in kinds)
      .map((control) => ({
        control,
        ...kinds[control.kind](control, {
          snapping: this.source.kind === "page",
          change: (value, quiet = false) => this.set({ [control.name]: value }, { quiet }),
          tell: () => this.tell(),
          reducedMotion,
        }),
      }));
    this.presetRow = el(
      "div",
      { class: "fax-presets", role: "group", "aria-label": "examples" },
      ...this.presetButtons.map(({ element }) => element),
    );
    this.reset = el("button", { type: "button", class: "fax-quiet", onclick: () => this.preset(null) }, "reset");
    this.copy =
      this.id && el("button", { type: "button", class: "fax-quiet", onclick: () => this.copyLink() }, "copy link");
    this.stage = el("div", { class: "fax-stage" });
    this.words = el("p", { class: "fax-words" });
    this.live = el("p", { class: "fax-live", role: "status", "aria-live": "polite" });
    this.error = el("p", { class: "fax-error", role: "alert", hidden: true });
    const playing = this.controls.filter(({ control }) => control.kind === "player");
    const others = this.controls.filter(({ control }) => control.kind !== "player");
    this.panel = el("div", { class: "fax-panel" }, ...others.map(({ element }) => element));
    this.tools = el("div", { class: "fax-tools" }, this.reset, this.copy);
    this.root = el(
      "div",
      { class: "fax", role: "group", "aria-label": title },
      el("div", { class: "fax-top" }, this.presetRow, this.tools),
      this.panel,
      this.stage,
      ...playing.map(({ element }) => element),
      this.words,
      this.error,
      this.live,
    );
    // JupyterLab would take the arrow keys for itself; it looks for this mark on what has the focus
    this.root.addEventListener("focusin", ({ target }) => target.setAttribute("data-lm-suppress-shortcuts", "true"));
    this.unfollow = followScheme(this.root);
    place.append(this.root);
    this.view = this.spec.create(this.stage, {
      control: Object.fromEntries(controls.map((control) => [control.name, control])),
      set: (values) => this.set(values),
      nudge: (direction) => this.nudge(direction),
      tell: () => this.tell(),
      reducedMotion,
    });
    this.hide();
  }

  /** What a teacher hides is gone for the keyboard, too. */
  hide() {
    const all = this.hidden.has("all");
    for (const { control, element } of this.controls) element.hidden = all || this.hidden.has(control.name);
    this.presetRow.hidden = all || this.hidden.has("presets") || !this.presetButtons.length;
    this.panel.hidden = [...this.panel.children].every((child) => child.hidden);
    this.tools.hidden = all || this.hidden.has("tools");
    const points = this.source.controls.filter(({ kind }) => kind === "point");
    this.stage.classList.toggle("fax-fixed", points.some(({ name }) => all || this.hidden.has(name)));
  }

  // -- Setting --------------------------------------------------------------------------------

  set(values, { quiet = false } = {}) {
    const player = this.source.controls.find(({ kind }) => kind === "player");
    // what moves is seen to its end, unless time itself is what is set
    const ended = player && !(player.name in values) ? { [player.name]: player.default } : {};
    for (const control of this.controls) if (player && control.control === player && player.name in ended) control.stop();
    this.touched = true;
    this.source.set({ ...ended, ...values });
    if (!quiet) this.tell();
  }

  nudge(direction) {
    this.touched = true;
    const point = this.source.controls.find(({ kind }) => kind === "point");
    if (this.source.nudge) this.source.nudge(direction);
    else {
      const next = this.source.values[point.name].map((x, i) =>
        Math.min(Math.max(Math.round((x + direction[i] * point.step) / point.step) * point.step, point.low[i]), point.high[i]),
      );
      this.source.set({ [point.name]: next });
    }
    this.tell();
  }

  defaults() {
    return Object.fromEntries(this.source.controls.map(({ name, default: value }) => [name, value]));
  }

  /** A preset, or without a name the state at rest. */
  preset(name) {
    this.set({ ...this.defaults(), ...(name === null ? {} : this.source.presets[name].values) });
  }

  currentPreset() {
    const { values, presets } = this.source;
    const wished = (expected) => Object.entries({ ...this.defaults(), ...expected }).every(([key, value]) => same(value, values[key]));
    return Object.keys(presets).find((name) => wished(presets[name].values)) ?? null;
  }

  // -- Address --------------------------------------------------------------------------------

  restore(fields) {
    const { preset, hide, ...rest } = fields;
    const values = { ...this.defaults(), ...(this.source.presets[preset]?.values ?? {}) };
    for (const control of this.source.controls) {
      const value = control.name in rest ? readValue(control, rest[control.name]) : undefined;
      if (value !== undefined) values[control.name] = value;
    }
    if (hide !== undefined) this.hidden = new Set(hide.split(",").filter(Boolean));
    this.hide();
    this.touched = true;
    this.source.set(values);
    this.tell();
  }

  fragment() {
    const { controls, values } = this.source;
    const name = this.currentPreset();
    const fields = name
      ? [`preset=${name}`]
      : controls
          .filter((control) => !same(control.default, values[control.name]))
          .map((control) => `${control.name}=${writeValue(control, values[control.name])}`);
    if (this.hidden.size) fields.push(`hide=${[...this.hidden].join(",")}`);
    return `#${this.id}:${fields.join("&")}`;
  }

  remember() {
    if (!this.id || !this.touched) return;
    clearTimeout(this.remembering);
    this.remembering = setTimeout(() => history.replaceState(null, "", this.fragment()), 200);
  }

  async copyLink() {
    const link = location.href.replace(/#.*/, "") + this.fragment();
    history.replaceState(null, "", this.fragment());
    let done = true;
    await navigator.clipboard?.writeText(link).catch(() => (done = false));
    this.copy.textContent = navigator.clipboard && done ? "copied" : "it is in the address";
    setTimeout(() => (this.copy.textContent = "copy link"), 2000);
  }

  show(smooth) {
    // One that is higher than the window begins at its top, where its presets are.
    const block = this.root.offsetHeight > innerHeight - 80 ? "start" : "center";
    this.root.scrollIntoView({ behavior: smooth && !reducedMotion() ? "smooth" : "instant", block });
  }

  // -- Drawing --------------------------------------------------------------------------------

  layout() {
    const width = Math.floor(this.stage.clientWidth);
    if (!width || width === this.width) return;
    this.width = width;
    this.view.layout?.(width);
    this.draw();
  }

  draw() {
    const { values, arrays, template, error, moment } = this.source;
    if (!this.width) return;
    const state = { values, arrays };
    this.view.draw(state);
    let text = fill(template, arrays, values);
    let clock;
    const player = this.source.controls.find(({ kind }) => kind === "player");
    if (player && this.view.moment) {
      const now = this.view.moment(state);
      clock = fill(moment.find((template) => knows(template, now)) ?? "", now);
      if (values[player.name] < player.frames - 1) text = clock;
    }
    for (const { control, update } of this.controls) update(values[control.name], control.kind === "player" ? clock : undefined);
    const preset = this.currentPreset();
    for (const { name, element } of this.presetButtons) element.setAttribute("aria-pressed", String(name === preset));
    this.words.textContent = text;
    this.error.hidden = !error;
    this.error.textContent = error ? `This could not be computed. ${error}` : "";
    this.root.classList.toggle("fax-failed", Boolean(error));
    this.remember();
    if (this.waiting) this.tell();
  }

  /** Read the sentence out, once things have come to rest. */
  tell() {
    this.waiting = true;
    clearTimeout(this.telling);
    this.telling = setTimeout(() => {
      this.waiting = false;
      this.live.textContent = this.words.textContent;
    }, 500);
  }

  destroy() {
    this.resize.disconnect();
    this.unfollow();
    for (const { stop } of this.controls) stop?.();
    this.source.destroy();
  }
}
