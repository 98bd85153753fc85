import type { ReadinessProbe } from "@vllm-router/launcher";
import { reachable } from "./engine-command.ts";
import type { LocalPlan } from "./plan.ts";

/** Where the router is found from this machine. */
export interface RouterAddress {
  /** Without a path: `http://127.0.0.1:8000`. */
  readonly url: string;
  /** The Unix socket it listens on; undefined when it listens on host and port. */
  readonly socketPath: string | undefined;
  /** How it is asked whether it is ready. */
  readonly probe: ReadinessProbe;
}

/** The router's address by the plan: `--uds` and `--ssl-certfile` change it. */
export function routerAddress(plan: LocalPlan): RouterAddress {
  const flag = (name: string): string | undefined =>
    plan.frontendFlags.findLast((given) => given.name === name && !given.negated)?.values[0];
  const socketPath = flag("uds");
  const scheme = flag("ssl-certfile") === undefined ? "http" : "https";
  const host = socketPath === undefined ? `${reachable(plan.host)}:${plan.port}` : "localhost";
  const url = `${scheme}://${host}`;
  // Whoever has no certificate of a client cannot ask.
  const probe: ReadinessProbe =
    flag("ssl-cert-reqs") === "2" ? { kind: "none" } : { kind: "http", url: `${url}/health`, socketPath };
  return { url, socketPath, probe };
}
