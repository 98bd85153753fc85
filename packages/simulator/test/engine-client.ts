import { type ClientReadableStream, credentials, type ServiceError } from "@grpc/grpc-js";
import {
  GenerateRequest,
  type GenerateResponse,
  type SamplingParams,
  SamplingParams as SamplingParamsMessage,
} from "@vllm-router/proto/messages";
import { HealthClient, VllmEngineClient } from "@vllm-router/proto/services";
import type { Simulator } from "@vllm-router/simulator";

/** A Generate request with fields left out. */
export type DeepPartialRequest = Parameters<typeof GenerateRequest.fromPartial>[0];

/** What a test says of a Generate request. */
export interface TestRequest {
  readonly id?: string;
  readonly ids: readonly number[];
  readonly stream?: boolean;
  readonly sampling?: Partial<SamplingParams>;
  readonly extra?: Partial<GenerateRequest>;
}

/** A whole Generate call: its messages and how it ended. */
export interface TestResult {
  readonly messages: readonly NonNullable<GenerateResponse["response"]>[];
  readonly error: ServiceError | undefined;
  /** Output tokens by sequence. */
  readonly outputs: readonly (readonly number[])[];
}

/** Clients of one simulator that close with the test. */
export class TestClient {
  readonly engine: InstanceType<typeof VllmEngineClient>;
  readonly health: InstanceType<typeof HealthClient>;

  constructor(simulator: Simulator) {
    this.engine = new VllmEngineClient(simulator.address, credentials.createInsecure());
    this.health = new HealthClient(simulator.address, credentials.createInsecure());
  }

  start(request: TestRequest): ClientReadableStream<GenerateResponse> {
    return this.engine.generate(
      GenerateRequest.fromPartial({
        requestId: request.id ?? "test",
        input: { $case: "tokenized", value: { originalText: "", inputIds: [...request.ids] } },
        samplingParams: SamplingParamsMessage.fromPartial({ temperature: 0, ...request.sampling }),
        stream: request.stream ?? true,
        ...request.extra,
      }),
    );
  }

  /** Sends a request as it is. */
  send(request: DeepPartialRequest): Promise<TestResult> {
    return collect(this.engine.generate(GenerateRequest.fromPartial(request)));
  }

  /** Runs a call to its end. */
  run(request: TestRequest): Promise<TestResult> {
    return collect(this.start(request));
  }

  [Symbol.dispose](): void {
    this.engine.close();
    this.health.close();
  }
}

/** Reads a Generate call to its end. */
export function collect(call: ClientReadableStream<GenerateResponse>): Promise<TestResult> {
  return new Promise((resolve) => {
    const messages: NonNullable<GenerateResponse["response"]>[] = [];
    const outputs: number[][] = [];
    let error: ServiceError | undefined;
    call.on("data", ({ response }: GenerateResponse) => {
      if (response === undefined) return;
      messages.push(response);
      const isRepetition = messages.some((message) => message.$case === "chunk");
      const ids = response.$case === "chunk" ? response.value.tokenIds : response.value.outputIds;
      if (response.$case === "chunk" || !isRepetition) (outputs[response.value.index] ??= []).push(...ids);
    });
    call.on("error", (failure: ServiceError) => (error = failure));
    call.on("close", () => resolve({ messages, error, outputs }));
    call.on("end", () => resolve({ messages, error, outputs }));
  });
}

/** A unary call as a promise. */
export function unary<TResponse>(
  start: (done: (error: ServiceError | null, response?: TResponse) => void) => unknown,
): Promise<TResponse> {
  return new Promise((resolve, reject) => {
    start((error, response) => {
      if (error !== null) reject(error);
      else if (response === undefined) reject(new Error("no response"));
      else resolve(response);
    });
  });
}
