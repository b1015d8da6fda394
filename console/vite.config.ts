import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { precompress } from "./build/precompress.ts";

const platform = process.env.AUTOMIO_BASE_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  // Where the control plane serves what is built here; `index.html` itself is served at every page's address.
  base: "/static/console/",
  plugins: [react(), precompress()],
  resolve: { alias: { "@": new URL("./src", import.meta.url).pathname } },
  build: {
    outDir: "../platform_api/web/console",
    emptyOutDir: true,
    manifest: true,
    target: "es2023",
    // The policy allows no script in the page; the polyfill would be one.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
    // What the first screen needs is one file: many small ones are as many requests before anything is shown.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "first", tags: ["$initial"] }] } } },
  },
  server: { proxy: { "/api": platform, "/docs": platform, "/openapi.json": platform } },
});
