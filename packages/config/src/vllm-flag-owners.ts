import { vllmFlags } from "./vllm-flags.generated.ts";

/**
 * Who honours a flag of `vllm serve` when the router takes the place of vLLM's HTTP server:
 * - `router`: it configures the HTTP front end
 * - `engine`: it is passed to the engine
 * - `both`: each needs it
 * - `launcher`: it shapes the processes, so `vllm-serve` itself reads it
 * - `refused`: it has no meaning without vLLM's own HTTP server
 */
export type VllmFlagOwner = "router" | "engine" | "both" | "launcher" | "refused";

const launcher = ["config", "grpc", "grpc-port", "headless", "host", "model", "port"];

const both = [
  "generation-config",
  "max-logprobs",
  "override-generation-config",
  "reasoning-parser",
  "served-model-name",
];

/** Front-end flags outside vLLM's front-end group. */
const router = [
  "allowed-local-media-path",
  "allowed-media-domains",
  "interleave-mm-strings",
  "io-processor-plugin",
  "media-io-kwargs",
  "per-request-spec-decode-metrics",
  "reasoning-parser-plugin",
];

const refused: Readonly<Record<string, string>> = {
  "api-server-count": "the router takes the place of the API servers",
  "data-parallel-multi-port-external-lb": "use --engine-count",
  "data-parallel-supervisor-port": "use --engine-count",
  "dp-supervisor-probe-failure-threshold": "use --router-health-failure-threshold",
  "dp-supervisor-probe-interval-s": "use --router-health-check-interval-secs",
  "dp-supervisor-probe-timeout-s": "use --router-health-check-timeout-secs",
};

const frontend = new Set(vllmFlags.filter((flag) => flag.frontend).map((flag) => flag.name));

/**
 * Who honours a flag.
 * @param name without dashes at the front
 * @returns engine for names vLLM 0.32 does not know: newer flags are mostly the engine's
 */
export function vllmFlagOwner(name: string): VllmFlagOwner {
  if (launcher.includes(name)) return "launcher";
  if (both.includes(name)) return "both";
  if (refused[name] !== undefined) return "refused";
  return router.includes(name) || frontend.has(name) ? "router" : "engine";
}

/** What to do instead of a refused flag, as the second half of a sentence. */
export function refusedFlagAdvice(name: string): string {
  return refused[name] ?? "leave it out";
}
