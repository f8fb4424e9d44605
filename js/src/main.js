// The views, one for each explorer: add yours here.
import phasePortrait from "./views/phase_portrait.js";

const all = [phasePortrait];

export const views = Object.fromEntries(all.map((view) => [view.slug, view]));
