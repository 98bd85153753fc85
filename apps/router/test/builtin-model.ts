import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Folder of the simulator's built-in model. */
export const BUILTIN_MODEL: string = join(
  dirname(createRequire(import.meta.url).resolve("@vllm-router/simulator/package.json")),
  "assets",
  "model",
);
