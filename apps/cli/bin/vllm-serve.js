#!/usr/bin/env node
// An older Node gets a sentence instead of a stack, so nothing else is loaded before this.
import module from "node:module";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major > 22 || (major === 22 && minor >= 18)) {
  // Compiled code is kept in the machine's folder for temporary files; NODE_DISABLE_COMPILE_CACHE=1 turns that off.
  module.enableCompileCache();
  await import("../dist/main.js");
} else {
  process.stderr.write("vllm-serve: needs Node 22.18 or newer, this is " + process.version + "\n");
  process.exitCode = 1;
}
