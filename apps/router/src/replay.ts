import { resolve } from "node:path";
import { replayDecisions } from "./decisions/replay-decisions.ts";
import { loadPolicyModule } from "./fleet/own-policy/load-policy-module.ts";

/** Where a replay is told of. */
export interface ReplayOutput {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
}

const USAGE = "usage: vllm-router replay FILE [--policy-file FILE]";

/**
 * `vllm-router replay FILE`: decides what a decision log holds again.
 * @returns the exit status: 0 when every decision is the same, 1 when one is not or cannot be read, 2 for a wrong call
 */
export async function runReplay(argv: readonly string[], output: ReplayOutput): Promise<number> {
  const call = readCall(argv);
  if (call === undefined) {
    output.error(USAGE);
    return 2;
  }
  try {
    const report = await replayDecisions({
      path: call.file,
      policy: call.policyFile === undefined ? undefined : await loadPolicyModule(resolve(call.policyFile)),
      complain: (line) => output.error(`vllm-router: ${line}`),
    });
    const { same, different, unreadable } = report;
    const total = same + different + unreadable;
    if (different + unreadable === 0) {
      output.out(`${total} decisions, all decided again identically`);
      return 0;
    }
    output.out(
      `${total} decisions: ${same} decided again identically, ${different} differently, ${unreadable} unreadable`,
    );
    return 1;
  } catch (error) {
    output.error(`vllm-router: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

function readCall(
  argv: readonly string[],
): { readonly file: string; readonly policyFile: string | undefined } | undefined {
  const files: string[] = [];
  let policyFile: string | undefined;
  for (let index = 0; index < argv.length; index += 1) {
    const argument = argv[index] ?? "";
    if (argument === "--policy-file") {
      index += 1;
      policyFile = argv[index];
      if (policyFile === undefined) {
        return undefined;
      }
    } else if (argument.startsWith("--policy-file=")) {
      policyFile = argument.slice("--policy-file=".length);
    } else if (argument.startsWith("-")) {
      return undefined;
    } else {
      files.push(argument);
    }
  }
  const [file, ...more] = files;
  return file === undefined || more.length > 0 ? undefined : { file, policyFile };
}
