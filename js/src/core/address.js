// State in the address: #phase-portrait:b=-0.5&start=-2,1 or #phase-portrait:preset=fails, and hide=b,t or hide=all.

/** What a fragment says: the explorer's id and its fields; null if it is none of ours. */
export function parse(fragment) {
  const match = /^#?([\w-]+):(.*)$/.exec(decodeURIComponent(fragment));
  if (!match) return null;
  const fields = Object.fromEntries(
    match[2]
      .split("&")
      .filter(Boolean)
      .map((field) => {
        const at = field.indexOf("=");
        return at < 0 ? [field, ""] : [field.slice(0, at), field.slice(at + 1)];
      }),
  );
  return { id: match[1], fields };
}

/** Text of the address to a value that the control allows; undefined if it does not. */
export function readValue(control, text) {
  if (control.kind === "choice") return control.grid.includes(text) ? text : undefined;
  if (control.kind === "toggle") return { on: true, off: false }[text];
  const numbers = text.split(",").map(Number);
  if (text === "" || numbers.some((value) => !Number.isFinite(value))) return undefined;
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  if (control.kind === "point") return numbers.length === 2 ? numbers.map((v, i) => clamp(v, control.low[i], control.high[i])) : undefined;
  if (control.kind === "player") return clamp(Math.round(numbers[0]), 0, control.frames - 1);
  return clamp(numbers[0], control.low, control.high);
}

const short = (value) => String(Number(value.toFixed(3)));

export function writeValue(control, value) {
  if (control.kind === "toggle") return value ? "on" : "off";
  if (control.kind === "point") return value.map(short).join(",");
  return typeof value === "number" ? short(value) : value;
}

/** Have the page's explorers follow links and the address. */
export function follow(apps) {
  const apply = (fragment, smooth) => {
    const state = parse(fragment);
    const app = state && apps.get(state.id);
    if (!app) return false;
    app.restore(state.fields);
    app.show(smooth);
    return true;
  };
  apply(location.hash, false);
  addEventListener("hashchange", () => apply(location.hash, true));
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const here = new URL(link.href);
    if (here.pathname !== location.pathname || here.host !== location.host) return;
    if (apply(here.hash, true)) {
      event.preventDefault(); // also when the address names this state already
      history.replaceState(null, "", here.hash);
    }
  });
}
