import { VLLM_ENGINE_CAPABILITIES } from "../capabilities.ts";
import type {
  EngineCapabilities,
  GenerateCall,
  GenerateRequest,
  GenerateSink,
  TokenEngine,
} from "../engine.ts";
import { EngineError } from "../engine-error.ts";
import type { StreamTransport } from "../transport/stream-transport.ts";
import { vllmEngineUncarriedField } from "./carried-values.ts";
import { encodeGenerateRequest } from "./encode-generate-request.ts";
import { GenerateStream, type StreamSetting } from "./generate-stream.ts";
import { ResponseDecoder } from "./response-decoder.ts";

const GENERATE_PATH = "/vllm.grpc.engine.VllmEngine/Generate";

/** The hot half of the VllmEngine dialect: Generate, over any transport. */
export class VllmTokenEngine implements TokenEngine {
  readonly capabilities: EngineCapabilities = VLLM_ENGINE_CAPABILITIES;
  readonly #transport: StreamTransport;
  readonly #setting: StreamSetting;

  constructor(transport: StreamTransport) {
    this.#transport = transport;
    this.#setting = { decoder: new ResponseDecoder(), turns: transport.turns };
  }

  generate(request: GenerateRequest, sink: GenerateSink): GenerateCall {
    const field = vllmEngineUncarriedField(request.sampling);
    if (field !== undefined) return refuse(field, sink);
    const stream = new GenerateStream(this.#setting, sink, Math.max(1, request.sampling.n));
    const { deadlineAtMs, metadata } = request;
    const frame = encodeGenerateRequest(request);
    stream.attach(this.#transport.start({ path: GENERATE_PATH, frame, deadlineAtMs, metadata }, stream));
    return stream;
  }
}

function refuse(field: string, sink: GenerateSink): GenerateCall {
  let isCancelled = false;
  process.nextTick(() => {
    if (isCancelled) return;
    sink.error(
      new EngineError("unimplemented", `the value of ${field} cannot be carried to this engine`, {
        notStarted: true,
      }),
    );
  });
  return {
    cancel: () => {
      isCancelled = true;
    },
    pause: () => {},
    resume: () => {},
  };
}
