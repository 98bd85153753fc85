export { type Clock, systemClock, type Timer } from "./clock.ts";
export type { RequestRecord } from "./engine-service.ts";
export type { Faults } from "./faults.ts";
export type { GrpcStatusName } from "./grpc-status.ts";
export { SimulatorError, type SimulatorErrorCode } from "./simulator-error.ts";
export type { FaultOptions, SimulatorOptions, SimulatorProtocol } from "./simulator-options.ts";
export type { Simulator } from "./simulator.ts";
export { startSimulator } from "./start-simulator.ts";
export type { KvEventAddress, KvEventsConfig } from "./zmq-kv-publisher.ts";
