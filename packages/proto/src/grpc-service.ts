import {
  type CallOptions,
  type ChannelCredentials,
  type Client,
  type ClientOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  makeGenericClientConstructor,
  type Metadata,
  type MethodDefinition,
  type ServiceDefinition,
  type ServiceError,
} from "@grpc/grpc-js";
import {
  methodPath,
  type RequestOf,
  type ResponseOf,
  type ServiceDescription,
} from "./service-description.ts";

/** What a grpc-js server needs to answer every call of a service. */
export type ServiceHandlers<TService extends ServiceDescription> = {
  [TName in keyof TService["methods"]]: TService["methods"][TName]["responseStream"] extends true
    ? handleServerStreamingCall<RequestOf<TService["methods"][TName]>, ResponseOf<TService["methods"][TName]>>
    : handleUnaryCall<RequestOf<TService["methods"][TName]>, ResponseOf<TService["methods"][TName]>>;
};

/** Hears the end of a unary call: an error or the response. */
export type UnaryCallback<TResponse> = (error: ServiceError | null, response?: TResponse) => void;

/** A unary call of a client. */
export type UnaryMethod<TRequest, TResponse> = (
  ...call:
    | [request: TRequest, callback: UnaryCallback<TResponse>]
    | [request: TRequest, metadata: Metadata, options: CallOptions, callback: UnaryCallback<TResponse>]
) => ClientUnaryCall;

/** A server-streaming call of a client. */
export type ServerStreamMethod<TRequest, TResponse> = (
  request: TRequest,
  metadata?: Metadata,
  options?: CallOptions,
) => ClientReadableStream<TResponse>;

/** A grpc-js client of a service. */
export type ServiceClient<TService extends ServiceDescription> = Client & {
  [TName in keyof TService["methods"]]: TService["methods"][TName]["responseStream"] extends true
    ? ServerStreamMethod<RequestOf<TService["methods"][TName]>, ResponseOf<TService["methods"][TName]>>
    : UnaryMethod<RequestOf<TService["methods"][TName]>, ResponseOf<TService["methods"][TName]>>;
};

/** Makes clients of a service; `address` is `host:port`. */
export type ServiceClientConstructor<TService extends ServiceDescription> = new (
  address: string,
  credentials: ChannelCredentials,
  options?: ClientOptions,
) => ServiceClient<TService>;

/** The definition a grpc-js server or client works with, from a generated description. */
export function grpcServiceDefinition(service: ServiceDescription): ServiceDefinition {
  const definition: Record<string, MethodDefinition<unknown, unknown>> = {};
  for (const [key, method] of Object.entries(service.methods)) {
    definition[key] = {
      path: methodPath(service, method),
      originalName: key,
      requestStream: false,
      responseStream: method.responseStream,
      requestSerialize: (message) => toBuffer(method.requestType.encode(message).finish()),
      requestDeserialize: (bytes) => method.requestType.decode(bytes),
      responseSerialize: (message) => toBuffer(method.responseType.encode(message).finish()),
      responseDeserialize: (bytes) => method.responseType.decode(bytes),
    };
  }
  return definition;
}

/** The client class of a service, from a generated description. */
export function grpcClientConstructor<TService extends ServiceDescription>(
  service: TService,
): ServiceClientConstructor<TService> {
  // grpc-js attaches the methods at run time, so its own type cannot know them.
  return makeGenericClientConstructor(
    grpcServiceDefinition(service),
    service.fullName,
  ) as unknown as ServiceClientConstructor<TService>;
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
