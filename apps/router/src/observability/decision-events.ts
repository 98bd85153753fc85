import type { Logger } from "pino";
import type { DecisionObserver } from "./decision-observer.ts";

/** Log lines about the user's own policy and the decision log. */
export function decisionEvents(logger: Logger): DecisionObserver {
  let hasToldDrop = false;
  let hasToldShadows = false;
  return {
    shadowed: () => undefined,
    shadowsDropped: () => {
      if (!hasToldShadows) {
        hasToldShadows = true;
        logger.warn("shadow policies cannot keep up: placements are left out and counted");
      }
    },
    policyLoaded: (policy) => logger.info({ policy }, `policy file loaded: ${policy} decides`),
    policyFailed: (fault, message) => logger.error({ fault }, `policy file: ${message}`),
    policySaid: (text) => logger.info({ source: "policy file" }, text),
    logDropped: () => {
      if (!hasToldDrop) {
        hasToldDrop = true;
        logger.warn("the decision log cannot keep up: decisions are left out and counted");
      }
    },
    logFailed: (error) =>
      logger.error({ code: (error as NodeJS.ErrnoException).code }, `decision log: ${error.message}`),
  };
}
