import {
  ServingStatus,
  StandardHealthCheckRequest,
  StandardHealthCheckResponse,
} from "@vllm-router/proto/messages";
import type { GrpcHandler } from "./grpc-server.ts";
import { GrpcStatusError } from "./grpc-status.ts";

/** Handlers of `grpc.health.v1.Health` by path. `Watch` sends one status and ends, as the servicer's does. */
export function healthServiceHandlers(
  services: readonly string[],
  isServing: () => boolean,
): [string, GrpcHandler][] {
  const knownServices = new Set(["", ...services]);
  const statusOf = (service: string): ServingStatus => {
    if (!knownServices.has(service)) return ServingStatus.SERVICE_UNKNOWN;
    return isServing() ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  };
  return [
    [
      "/grpc.health.v1.Health/Check",
      (request, call) => {
        const { service } = StandardHealthCheckRequest.decode(request);
        const status = statusOf(service);
        if (status === ServingStatus.SERVICE_UNKNOWN) {
          throw new GrpcStatusError("NOT_FOUND", `Unknown service: ${service}`);
        }
        call.write(StandardHealthCheckResponse.encode({ status }).finish());
        call.end("OK");
      },
    ],
    [
      "/grpc.health.v1.Health/Watch",
      (request, call) => {
        const { service } = StandardHealthCheckRequest.decode(request);
        call.write(StandardHealthCheckResponse.encode({ status: statusOf(service) }).finish());
        call.end("OK");
      },
    ],
  ];
}
