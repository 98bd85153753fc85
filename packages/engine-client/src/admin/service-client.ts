import {
  type MessageCodec,
  type MethodDescription,
  methodPath,
  type RequestOf,
  type ResponseOf,
  type ServiceDescription,
} from "@vllm-router/proto/messages";
import { EngineError } from "../engine-error.ts";
import { GRPC_PREFIX_BYTES, type StreamTransport } from "../transport/stream-transport.ts";
import { type AdminCallOptions, cancelledError, deadlineOf } from "./admin-call.ts";
import { type AnswerListener, ServiceCall } from "./service-call.ts";

type MethodName<TService extends ServiceDescription> = string & keyof TService["methods"];
type MethodOf<TService extends ServiceDescription, TName extends MethodName<TService>> = MethodDescription &
  TService["methods"][TName];

/** What is asked, and of which method. */
export interface Question<TService extends ServiceDescription, TName extends MethodName<TService>> {
  readonly method: TName;
  readonly request: RequestOf<MethodOf<TService, TName>>;
}

/**
 * Calls the methods of one gRPC service over any transport. Meant for calls of which there are few: each answer is copied and
 * decoded as a whole.
 */
export class ServiceClient<TService extends ServiceDescription> {
  readonly #transport: StreamTransport;
  readonly #service: TService;

  /** `service` as its generated definition describes it; the transport stays its owner's. */
  constructor(transport: StreamTransport, service: TService) {
    this.#transport = transport;
    this.#service = service;
  }

  /**
   * A call with one answer. Rejects with an EngineError: what the engine answered instead; `protocol` when that is no message,
   * none, or several; `deadline_exceeded` (after 10 s unless told otherwise); `cancelled`.
   */
  async call<TName extends MethodName<TService>>(
    question: Question<TService, TName>,
    options: AdminCallOptions,
  ): Promise<ResponseOf<MethodOf<TService, TName>>> {
    return new Promise((resolve, reject) => {
      let answer: ResponseOf<MethodOf<TService, TName>> | undefined;
      const limits = { ...options, deadlineAtMs: deadlineOf(options) };
      const call = this.listen(question, limits, {
        message: (message) => {
          if (answer === undefined) {
            answer = message;
            return;
          }
          call.stop();
          reject(new EngineError("protocol", "the engine gave a second answer to a call that has one"));
        },
        end: (error) => {
          if (error !== undefined) reject(error);
          else if (answer === undefined) reject(new EngineError("protocol", "the engine sent no answer"));
          else resolve(answer);
        },
      });
    });
  }

  /** A call with any number of answers; without a deadline unless told otherwise. The listener hears nothing before this returns. */
  listen<TName extends MethodName<TService>>(
    question: Question<TService, TName>,
    options: AdminCallOptions,
    listener: AnswerListener<ResponseOf<MethodOf<TService, TName>>>,
  ): ServiceCall<ResponseOf<MethodOf<TService, TName>>> {
    const method = this.#service.methods[question.method] as MethodDescription;
    const { deadlineAtMs, metadata, signal } = options;
    const answerType = method.responseType as MessageCodec<ResponseOf<MethodOf<TService, TName>>>;
    const call = new ServiceCall(answerType, listener, signal);
    if (signal?.aborted === true) {
      process.nextTick(() => call.error(cancelledError()));
      return call;
    }
    call.attach(
      this.#transport.start(
        {
          path: methodPath(this.#service, method),
          frame: frameOf(method.requestType.encode(question.request).finish()),
          deadlineAtMs,
          metadata,
        },
        call,
      ),
    );
    return call;
  }
}

/** A message with the prefix that gRPC puts before it: not compressed, its length. */
function frameOf(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(GRPC_PREFIX_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, GRPC_PREFIX_BYTES);
  return frame;
}
