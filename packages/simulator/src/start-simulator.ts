import { randomBytes } from "node:crypto";
import { createChatPrompts } from "./chat-template.ts";
import { systemClock, type Clock, type Timer } from "./clock.ts";
import { type EmbedRecord, EmbedService } from "./embed-service.ts";
import { Engine, type EngineOptions } from "./engine.ts";
import { engineOptions } from "./engine-options.ts";
import { engineServiceHandlers, type EngineServiceContext, type RequestRecord } from "./engine-service.ts";
import { Faults } from "./faults.ts";
import { type GrpcHandler, GrpcServer, type ListenAddress } from "./grpc-server.ts";
import { healthServiceHandlers } from "./health-service.ts";
import { HttpFace } from "./http-face.ts";
import { inferenceServiceHandlers } from "./inference-service.ts";
import type { KvTransferCounts } from "./kv-connector-side.ts";
import { KvEventHub } from "./kv-event-hub.ts";
import { KvEventPublishers } from "./kv-event-publishers.ts";
import { type NamedKvEventSource, namedKvEventSources } from "./kv-event-sources.ts";
import { loadBuiltinModel, loadModel } from "./model.ts";
import { moriioConfig, startKvConnector, type StartedKvConnector } from "./start-kv-connector.ts";
import type { KvEventAddress } from "./zmq-kv-publisher.ts";
import { announcementOf, type MoriioConfig, MoriioSide } from "./moriio-side.ts";
import { ZmqAnnouncer } from "./zmq-announcer.ts";
import type { Simulator } from "./simulator.ts";
import type { SimulatorOptions, SimulatorProtocol } from "./simulator-options.ts";
import { packTokenizer, type TokenizerBundle } from "./tokenizer-bundle.ts";

/** The services of a protocol, and how they are answered. */
const protocols: Readonly<
  Record<
    SimulatorProtocol,
    {
      readonly services: readonly string[];
      readonly handlersOf: (context: EngineServiceContext) => [string, GrpcHandler][];
    }
  >
> = {
  "vllm-engine": { services: ["vllm.grpc.engine.VllmEngine"], handlersOf: engineServiceHandlers },
  "vllm-inference": { services: ["vllm.Inference", "vllm.Control"], handlersOf: inferenceServiceHandlers },
};

const keptRequests = 1000;

/**
 * Starts an engine on a socket.
 * @throws SimulatorError invalid_model, invalid_option, listen_failed
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = new RunningSimulator(options);
  try {
    await simulator.start();
  } catch (error) {
    await simulator.kill();
    throw error;
  }
  return simulator;
}

class RunningSimulator implements Simulator {
  readonly servedModelNames: readonly string[];
  readonly faults: Faults;
  readonly requests: RequestRecord[] = [];
  abortCount = 0;
  readonly #embed: EmbedService;
  readonly #options: SimulatorOptions;
  readonly #engineOptions: Omit<EngineOptions, "kvRootHash">;
  readonly #clock: Clock;
  #address: ListenAddress;
  #engine: Engine;
  #hub: KvEventHub;
  #server: GrpcServer | undefined;
  #httpFace: HttpFace | undefined;
  #httpPort: number | undefined;
  #startupTimer: Timer | undefined;
  #announcer: ZmqAnnouncer | undefined;
  #isServing = false;
  #kv: StartedKvConnector | undefined;
  bootstrapPort: number | undefined;
  readonly moriio: MoriioConfig | undefined;
  readonly #publishers = new KvEventPublishers();
  #bundle: Promise<TokenizerBundle> | undefined;

  constructor(options: SimulatorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.faults = new Faults(() => this.#engine.wake());
    const model = options.modelPath === undefined ? loadBuiltinModel() : loadModel(options.modelPath);
    this.servedModelNames = options.servedModelNames ?? [options.modelPath ?? "simulated"];
    this.#engineOptions = engineOptions(options, { model, clock: this.#clock, faults: this.faults });
    const { kvConnector } = options;
    this.moriio = typeof kvConnector === "object" ? moriioConfig(kvConnector) : undefined;
    this.#address = { host: options.host ?? "127.0.0.1", port: options.port ?? 0 };
    this.#httpPort = options.httpPort;
    this.#engine = this.#newEngine();
    this.#hub = this.#newHub();
    this.#embed = new EmbedService({
      embeddingSize: options.embeddingSize,
      clock: this.#clock,
      faults: this.faults,
      engine: () => this.#engine,
      countAborts: (count) => (this.abortCount += count),
    });
    Object.assign(this.faults, options.faults);
  }

  get host(): string {
    return this.#address.host;
  }

  get port(): number {
    return this.#address.port;
  }

  get address(): string {
    return hostAndPort(this.#address);
  }

  get httpAddress(): string | undefined {
    const { host } = this.#address;
    return this.#httpPort === undefined ? undefined : hostAndPort({ host, port: this.#httpPort });
  }

  get embeddings(): readonly EmbedRecord[] {
    return this.#embed.records;
  }

  get runningEmbeddings(): number {
    return this.#embed.running;
  }

  get mostRunningEmbeddings(): number {
    return this.#embed.mostRunning;
  }

  get openStreams(): number {
    return this.#server?.openStreams ?? 0;
  }

  get openCalls(): number {
    return (this.#server?.openStreams ?? 0) - (this.#server?.openSubscriptions ?? 0);
  }

  get openConnections(): number {
    return this.#server?.openConnections ?? 0;
  }

  get kvTransfers(): (KvTransferCounts & { readonly held: number }) | undefined {
    const side = this.#kv?.side;
    return side && { ...side.counts, held: side.heldPrompts };
  }

  get unreadPrompts(): number {
    return this.#kv?.side instanceof MoriioSide ? this.#kv.side.unread : 0;
  }

  get generatedTokens(): number {
    return this.#engine.generatedTokens;
  }

  get runningRequests(): number {
    return this.#engine.requestCount;
  }

  async start(): Promise<void> {
    const { kvConnector } = this.#options;
    this.#kv = await startKvConnector(typeof kvConnector === "object" ? this.moriio : kvConnector, {
      clock: this.#clock,
      engine: this,
      ranks: this.#engineOptions.dataParallelSize,
      bootstrapPort: this.bootstrapPort ?? this.#options.bootstrapPort ?? 0,
      nixl: { policy: this.#options.kvLoadFailurePolicy, die: this.#die },
    });
    this.bootstrapPort = this.#kv?.bootstrap?.port;
    const context: EngineServiceContext = {
      servedModelNames: this.servedModelNames,
      loras: this.#options.loras,
      clock: this.#clock,
      faults: this.faults,
      hub: this.#hub,
      pools: this.#options.embeddingSize !== undefined,
      embed: this.#embed,
      publishesKvEvents: this.#options.kvEvents ?? true,
      kvEventSources: () => this.#kvEventSources(),
      engine: () => this.#engine,
      reasoningParser: this.#options.reasoningParser,
      kvConnector: () => this.#kv?.side,
      tokenizerBundle: () => this.#tokenizerBundle(),
      recordRequest: (record) => this.#record(record),
      countAborts: (count) => (this.abortCount += count),
    };
    const { handlersOf, services } = protocols[this.#options.protocol ?? "vllm-engine"];
    const server = new GrpcServer({
      handlers: new Map([...handlersOf(context), ...healthServiceHandlers(services, () => this.#isServing)]),
      goawayAfterCalls: () => this.faults.goawayAfterCalls,
    });
    this.#address = await server.listen(this.#address);
    this.#server = server;
    if (this.#httpPort !== undefined) await this.#startHttpFace(this.#httpPort);
    const { kvEventsConfig } = this.#options;
    if (kvEventsConfig !== undefined) {
      const ranks = this.#engine.ranks.map(({ rank }) => rank);
      await this.#publishers.start(kvEventsConfig, { ranks, hub: this.#hub, faults: this.faults });
    }
    this.#announce();
    const delayMs = this.#options.startupDelayMs ?? 0;
    if (delayMs === 0) this.#isServing = true;
    else this.#startupTimer = this.#clock.after(delayMs, () => (this.#isServing = true));
  }

  get kvEventAddresses(): readonly KvEventAddress[] {
    return this.#publishers.addresses;
  }

  get kvEventSubscribers(): number {
    return this.#publishers.subscriberCount;
  }

  async #startHttpFace(port: number): Promise<void> {
    const { model } = this.#engineOptions;
    const face = new HttpFace({
      servedModelNames: this.servedModelNames,
      clock: this.#clock,
      faults: this.faults,
      chatPrompts: createChatPrompts(model.files, model.tokenizer, this.#clock),
      tellsCachedTokens: this.#options.promptTokensDetails ?? false,
      engine: () => this.#engine,
      kvConnector: () => this.#kv?.side,
      kvEventSources: () => this.#kvEventSources(),
      isServing: () => this.#isServing,
      randomId: () => randomBytes(16).toString("hex"),
      countAborts: (count) => (this.abortCount += count),
    });
    const address = await face.listen({ host: this.host, port });
    this.#httpFace = face;
    this.#httpPort = address.port;
  }

  #kvEventSources(): readonly NamedKvEventSource[] {
    return namedKvEventSources(this.kvEventAddresses, this.#options.kvEventsConfig);
  }

  #announce(): void {
    const { announces } = this.#options;
    if (announces === undefined) return;
    const { moriio, host, httpAddress: address = this.address } = this;
    const engine = { host, address, ranks: this.#engineOptions.dataParallelSize };
    this.#announcer = new ZmqAnnouncer(this.#clock, announces, announcementOf(moriio, announces, engine));
  }

  goaway(): void {
    this.#server?.goaway();
  }

  async kill(): Promise<void> {
    const servers = this.#endLife();
    await Promise.all([...servers.map((server) => server.kill()), this.#publishers.close()]);
  }

  async restart(): Promise<void> {
    await this.kill();
    this.#engine = this.#newEngine();
    this.#hub = this.#newHub();
    await this.start();
  }

  async close(graceMs = 0): Promise<void> {
    this.#isServing = false;
    if (graceMs > 0) {
      await Promise.all([this.#server?.close(graceMs), this.#httpFace?.close(graceMs)]);
    }
    await this.kill();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  readonly #die = (): void => void this.kill().then(() => this.#options.died?.());

  /** Stops all work; the servers that still listen are the caller's to end. */
  #endLife(): { kill(): Promise<void> }[] {
    const all = [this.#server, this.#httpFace, this.#kv?.bootstrap?.server];
    const servers = all.filter((server) => server !== undefined);
    this.#server = undefined;
    this.#httpFace = undefined;
    this.#isServing = false;
    this.#startupTimer?.cancel();
    this.#announcer?.[Symbol.dispose]();
    this.#kv?.side[Symbol.dispose]();
    this.#engine.close();
    this.#hub.close();
    return servers;
  }

  #newEngine(): Engine {
    // Like vLLM without PYTHONHASHSEED: block hashes of two lives have nothing in common.
    const kvRootHash = randomBytes(8).readBigInt64BE() >> 8n;
    return new Engine(
      { ...this.#engineOptions, kvRootHash },
      {
        kvEvents: (rank, events) => this.#hub.publish(rank, events),
        died: this.#die,
      },
    );
  }

  #newHub(): KvEventHub {
    return new KvEventHub(this.#clock, () => this.#engine);
  }

  #tokenizerBundle(): Promise<TokenizerBundle> {
    this.#bundle ??= packTokenizer(this.#engineOptions.model.path);
    return this.#bundle;
  }

  #record(record: RequestRecord): void {
    this.requests.push(record);
    if (this.requests.length > keptRequests) this.requests.shift();
  }
}

function hostAndPort({ host, port }: ListenAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
