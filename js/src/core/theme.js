// Colours by role, from fa_teach/palette.py, and whether the page is dark.
import palette from "../palette.json";
import css from "./style.css";

const variables = (scheme) =>
  Object.entries(palette[scheme].lines)
    .map(([role, color]) => `--fax-${role}:${color};`)
    .concat(Object.entries(palette[scheme].words).map(([role, color]) => `--fax-word-${role}:${color};`))
    .join("");

/** The colour of a role for lines and marks. */
export const color = (role) => `var(--fax-${role})`;
/** The colour of a role for words, which need more contrast. */
export const wordColor = (role) => `var(--fax-word-${role})`;
/** How a role is called. */
export const nameOf = (role) => palette.names[role];
/** Dashes of a role, for `stroke-dasharray`. */
export const dashes = (role) => palette.dashes[role] ?? "";

export function addStyle(root) {
  const home = root instanceof ShadowRoot ? root : document.head;
  if (home.querySelector("style.fax-style")) return;
  const style = document.createElement("style");
  style.className = "fax-style";
  style.textContent = `.fax{${variables("light")}}.fax[data-scheme="dark"]{${variables("dark")}}${css}`;
  home.append(style);
}

/** The book's theme says so, else JupyterLab, else VS Code, else the system. */
function isDark() {
  const { theme } = document.documentElement.dataset;
  if (theme === "dark" || theme === "light") return theme === "dark";
  const lab = document.body.dataset.jpThemeLight;
  if (lab) return lab === "false";
  if (document.body.matches(".vscode-dark, .vscode-high-contrast")) return true;
  if (document.body.matches(".vscode-light")) return false;
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Keep an element's scheme as the page's. */
export function followScheme(element) {
  const update = () => (element.dataset.scheme = isDark() ? "dark" : "light");
  update();
  const observer = new MutationObserver(update);
  for (const node of [document.documentElement, document.body])
    observer.observe(node, { attributes: true, attributeFilter: ["data-theme", "data-jp-theme-light", "class"] });
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", update);
  return () => {
    observer.disconnect();
    system.removeEventListener("change", update);
  };
}

export const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
