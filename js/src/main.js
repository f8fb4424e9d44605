// The views, one for each explorer: add yours here.
import alignedButPoor from "./views/aligned_but_poor.js";
import emergence from "./views/emergence.js";
import halfSpace from "./views/half_space.js";
import leaving from "./views/leaving.js";
import phasePortrait from "./views/phase_portrait.js";
import spectrum from "./views/spectrum.js";

const all = [phasePortrait, halfSpace, spectrum, leaving, emergence, alignedButPoor];

export const views = Object.fromEntries(all.map((view) => [view.slug, view]));
