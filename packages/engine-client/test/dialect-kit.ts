import type { Metadata } from "@grpc/grpc-js";
import {
  GenerateResponse,
  InferenceFinishReason,
  InferenceGenerateResponse,
} from "@vllm-router/proto/messages";
import { connectEngine, type ConnectOptions } from "../src/connect-engine.ts";
import type { TokenEngine } from "../src/engine.ts";
import type { EngineTransport } from "../src/transport/create-transport.ts";
import { chunk, complete, frameBytes, type MessageFields } from "./engine-messages.ts";
import { type ScriptedEngine, startScriptedEngine, startScriptedInference } from "./scripted-engine.ts";

/** A connection as far as the case suites go. */
export interface CaseConnection {
  readonly engine: TokenEngine;
  close(): Promise<void>;
}

/** One message of an engine, of whichever dialect. */
export type KitMessage = GenerateResponse | InferenceGenerateResponse;

/** One generating call, as far as the case suites look at it. */
export interface KitCall {
  readonly request: { readonly requestId: string };
  readonly metadata: Metadata;
  write(message: KitMessage): boolean;
  end(): void;
  once(event: "drain", listener: () => void): unknown;
  emit(event: "error", error: { readonly code: number; readonly details: string }): boolean;
}

/** What the case suites need to know of a dialect and a transport. */
export interface DialectKit {
  connect(address: string, options?: ConnectOptions): CaseConnection;
  start(script: {
    readonly generate?: (call: KitCall) => void;
    readonly port?: number;
  }): Promise<ScriptedEngine>;
  /** Some tokens. */
  chunk(fields: MessageFields): KitMessage;
  /** The end of a sequence whose tokens came before; the last of them are named again. */
  complete(fields: EndFields): KitMessage;
  /** Tokens and end of a sequence in one. */
  whole(fields: EndFields): KitMessage;
  /** The end of a sequence for a reason that does not exist. */
  senselessEnd(): KitMessage;
  frame(message: KitMessage): Buffer;
  /** The protocol reports tokens of the prompt that were cached. */
  readonly reportsCachedTokens: boolean;
  /** A message with one token, 11, among fields that do not exist; the head of the answer where the dialect has one. */
  readonly withUnknownFields: Buffer;
}

/** A message that ends a sequence. */
export interface EndFields extends MessageFields {
  readonly finishReason?: "stop" | "length";
}

/** VllmEngine over a transport. */
export function vllmEngineKit(transport: EngineTransport): DialectKit {
  return {
    connect: (address, options = {}) => {
      const connection = connectEngine(
        { dialect: "vllm-engine", address, secure: false },
        { ...options, transport },
      );
      if (connection.dialect !== "vllm-engine") throw new Error(connection.dialect);
      return connection;
    },
    start: async (script) => startScriptedEngine(script as Parameters<typeof startScriptedEngine>[0]),
    chunk,
    complete,
    whole: complete,
    senselessEnd: () => complete({ tokenIds: [1], finishReason: "bored" }),
    frame: (message) => frameBytes(GenerateResponse.encode(message as GenerateResponse).finish()),
    reportsCachedTokens: true,
    withUnknownFields: Buffer.from([
      0x0a, 0x0a, 0x0a, 0x01, 0x0b, 0x9a, 0x06, 0x02, 0xaa, 0xbb, 0x10, 0x03, 0xf8, 0x7f, 0x01,
    ]),
  };
}

/** vllm.Inference over a transport. */
export function inferenceKit(transport: EngineTransport): DialectKit {
  return {
    connect: (address, options = {}) => {
      const connection = connectEngine(
        { dialect: "vllm-inference", address, secure: false },
        { ...options, transport },
      );
      if (connection.dialect !== "vllm-inference") throw new Error(connection.dialect);
      return connection;
    },
    start: async (script) => startScriptedInference(script as Parameters<typeof startScriptedInference>[0]),
    chunk: (fields) => inferenceMessage(fields, undefined),
    complete: (fields) => inferenceMessage({ ...fields, tokenIds: [] }, finishOf(fields)),
    whole: (fields) => inferenceMessage(fields, finishOf(fields)),
    senselessEnd: () => inferenceMessage({ tokenIds: [] }, InferenceFinishReason.NOT_FINISHED),
    frame: (message) =>
      frameBytes(InferenceGenerateResponse.encode(message as InferenceGenerateResponse).finish()),
    reportsCachedTokens: false,
    withUnknownFields: Buffer.from([
      0x0a, 0x02, 0x08, 0x03, 0x12, 0x08, 0x22, 0x01, 0x0b, 0x9a, 0x06, 0x02, 0xaa, 0xbb, 0xf8, 0x7f, 0x01,
    ]),
  };
}

function finishOf({ finishReason = "length" }: EndFields): InferenceFinishReason {
  return finishReason === "stop" ? InferenceFinishReason.STOP : InferenceFinishReason.LENGTH;
}

/** Every message carries the prompt's data: a real engine sends it once, and it must not matter. */
function inferenceMessage(
  { tokenIds, index = 0, promptTokens = 3 }: MessageFields,
  finishReason: InferenceFinishReason | undefined,
): InferenceGenerateResponse {
  return InferenceGenerateResponse.fromPartial({
    promptInfo: { numPromptTokens: promptTokens },
    outputs: {
      index,
      numTokens: tokenIds.length,
      tokenIds: [...tokenIds],
      finishInfo: finishReason === undefined ? undefined : { numOutputTokens: tokenIds.length, finishReason },
    },
  });
}
