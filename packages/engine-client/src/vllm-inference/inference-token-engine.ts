import { VLLM_INFERENCE_CAPABILITIES } from "../capabilities.ts";
import type {
  EngineCapabilities,
  GenerateCall,
  GenerateRequest,
  GenerateSink,
  TokenEngine,
} from "../engine.ts";
import { refuseCall } from "../refuse-call.ts";
import type { StreamTransport } from "../transport/stream-transport.ts";
import { GenerateStream } from "../vllm-engine/generate-stream.ts";
import { encodeInferenceRequest } from "./encode-inference-request.ts";
import { inferenceUncarriedField } from "./inference-carried-values.ts";
import { InferenceDecoder } from "./inference-decoder.ts";

const STREAM_PATH = "/vllm.Inference/GenerateStream";
const WHOLE_PATH = "/vllm.Inference/Generate";

/** Metadata that names the data-parallel rank. */
const RANK_METADATA = "x-data-parallel-rank";

/** The hot half of the vllm.Inference dialect, over any transport. */
export class InferenceTokenEngine implements TokenEngine {
  readonly capabilities: EngineCapabilities = VLLM_INFERENCE_CAPABILITIES;
  readonly #transport: StreamTransport;
  readonly #abort: (requestId: string) => void;

  /** `abort` ends the engine's work on a request at once: dropping a call is noticed with its next token only. */
  constructor(transport: StreamTransport, abort: (requestId: string) => void) {
    this.#transport = transport;
    this.#abort = abort;
  }

  generate(request: GenerateRequest, sink: GenerateSink): GenerateCall {
    const field = inferenceUncarriedField(request);
    if (field !== undefined) return refuseCall(field, sink);
    const { deadlineAtMs, rank, requestId } = request;
    const metadata =
      rank === undefined ? request.metadata : { ...request.metadata, [RANK_METADATA]: String(rank) };
    const frame = encodeInferenceRequest(request);
    const path = request.stream ? STREAM_PATH : WHOLE_PATH;
    const stream = new GenerateStream(
      { decoder: new InferenceDecoder(), turns: this.#transport.turns },
      sink,
      1,
    );
    const call = this.#transport.start({ path, frame, deadlineAtMs, metadata }, stream);
    stream.attach({
      cancel: () => {
        call.cancel();
        if (requestId !== "") this.#abort(requestId);
      },
      pause: () => call.pause(),
      resume: () => call.resume(),
    });
    return stream;
  }
}
