import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const server = process.env.SLIPWAY_ADDRESS ?? "http://127.0.0.1:8080";

// Once here in place of at every request.
const compress: Plugin = {
  name: "compress",
  apply: "build",
  closeBundle() {
    for (const name of readdirSync("dist/assets")) {
      const file = `dist/assets/${name}`;
      writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }));
      rmSync(file);
    }
  },
};

export default defineConfig({
  base: "/console/",
  plugins: [react(), compress],
  build: {
    target: "es2022",
    // Everything is a file of its own, so that the page's policy needs no `data:` for scripts.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 4096,
  },
  worker: { format: "es" },
  server: { proxy: { "/graphql": { target: server, ws: true }, "/schema.graphql": server } },
});
