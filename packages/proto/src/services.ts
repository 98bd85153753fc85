import type { ServiceDefinition } from "@grpc/grpc-js";
import { HealthDefinition } from "./gen/grpc/health/v1/health.ts";
import { ControlDefinition } from "./gen/vllm/control.ts";
import { VllmEngineDefinition } from "./gen/vllm/grpc/engine/vllm_engine.ts";
import { InferenceDefinition } from "./gen/vllm/inference.ts";
import {
  grpcClientConstructor,
  grpcServiceDefinition,
  type ServiceClient,
  type ServiceClientConstructor,
  type ServiceHandlers,
} from "./grpc-service.ts";

export type {
  ServerStreamMethod,
  ServiceClient,
  ServiceClientConstructor,
  ServiceHandlers,
  UnaryCallback,
  UnaryMethod,
} from "./grpc-service.ts";

/** `vllm.grpc.engine.VllmEngine`, for `Server.addService`. */
export const VllmEngineService: ServiceDefinition = grpcServiceDefinition(VllmEngineDefinition);
/** Handlers of `vllm.grpc.engine.VllmEngine`. */
export type VllmEngineServer = ServiceHandlers<VllmEngineDefinition>;
/** Client of `vllm.grpc.engine.VllmEngine`. */
export const VllmEngineClient: ServiceClientConstructor<VllmEngineDefinition> =
  grpcClientConstructor(VllmEngineDefinition);
/** Client of `vllm.grpc.engine.VllmEngine`. */
export type VllmEngineClient = ServiceClient<VllmEngineDefinition>;

/** `grpc.health.v1.Health`, for `Server.addService`. */
export const HealthService: ServiceDefinition = grpcServiceDefinition(HealthDefinition);
/** Handlers of `grpc.health.v1.Health`. */
export type HealthServer = ServiceHandlers<HealthDefinition>;
/** Client of `grpc.health.v1.Health`. */
export const HealthClient: ServiceClientConstructor<HealthDefinition> =
  grpcClientConstructor(HealthDefinition);
/** Client of `grpc.health.v1.Health`. */
export type HealthClient = ServiceClient<HealthDefinition>;

/** `vllm.Inference`, for `Server.addService`. */
export const InferenceService: ServiceDefinition = grpcServiceDefinition(InferenceDefinition);
/** Handlers of `vllm.Inference`. */
export type InferenceServer = ServiceHandlers<InferenceDefinition>;
/** Client of `vllm.Inference`. */
export const InferenceClient: ServiceClientConstructor<InferenceDefinition> =
  grpcClientConstructor(InferenceDefinition);
/** Client of `vllm.Inference`. */
export type InferenceClient = ServiceClient<InferenceDefinition>;

/** `vllm.Control`, for `Server.addService`. */
export const ControlService: ServiceDefinition = grpcServiceDefinition(ControlDefinition);
/** Handlers of `vllm.Control`. */
export type ControlServer = ServiceHandlers<ControlDefinition>;
/** Client of `vllm.Control`. */
export const ControlClient: ServiceClientConstructor<ControlDefinition> =
  grpcClientConstructor(ControlDefinition);
/** Client of `vllm.Control`. */
export type ControlClient = ServiceClient<ControlDefinition>;
