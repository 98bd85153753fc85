import { VLLM_ENGINE_CAPABILITIES } from "../capabilities.ts";
import type {
  EngineCapabilities,
  GenerateCall,
  GenerateRequest,
  GenerateSink,
  TokenEngine,
} from "../engine.ts";
import { refuseCall } from "../refuse-call.ts";
import type { StreamTransport } from "../transport/stream-transport.ts";
import { vllmEngineUncarriedRequestField } from "./carried-values.ts";
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
    const field = vllmEngineUncarriedRequestField(request);
    if (field !== undefined) return refuseCall(field, sink);
    const stream = new GenerateStream(this.#setting, sink, Math.max(1, request.sampling.n));
    const { deadlineAtMs, metadata } = request;
    const frame = encodeGenerateRequest(request);
    stream.attach(this.#transport.start({ path: GENERATE_PATH, frame, deadlineAtMs, metadata }, stream));
    return stream;
  }
}
