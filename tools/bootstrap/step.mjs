import { spawn } from "node:child_process";
import { childEnvironment, root } from "./environment.mjs";
import { explainFailure } from "./explain.mjs";

/** A step that failed, told so that the reader knows what to do. */
export class BootstrapError extends Error {}

/** How much of a command's output is kept to show when it fails. */
const KEPT_OUTPUT_CHARACTERS = 64_000;

/**
 * Runs one command, prints its title and its seconds, and shows the output only when it fails.
 * @param {{ title: string, command: string, args: string[], quiet?: boolean }} step `quiet`: no line when it succeeds within a second
 * @returns {Promise<void>} rejects with BootstrapError
 */
export async function runStep({ title, command, args, quiet = false }) {
  const startedAtMs = Date.now();
  if (!quiet) process.stderr.write(`[setup] ${title} …\n`);
  const { code, output } = await run(command, args);
  const seconds = (Date.now() - startedAtMs) / 1000;
  if (code !== 0) {
    process.stderr.write(output.endsWith("\n") ? output : `${output}\n`);
    throw new BootstrapError(`${title} failed.\n${explainFailure(output, command)}`);
  }
  if (!quiet || seconds >= 1) process.stderr.write(`[setup] ${title}: ${seconds.toFixed(1)} s\n`);
}

/**
 * Runs a command with its output captured; a signal to this process ends it too.
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<{ code: number, output: string }>} code 127 when the command does not exist
 */
export function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: childEnvironment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    /** @param {Buffer} chunk */
    const keep = (chunk) => {
      output = (output + chunk.toString()).slice(-KEPT_OUTPUT_CHARACTERS);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    /** @param {NodeJS.Signals} signal */
    const stop = (signal) => {
      child.kill(signal);
      process.exit(signal === "SIGINT" ? 130 : 143);
    };
    process.on("SIGINT", stop).on("SIGTERM", stop);
    const settle = (/** @type {number} */ code) => {
      process.off("SIGINT", stop).off("SIGTERM", stop);
      resolve({ code, output });
    };
    child.on("error", (error) => {
      output += `${error.message}\n`;
      settle(127);
    });
    child.on("close", (code) => settle(code ?? 1));
  });
}
