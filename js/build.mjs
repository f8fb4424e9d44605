// Builds the two forms of one bundle: a module for Jupyter, a classic script for pages (browsers refuse modules over file://).
// `node build.mjs FOLDER` writes elsewhere than into the package, to compare.
import { build } from "esbuild";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const folder = process.argv[2] ?? `${here}../fa_teach/explorers/static`;
const common = {
  bundle: true,
  minify: true,
  charset: "utf8",
  target: ["es2022"],
  loader: { ".css": "text" },
  legalComments: "none",
  banner: { js: "/* Built from js/ by `make js`. Contains d3 modules, Copyright Mike Bostock, ISC licence. */" },
};

await build({ ...common, entryPoints: [`${here}src/widget.js`], format: "esm", outfile: `${folder}/explorers.mjs` });
await build({ ...common, entryPoints: [`${here}src/page.js`], format: "iife", outfile: `${folder}/explorers.js` });
