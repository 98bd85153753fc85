import { RoutingError } from "../routing-error.ts";
import type { Policy } from "./policy.ts";

/** One parameter of a policy, as data: the app makes flags and documentation of it. */
export interface PolicyParameter {
  /** Flag of the Rust `vllm-router` that sets it, without dashes; null where it has none. */
  readonly flag: string | null;
  readonly default: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly isInteger: boolean;
  /** One sentence: meaning and unit. */
  readonly description: string;
}

/** Memory that a policy shares with its like in other threads. */
export interface SharedPolicyState {
  /** Of the size that {@link PolicyDefinition.sharedBytes} says, zeros at first. */
  readonly buffer: ArrayBufferLike;
  readonly slotCapacity: number;
}

/** A policy that can be created by name. */
export interface PolicyDefinition<TParameters extends string = string> {
  readonly name: string;
  /** One sentence for help and documentation. */
  readonly description: string;
  readonly parameters: Readonly<Record<TParameters, PolicyParameter>>;
  /** @param shared what it shares with other threads; its own memory when missing */
  create(parameters: Readonly<Record<TParameters, number>>, shared?: SharedPolicyState): Policy;
  /** Bytes that it shares with other threads. It shares nothing when missing. */
  readonly sharedBytes?: (parameters: Readonly<Record<TParameters, number>>, slotCapacity: number) => number;
}

/** States a definition with its parameter names checked. */
export function definePolicy<const TParameters extends string>(
  definition: PolicyDefinition<TParameters>,
): PolicyDefinition<TParameters> {
  return definition;
}

/**
 * Fills defaults in and checks ranges. Throws `RoutingError("invalid_parameter")` naming the policy and the parameter.
 */
export function resolveParameters<TParameters extends string>(
  definition: PolicyDefinition<TParameters>,
  given: Readonly<Partial<Record<string, number>>>,
): Record<TParameters, number> {
  const resolved: Record<string, number> = {};
  for (const [name, parameter] of Object.entries<PolicyParameter>(definition.parameters)) {
    const value = given[name] ?? parameter.default;
    const isAllowed =
      value >= parameter.minimum &&
      value <= parameter.maximum &&
      (!parameter.isInteger || Number.isInteger(value));
    if (!isAllowed) {
      const kind = parameter.isInteger ? "an integer" : "a number";
      throw new RoutingError(
        "invalid_parameter",
        `policy ${definition.name}: ${name} must be ${kind} from ${parameter.minimum} to ${parameter.maximum}, got ${value}`,
      );
    }
    resolved[name] = value;
  }
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(definition.parameters, name)) {
      throw new RoutingError("invalid_parameter", `policy ${definition.name} has no parameter ${name}`);
    }
  }
  return resolved as Record<TParameters, number>;
}
