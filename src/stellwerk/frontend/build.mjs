// Builds dist/ from src/: app.css, app.js, held.js and lazily loaded chunks.
//
//   node build.mjs            one production build
//   node build.mjs --watch    rebuild on every change, with source maps
//
// Output names are stable; Django's manifest storage adds the content hash.
import { copyFile, mkdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import path from "node:path";
import * as esbuild from "esbuild";
import * as sass from "sass";

const here = path.dirname(fileURLToPath(import.meta.url));
const watch = process.argv.includes("--watch");

// Tabler ships Sass: compiling only the parts that we use keeps app.css at a fraction of its 650 kB.
const sassFiles = {
  name: "sass",
  setup(build) {
    build.onLoad({ filter: /\.scss$/ }, async ({ path: file }) => {
      const result = await sass.compileAsync(file, {
        loadPaths: [path.join(here, "node_modules")],
        quietDeps: true,
        logger: sass.Logger.silent,
      });
      const watchFiles = result.loadedUrls.map((url) => fileURLToPath(url));
      return { contents: result.css, loader: "css", watchFiles };
    });
  },
};

const options = {
  absWorkingDir: here,
  entryPoints: [
    { in: "src/app.ts", out: "app" },
    { in: "src/held.ts", out: "held" },
    { in: "src/app.css", out: "app" },
  ],
  outdir: "dist",
  bundle: true,
  splitting: true,
  format: "esm",
  target: ["chrome123", "firefox121", "safari17.5"],
  chunkNames: "chunks/[name]-[hash]",
  minify: !watch,
  sourcemap: watch,
  legalComments: "linked",
  logLevel: "info",
  plugins: [sassFiles],
  external: ["./inter-*.woff2"],
};

// The typeface keeps a name of its own, so that pages can ask for it before the style sheet does.
const typeface = path.join(here, "node_modules/@fontsource-variable/inter");
const typefaceFiles = {
  "files/inter-latin-wght-normal.woff2": "inter-latin.woff2",
  "files/inter-latin-ext-wght-normal.woff2": "inter-latin-ext.woff2",
  LICENSE: "inter-LICENSE.txt",
};

await rm(path.join(here, "dist"), { recursive: true, force: true });
await mkdir(path.join(here, "dist"));
await copyFile(path.join(here, "src/icon.svg"), path.join(here, "dist/icon.svg"));
for (const [from, to] of Object.entries(typefaceFiles)) {
  await copyFile(path.join(typeface, from), path.join(here, "dist", to));
}
if (watch) {
  const context = await esbuild.context(options);
  await context.watch();
} else {
  await esbuild.build(options);
}
