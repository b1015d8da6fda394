import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const compressible = /\.(js|css|svg|json|html)$/;
/** Below this many bytes a compressed copy saves nothing. */
const minBytes = 1000;

/** Writes `name.br` and `name.gz` beside each text file, so that the server compresses nothing. */
export function precompress(): Plugin {
  return {
    name: "precompress",
    apply: "build",
    writeBundle(options) {
      const directory = join(options.dir ?? "", "assets");
      for (const name of readdirSync(directory)) {
        const path = join(directory, name);
        const content = compressible.test(name) ? readFileSync(path) : Buffer.alloc(0);
        if (content.length < minBytes) continue;
        const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } };
        writeFileSync(`${path}.br`, brotliCompressSync(content, quality));
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
      }
    },
  };
}
