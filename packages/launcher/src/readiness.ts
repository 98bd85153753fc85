import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { credentials, Metadata, status, type ServiceError } from "@grpc/grpc-js";
import { ServingStatus } from "@vllm-router/proto/messages";
import { HealthClient, VllmEngineClient } from "@vllm-router/proto/services";

/** How to ask a process whether it is ready. */
export type ReadinessProbe =
  /** Standard gRPC health of the whole server; engines without it are asked by VllmEngine.HealthCheck. */
  | { readonly kind: "grpc"; readonly address: string }
  /** GET; ready when the status is 2xx. Over TLS the certificate is not looked at: the process is our own. */
  | { readonly kind: "http"; readonly url: string; readonly socketPath?: string | undefined }
  /** Ready as soon as it runs. */
  | { readonly kind: "none" };

/** Asks again and again; to be disposed when no longer needed. */
export interface Prober extends Disposable {
  /** Asks once. Never throws; a process that does not answer in time is not ready. */
  ask(): Promise<boolean>;
}

const ASK_TIMEOUT_MS = 2_000;

/** Creates the asker of a probe. */
export function createProber(probe: ReadinessProbe): Prober {
  switch (probe.kind) {
    case "grpc":
      return createGrpcProber(probe.address);
    case "http":
      return {
        ask: () => askHttp(probe.url, probe.socketPath),
        [Symbol.dispose]: () => undefined,
      };
    case "none":
      return { ask: () => Promise.resolve(true), [Symbol.dispose]: () => undefined };
  }
}

function askHttp(url: string, socketPath: string | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const request = url.startsWith("https:") ? httpsRequest : httpRequest;
    const options = {
      agent: false as const,
      rejectUnauthorized: false,
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
      ...(socketPath === undefined ? {} : { socketPath }),
    };
    request(url, options, (response) => {
      response.destroy();
      const { statusCode = 0 } = response;
      resolve(statusCode >= 200 && statusCode < 300);
    })
      .on("error", () => resolve(false))
      .end();
  });
}

function createGrpcProber(address: string): Prober {
  const options = {
    // A refused connection must be tried again soon: the engine may listen a moment later.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 500,
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_http_proxy": 0,
  };
  const health = new HealthClient(address, credentials.createInsecure(), options);
  const engine = new VllmEngineClient(address, credentials.createInsecure(), options);

  const askHealth = (): Promise<boolean | "unknown"> =>
    new Promise((resolve) => {
      const deadline = new Date(Date.now() + ASK_TIMEOUT_MS);
      health.check({ service: "" }, new Metadata(), { deadline }, (error, response) => {
        if (error === null) resolve(response?.status === ServingStatus.SERVING);
        else resolve(isUnimplemented(error) ? "unknown" : false);
      });
    });
  const askEngine = (): Promise<boolean> =>
    new Promise((resolve) => {
      const deadline = new Date(Date.now() + ASK_TIMEOUT_MS);
      engine.healthCheck({}, new Metadata(), { deadline }, (error, response) => {
        resolve(error === null && response?.healthy === true);
      });
    });

  return {
    async ask() {
      const answer = await askHealth();
      return answer === "unknown" ? askEngine() : answer;
    },
    [Symbol.dispose]() {
      health.close();
      engine.close();
    },
  };
}

function isUnimplemented(error: ServiceError): boolean {
  return error.code === status.UNIMPLEMENTED;
}
