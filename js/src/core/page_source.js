// Where values and arrays come from on a page without a kernel: what the build computed over the grid of the controls.
// The same as `Baked.lookup` in fa_teach/explorers/_bake.py.

const TYPES = { uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array, int32: Int32Array, float32: Float32Array };
const unpacked = new Map(); // slug -> data, for a second explorer of the same kind

/** float16 -> number, for all 65,536 of them. */
const HALF = (() => {
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const size =
      exponent === 0 ? fraction * 2 ** -24 : exponent === 31 ? (fraction ? NaN : Infinity) : (1 + fraction / 1024) * 2 ** (exponent - 15);
    table[bits] = bits & 32768 ? -size : size;
  }
  return table;
})();

async function inflate(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Numbers of all cells of one array, and where each cell begins. */
function unpack(blob, header) {
  const { dtype, offset, count, tail, rows } = header;
  const half = dtype === "float16";
  const Type = half ? Uint16Array : TYPES[dtype];
  const size = Type.BYTES_PER_ELEMENT;
  const bytes = new Uint8Array(count * size);
  for (let plane = 0; plane < size; plane++)
    for (let i = 0; i < count; i++) bytes[i * size + plane] = blob[offset + plane * count + i];
  let numbers = new Type(bytes.buffer);
  if (half) numbers = Float32Array.from(numbers, (bits) => HALF[bits]);
  const width = tail.reduce((product, length) => product * length, 1);
  const height = count / width; // columns come one after the other, rows are what is drawn
  if (width > 1) numbers = numbers.map((_, i, columns) => columns[(i % width) * height + Math.floor(i / width)]);
  const cell = Array.isArray(rows) ? (index) => rows[index] : () => rows;
  const starts = [0];
  const many = Array.isArray(rows) ? rows.length : width * rows ? count / (width * rows) : 0;
  for (let index = 0; index < many; index++) starts.push(starts[index] + cell(index) * width);
  return {
    width,
    tail,
    starts,
    /** Rows `from` to `to` of a cell. */
    cell(index, from = 0, to = undefined) {
      const first = starts[index] ?? 0;
      const last = starts[index + 1] ?? 0;
      const part = numbers.subarray(first + from * width, to === undefined ? last : first + to * width);
      return Object.assign(part, { shape: [part.length / width, ...tail] });
    },
  };
}

export class PageSource {
  kind = "page";

  static async read(element) {
    const settings = JSON.parse(element.querySelector(".fa-settings").textContent);
    if (!unpacked.has(settings.slug)) {
      const holder = document.querySelector(`[data-explorer="${settings.slug}"] .fa-data`);
      unpacked.set(settings.slug, PageSource.unpack(JSON.parse(holder.textContent)));
    }
    return new PageSource(settings, await unpacked.get(settings.slug));
  }

  static async unpack(payload) {
    const blob = await inflate(payload.data);
    const parts = payload.parts.map((part) => ({
      ...part,
      arrays: Object.fromEntries(Object.entries(part.arrays).map(([name, header]) => [name, unpack(blob, header)])),
    }));
    return { parts, templates: payload.templates, sentenceAxes: payload.sentences.axes, sentences: unpack(blob, payload.sentences) };
  }

  constructor(settings, data) {
    Object.assign(this, settings, data);
    this.byName = Object.fromEntries(this.controls.map((control) => [control.name, control]));
    this.point = this.controls.find(({ kind }) => kind === "point");
    this.lead = this.parts.find(({ trails }) => trails);
    this.values = {};
    this.settle(settings.values);
  }

  index(axes, values) {
    return axes.reduce((index, name) => {
      const { grid } = this.byName[name];
      return index * grid.length + grid.indexOf(values[name]);
    }, 0);
  }

  /** Row of the trails' point nearest to a place, of those that `allowed` lets through. */
  nearest(part, values, [x, y], allowed = () => true) {
    const points = part.arrays[part.trails].cell(this.index(part.axes, values));
    const { low, high } = this.point;
    let best = -1;
    let least = Infinity;
    for (let row = 0; row < points.shape[0]; row++) {
      const px = points[2 * row];
      const py = points[2 * row + 1];
      if (px < low[0] || px > high[0] || py < low[1] || py > high[1] || !allowed(px, py)) continue;
      const apart = (px - x) ** 2 + (py - y) ** 2;
      if (apart < least) [best, least] = [row, apart];
    }
    return best;
  }

  lattice() {
    const { low, high, counts } = this.point;
    const axis = (i) => Array.from({ length: counts[i] }, (_, k) => low[i] + ((high[i] - low[i]) * k) / Math.max(counts[i] - 1, 1));
    return axis(1).flatMap((y) => axis(0).map((x) => [x, y]));
  }

  snapPoint(values, place, allowed = () => true) {
    if (this.lead) {
      const row = this.nearest(this.lead, values, place, allowed);
      if (row < 0) return null;
      const points = this.lead.arrays[this.lead.trails].cell(this.index(this.lead.axes, values));
      return [points[2 * row], points[2 * row + 1]];
    }
    const near = this.lattice().filter(([x, y]) => allowed(x, y));
    const apart = ([x, y]) => (x - place[0]) ** 2 + (y - place[1]) ** 2;
    return near.length ? near.reduce((best, point) => (apart(point) < apart(best) ? point : best)) : null;
  }

  /** Move every value to the nearest that was computed, and find what belongs to it. */
  settle(wanted) {
    const values = { ...this.values, ...wanted };
    for (const { name, kind, grid } of this.controls)
      if (kind === "range") values[name] = grid.reduce((a, b) => (Math.abs(b - values[name]) < Math.abs(a - values[name]) ? b : a));
    if (this.point) {
      this.wish = wanted[this.point.name] ?? this.wish; // other controls leave the wish where it was
      values[this.point.name] = this.snapPoint(values, this.wish);
    }
    this.values = values;
    this.arrays = {};
    let row = 0;
    for (const part of this.parts) {
      const index = this.index(part.axes, values);
      if (part.trails) {
        const first = this.nearest(part, values, values[this.point.name]);
        if (part === this.lead) row = first;
        const last = part.arrays.stop.cell(index)[first];
        for (const [name, array] of Object.entries(part.arrays))
          if (name !== "stop") this.arrays[name] = array.cell(index, first, last);
        const clock = this.arrays[part.clock];
        if (clock && Number.isFinite(clock[0])) this.arrays[part.clock] = Object.assign(clock.map((time) => time - clock[0]), { shape: clock.shape });
      } else if (part.point) {
        const points = this.lattice();
        const [x, y] = values[this.point.name];
        row = points.findIndex((point) => point[0] === x && point[1] === y);
        for (const [name, array] of Object.entries(part.arrays)) this.arrays[name] = array.cell(index * points.length + row);
      } else {
        for (const [name, array] of Object.entries(part.arrays)) this.arrays[name] = array.cell(index);
      }
    }
    if (this.point && !this.lead) row = this.lattice().findIndex((point) => point.every((x, i) => x === values[this.point.name][i]));
    this.template = this.templates[this.sentences.cell(this.index(this.sentenceAxes, values))[row]];
  }

  set(values) {
    this.settle(values);
    this.changed?.();
  }

  /** Move a point by the keyboard: to the nearest computed one that lies in this direction. */
  nudge([dx, dy]) {
    const { name, step } = this.point;
    const [x, y] = this.values[name];
    const ahead = (px, py) => {
      const along = (px - x) * dx + (py - y) * dy;
      const across = Math.abs((px - x) * dy - (py - y) * dx);
      return along > step / 4 && across <= along;
    };
    const next = this.snapPoint(this.values, [x + step * dx, y + step * dy], ahead);
    if (next) this.set({ [name]: next });
  }

  listen(changed) {
    this.changed = changed;
  }

  destroy() {}
}
