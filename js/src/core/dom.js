/** Make an element: `el("button", { class: "x", onclick }, "text", child)`. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  set(node, attributes);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Likewise in SVG, appended to a parent. */
export function svg(parent, tag, attributes = {}, text = null) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  set(node, attributes);
  if (text !== null) node.textContent = text;
  parent?.append(node);
  return node;
}

/** Set attributes; null removes one, functions become listeners. */
export function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === null || value === undefined || value === false) node.removeAttribute(name);
    else node.setAttribute(name, value === true ? "" : value);
  }
  return node;
}

// Jupyter loads this bundle once for each widget: what they share stands outside of it.
const shared = (globalThis[Symbol.for("fa_teach.explorers")] ??= { count: 0 });

/** An id that nothing else on the page has. */
export const fresh = (name) => `fax-${name}-${++shared.count}`;
