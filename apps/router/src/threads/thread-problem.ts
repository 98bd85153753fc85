import { ROUTER_ERROR_CODES, RouterError } from "../router-error.ts";
import type { FromThread, ThreadProblem } from "./thread-messages.ts";

/** What a thread said in place of what was expected; undefined when it said nothing and is gone. */
export function problemOf(said: FromThread | undefined): ThreadProblem {
  return said?.kind === "failed"
    ? said.problem
    : { code: "threads", message: "a request thread ended before it could serve" };
}

/** The error that another thread told of. */
export function errorOf({ code, message }: ThreadProblem): RouterError {
  return new RouterError(ROUTER_ERROR_CODES.find((known) => known === code) ?? "internal", message);
}
