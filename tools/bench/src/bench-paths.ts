import { homedir } from "node:os";
import { join } from "node:path";

const here = import.meta.dirname;

/** Folder of the kit. */
export const BENCH_FOLDER = join(here, "..");

/** Where built programs, request bodies, peers and logs live; `BENCH_WORK` changes it. */
export const WORK_FOLDER =
  process.env["BENCH_WORK"] ??
  join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "vllm-router", "bench");

/** Request bodies, one JSON object a line. */
export const BODIES_FOLDER = join(WORK_FOLDER, "bodies");

/** Tokenizer of the mock engine. */
export const TOKENIZER_FOLDER = join(WORK_FOLDER, "tokenizer");

/** A program of the rig. */
export function rigProgram(name: "mockengine" | "loadgen"): string {
  return join(WORK_FOLDER, "target", "release", name);
}
