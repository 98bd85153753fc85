import {
  type handleServerStreamingCall,
  Server,
  ServerCredentials,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import type { GenerateRequest, GenerateResponse } from "@vllm-router/proto/messages";
import {
  type HealthServer,
  HealthService,
  type VllmEngineServer,
  VllmEngineService,
} from "@vllm-router/proto/services";
import { waitUntil } from "./wait-until.ts";

/** One Generate call as the engine sees it. */
export type GenerateServerCall = ServerWritableStream<GenerateRequest, GenerateResponse>;

/** A VllmEngine server on grpc-js that does what a test says. */
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

/** Handlers by service. */
export interface EngineScript {
  readonly engine?: Partial<Omit<VllmEngineServer, "generate">>;
  readonly generate?: (call: GenerateServerCall) => void;
  readonly health?: Partial<HealthServer>;
  readonly port?: number;
  readonly credentials?: ServerCredentials;
}

/** Starts an engine on 127.0.0.1. */
export async function startScriptedEngine(script: EngineScript): Promise<ScriptedEngine> {
  const server = new Server({ "grpc.max_receive_message_length": -1 });
  let openCalls = 0;
  let cancelledCalls = 0;
  const generate: handleServerStreamingCall<GenerateRequest, GenerateResponse> = (call) => {
    openCalls++;
    let isOpen = true;
    const over = (): void => {
      if (isOpen) openCalls--;
      isOpen = false;
    };
    call.on("cancelled", () => {
      cancelledCalls++;
      over();
    });
    call.on("finish", over);
    call.on("error", over);
    script.generate?.(call);
  };
  server.addService(VllmEngineService, {
    ...script.engine,
    ...(script.generate === undefined ? {} : { generate }),
  });
  if (script.health !== undefined) server.addService(HealthService, script.health);
  const port = await new Promise<number>((resolve, reject) => {
    const credentials = script.credentials ?? ServerCredentials.createInsecure();
    server.bindAsync(`127.0.0.1:${script.port ?? 0}`, credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    address: `127.0.0.1:${port}`,
    port,
    get openCalls() {
      return openCalls;
    },
    get cancelledCalls() {
      return cancelledCalls;
    },
    idle: async () => waitUntil(() => openCalls === 0, "the engine has no open call"),
    kill: () => server.forceShutdown(),
    [Symbol.asyncDispose]: async () => server.forceShutdown(),
  };
}
