import {
  DECISION_HEADER,
  decisionHeader,
  type DecisionListener,
  EXPLAIN_HEADER,
} from "../decisions/explained-decision.ts";
import type { ClientSide } from "../server/exchange.ts";

/** Who hears the decisions about a request: its answer's head, where it asks for them and `--enable-explain` allows it. */
export function explainedTo(
  exchange: ClientSide,
  journal: { readonly isEnabled: boolean },
): DecisionListener | undefined {
  return journal.isEnabled && exchange.header(EXPLAIN_HEADER) === "1"
    ? decisionHeader((value) => exchange.setHeader(DECISION_HEADER, value))
    : undefined;
}
