import { collectGarbage } from "./models/collect-garbage.ts";

/**
 * Ends the process, with `code` as its exit code. `process.exit` waits for the threads that compile; one of them may wait
 * for a collection of garbage, which nobody makes any more then: of processes that end soon after their start some
 * would never end (nodejs/node issue 54918). A collection beforehand leaves them room for the moment it takes.
 */
export function endProcess(code: number): never {
  collectGarbage();
  process.exit(code);
}
