import type { ConfigProblem } from "./config-error.ts";
import type { Setting } from "./describe.ts";
import { didYouMean, nearestName } from "./nearest-name.ts";
import { readValue } from "./read-value.ts";

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Values found in the environment, by path of the setting. */
export interface EnvironmentValues {
  readonly values: ReadonlyMap<string, { readonly value: unknown; readonly name: string }>;
  readonly problems: readonly ConfigProblem[];
  /** Variables with our prefix that mean nothing to us. */
  readonly warnings: readonly string[];
}

/**
 * Kubernetes sets such variables in every pod for a Service named like our prefix (`VLLM_ROUTER_PORT=tcp://10.0.0.1:80`,
 * `VLLM_ROUTER_SERVICE_HOST`, `VLLM_ROUTER_PORT_80_TCP_ADDR`); they are not meant for us.
 */
function isServiceLink(name: string, value: string): boolean {
  return (
    /_SERVICE_(HOST|PORT)(_|$)/.test(name) ||
    /_PORT_\d+_(TCP|UDP|SCTP)/.test(name) ||
    /^(tcp|udp|sctp):\/\//.test(value)
  );
}

/** Reads the variables of the settings; an empty variable counts as not set. */
export function readEnvironment(
  environment: Environment,
  settings: readonly Setting[],
  prefix: string,
): EnvironmentValues {
  const values = new Map<string, { value: unknown; name: string }>();
  const problems: ConfigProblem[] = [];
  const known = new Set([`${prefix}CONFIG`]);
  for (const setting of settings) {
    for (const name of setting.environment) {
      known.add(name);
      const text = environment[name];
      if (text === undefined || text === "" || values.has(setting.path)) continue;
      if (isServiceLink(name, text)) continue;
      const read = readValue(setting, text);
      if (read.ok) values.set(setting.path, { value: read.value, name });
      else problems.push({ code: "invalid_value", name, message: `${name}: ${read.message}` });
    }
  }
  const warnings: string[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith(prefix) || known.has(name) || value === undefined) continue;
    if (isServiceLink(name, value)) continue;
    warnings.push(`${name} is not a setting${didYouMean(nearestName(name, known))}`);
  }
  return { values, problems, warnings };
}
