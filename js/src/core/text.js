// Sentences and numbers. The same as `fill` in fa_teach/explorers/_bake.py.

export const MINUS = "\u2212";

const FIELD = /\{(\w+)(?:\[(-?\d+)\])?:(\+?)\.(\d)([f%])\}/g;

/** A number with a true minus sign; `plus` writes the sign of positive ones, too. */
export function number(value, digits = 2, plus = false) {
  if (!Number.isFinite(value)) return value > 0 ? "\u221e" : value < 0 ? `${MINUS}\u221e` : "undefined";
  const text = Math.abs(value).toFixed(digits);
  const zero = Number(text) === 0;
  return (value < 0 && !zero ? MINUS : plus && !zero ? "+" : "") + text;
}

/** Put numbers into a sentence's fields `{name[-1]:+.2f}`. */
export function fill(template, ...sources) {
  return template.replace(FIELD, (field, name, index, plus, digits, kind) => {
    const source = sources.find((candidate) => name in candidate);
    if (!source) return field;
    const found = source[name];
    const value = typeof found === "object" ? found.at(Number(index ?? 0)) : found;
    return kind === "%" ? `${number(100 * value, Number(digits), plus === "+")}%` : number(value, Number(digits), plus === "+");
  });
}

/** Whether a source has all fields of a sentence. */
export const knows = (template, source) => [...template.matchAll(FIELD)].every(([, name]) => name in source);

/** The value of a control, for its label and for screen readers. */
export function spoken(control, value) {
  if (control.kind === "choice") return control.options[value];
  if (control.kind === "toggle") return value ? "on" : "off";
  if (control.kind === "point") return `${number(value[0])}, ${number(value[1])}`;
  const text = String(Number(Number(value).toPrecision(6))).replace("-", MINUS);
  if (control.unit === "°") return `${text}°`;
  return control.unit ? `${text} ${control.unit}` : text;
}
