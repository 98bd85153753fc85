import { type GrpcStatusName, grpcStatus } from "./grpc-status.ts";
import { SimulatorError } from "./simulator-error.ts";
import type { FaultOptions } from "./simulator-options.ts";

/**
 * Reads one `--fault` value: `name` or `name=value`.
 * @throws SimulatorError invalid_flag
 */
export function readFault(text: string): FaultOptions {
  const [name = "", value] = text.split("=", 2);
  switch (name) {
    case "refuse":
      return { refuseRate: number(text, value, { most: 1 }) };
    case "error-status":
      return { errorStatus: statusName(text, value) };
    case "hang":
      return { isHanging: true };
    case "slow":
      return { slowFactor: number(text, value) };
    case "die-after-tokens":
      return { dieAfterTokens: number(text, value, { least: 1 }) };
    case "drop-stream-after":
      return { dropStreamAfterTokens: number(text, value, { least: 1 }) };
    case "stall-stream-after":
      return { stallStreamAfterTokens: number(text, value, { least: 1 }) };
    case "goaway":
      return { goawayAfterCalls: number(text, value, { least: 1 }) };
    case "lose-kv-batches":
      return { loseKvBatches: number(text, value, { least: 1 }) };
    case "repeat-kv-batches":
      return { repeatKvBatches: number(text, value, { least: 1 }) };
    default:
      throw new SimulatorError("invalid_flag", `--fault ${text}: there is no fault "${name}"; see --help`);
  }
}

function number(
  text: string,
  value: string | undefined,
  { least = 0, most = Infinity }: { least?: number; most?: number } = {},
): number {
  const result = Number(value);
  if (value === undefined || value === "" || !(result >= least && result <= most)) {
    throw new SimulatorError("invalid_flag", `--fault ${text}: needs a number from ${least} to ${most}`);
  }
  return result;
}

function statusName(text: string, value = ""): GrpcStatusName {
  const isName = (name: string): name is GrpcStatusName => name in grpcStatus;
  const byNumber = Object.entries(grpcStatus).find(([, code]) => String(code) === value)?.[0];
  const name = byNumber ?? value.toUpperCase();
  if (isName(name) && name !== "OK") return name;
  throw new SimulatorError("invalid_flag", `--fault ${text}: "${value}" is no gRPC status`);
}
