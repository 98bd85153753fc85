import {
  type handleServerStreamingCall,
  Server,
  ServerCredentials,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import type {
  GenerateRequest,
  GenerateResponse,
  InferenceGenerateRequest,
  InferenceGenerateResponse,
} from "@vllm-router/proto/messages";
import {
  type ControlServer,
  ControlService,
  type HealthServer,
  HealthService,
  InferenceService,
  type VllmEngineServer,
  VllmEngineService,
} from "@vllm-router/proto/services";
import { waitUntil } from "./wait-until.ts";

/** One Generate call as a VllmEngine sees it. */
export type GenerateServerCall = ServerWritableStream<GenerateRequest, GenerateResponse>;
/** One call of Generate or GenerateStream as a vllm.Inference engine sees it. */
export type InferenceServerCall = ServerWritableStream<InferenceGenerateRequest, InferenceGenerateResponse>;

/** An engine on grpc-js that does what a test says. */
export interface ScriptedEngine extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  /** Generate calls that have neither ended nor been cancelled. */
  readonly openCalls: number;
  /** Generate calls that the client cancelled. */
  readonly cancelledCalls: number;
  /** Waits for `openCalls` to be 0. */
  idle(): Promise<void>;
  /** Drops all connections and stops listening. */
  kill(): void;
}

/** Handlers of a vllm.Inference engine. */
export interface InferenceScript {
  readonly control?: Partial<ControlServer>;
  /** Answers Generate and GenerateStream alike, message by message. */
  readonly generate?: (call: InferenceServerCall) => void;
  readonly health?: Partial<HealthServer>;
  readonly port?: number;
}

/** Handlers by service. */
export interface EngineScript {
  readonly engine?: Partial<Omit<VllmEngineServer, "generate">>;
  readonly generate?: (call: GenerateServerCall) => void;
  readonly health?: Partial<HealthServer>;
  readonly port?: number;
  readonly credentials?: ServerCredentials;
}

/** Starts a VllmEngine on 127.0.0.1. */
export async function startScriptedEngine(script: EngineScript): Promise<ScriptedEngine> {
  const server = new Server({ "grpc.max_receive_message_length": -1 });
  const calls = new CallCounter();
  const generate: handleServerStreamingCall<GenerateRequest, GenerateResponse> = (call) => {
    calls.count(call);
    script.generate?.(call);
  };
  server.addService(VllmEngineService, {
    ...script.engine,
    ...(script.generate === undefined ? {} : { generate }),
  });
  if (script.health !== undefined) server.addService(HealthService, script.health);
  return listen(server, { calls, port: script.port, credentials: script.credentials });
}

/** Starts a vllm.Inference and vllm.Control engine on 127.0.0.1. */
export async function startScriptedInference(script: InferenceScript): Promise<ScriptedEngine> {
  const server = new Server({ "grpc.max_receive_message_length": -1 });
  const calls = new CallCounter();
  const generate: handleServerStreamingCall<InferenceGenerateRequest, InferenceGenerateResponse> = (call) => {
    calls.count(call);
    script.generate?.(call);
  };
  // On the wire an answer in one message is a stream of one message.
  const asStream = {
    ...InferenceService["generate"],
    responseStream: true,
  } as (typeof InferenceService)[string];
  server.addService({ ...InferenceService, generate: asStream }, { generate, generateStream: generate });
  if (script.control !== undefined) server.addService(ControlService, script.control);
  if (script.health !== undefined) server.addService(HealthService, script.health);
  return listen(server, { calls, port: script.port, credentials: undefined });
}

/** Counts calls by how they stand. */
class CallCounter {
  open = 0;
  cancelled = 0;

  count(call: GenerateServerCall | InferenceServerCall): void {
    this.open++;
    let isOpen = true;
    const over = (): void => {
      if (isOpen) this.open--;
      isOpen = false;
    };
    call.on("cancelled", () => {
      this.cancelled++;
      over();
    });
    call.on("finish", over);
    call.on("error", over);
  }
}

async function listen(
  server: Server,
  options: {
    readonly calls: CallCounter;
    readonly port: number | undefined;
    readonly credentials: ServerCredentials | undefined;
  },
): Promise<ScriptedEngine> {
  const { calls } = options;
  const port = await new Promise<number>((resolve, reject) => {
    const credentials = options.credentials ?? ServerCredentials.createInsecure();
    server.bindAsync(`127.0.0.1:${options.port ?? 0}`, credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    address: `127.0.0.1:${port}`,
    port,
    get openCalls() {
      return calls.open;
    },
    get cancelledCalls() {
      return calls.cancelled;
    },
    idle: async () => waitUntil(() => calls.open === 0, "the engine has no open call"),
    kill: () => server.forceShutdown(),
    [Symbol.asyncDispose]: async () => server.forceShutdown(),
  };
}
