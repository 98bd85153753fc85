import { root } from "./environment.mjs";

/** @type {ReadonlyArray<{ sign: RegExp, advice: string }>} */
const EXPLANATIONS = [
  {
    sign: /spawn npm ENOENT/,
    advice: "npm was not found. Install Node 20 or newer together with npm, and put both on PATH.",
  },
  {
    sign: /ENOSPC|no space left/i,
    advice: `The disk is full. About 1.5 GB are needed below ${root} and in the package cache; free some space and run the same command again.`,
  },
  {
    sign: /EACCES|EPERM|EROFS/,
    advice: `A file could not be written. Make ${root} (and npm's cache folder) writable for you and run the same command again.`,
  },
  {
    sign: /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|META_FETCH_FAIL/,
    advice:
      "The npm registry could not be reached. Check the network and the proxy settings; `npm config get registry` shows the address in use, `npm ping` tries it.",
  },
  {
    sign: /\bE404\b|ETARGET|ERR_PNPM_FETCH_404|ERR_PNPM_NO_MATCHING_VERSION/,
    advice:
      "The npm registry in use (`npm config get registry`) does not have a version that is needed. A mirror may be behind: use another one, or try later.",
  },
  {
    sign: /ERR_PNPM_OUTDATED_LOCKFILE/,
    advice:
      "pnpm-lock.yaml does not fit the package.json files. After changing dependencies run `pnpm install` and commit the lockfile.",
  },
  {
    sign: /error TS\d+/,
    advice: "The TypeScript sources do not compile; the lines above name file and place.",
  },
];

/**
 * What went wrong, in words that say what to do.
 * @param {string} output everything the command printed
 * @param {string} command
 * @returns {string}
 */
export function explainFailure(output, command) {
  const found = EXPLANATIONS.find(({ sign }) => sign.test(output));
  return found?.advice ?? `\`${command}\` ended with an error; its output is above.`;
}
