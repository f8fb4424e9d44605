// Where values and arrays come from in Jupyter: the kernel computes whatever is asked for.

const TYPES = { float32: Float32Array, int32: Int32Array };

/** Numbers as they came over the wire, flattened, with their shape. */
function decode({ dtype, shape, data }) {
  const bytes = data instanceof ArrayBuffer ? data : data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  return Object.assign(new TYPES[dtype](bytes), { shape });
}

export class KernelSource {
  kind = "kernel";

  constructor(model) {
    this.model = model;
    this.slug = model.get("_slug");
    this.title = model.get("_title");
    this.controls = model.get("_controls");
    this.presets = model.get("_presets");
    this.moment = model.get("_moment");
    this.hidden = model.get("_hidden");
    this.read();
  }

  read() {
    this.values = Object.fromEntries(this.controls.map(({ name }) => [name, this.model.get(name)]));
    this.arrays = Object.fromEntries(Object.entries(this.model.get("_arrays")).map(([name, array]) => [name, decode(array)]));
    this.template = this.model.get("_template");
    this.error = this.model.get("_error");
  }

  /** Ask for values; what they give comes when the kernel has computed it. */
  set(values) {
    Object.assign(this.values, values);
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    this.model.save_changes();
    this.changed?.();
  }

  /** Call back whenever a value or an array changed, on whichever side. */
  listen(changed) {
    this.changed = changed;
    const names = ["_arrays", "_template", "_error", "_hidden", ...this.controls.map(({ name }) => name)];
    this.heard = () => {
      this.hidden = this.model.get("_hidden");
      this.read();
      changed();
    };
    for (const name of names) this.model.on(`change:${name}`, this.heard);
  }

  destroy() {
    this.model.off(null, this.heard);
  }
}
