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
import { type NamedKvEventSource, namedKvEventSources } from "./kv-event-sources.ts";
import { loadBuiltinModel, loadModel } from "./model.ts";
import { moriioConfig, startKvConnector, type StartedKvConnector } from "./start-kv-connector.ts";
import { type KvEventAddress, type KvEventsConfig, ZmqKvPublisher } from "./zmq-kv-publisher.ts";
import { announcementOf, type MoriioConfig, MoriioSide } from "./moriio-side.ts";
import { ZmqAnnouncer } from "./zmq-announcer.ts";
import type { SimulatorOptions, SimulatorProtocol } from "./simulator-options.ts";
import { packTokenizer, type TokenizerBundle } from "./tokenizer-bundle.ts";

/** A running engine and its levers. */
export interface Simulator {
  readonly host: string;
  readonly port: number;
  /** `host:port` of the gRPC server. */
  readonly address: string;
  /** `host:port` of the HTTP face; `undefined` without one. */
  readonly httpAddress: string | undefined;
  /** Where KV events are published by ZMQ, by rank; empty without `kvEventsConfig`. */
  readonly kvEventAddresses: readonly KvEventAddress[];
  /** Peers that listen to KV events by ZMQ, over all ranks. */
  readonly kvEventSubscribers: number;
  readonly servedModelNames: readonly string[];
  /** What goes wrong; may change at any time. */
  readonly faults: Faults;
  /** Generate calls as they arrived, the latest 1000 of this life and those before. */
  readonly requests: readonly RequestRecord[];
  /** Embed calls as they arrived, the latest 1000 of this life and those before. */
  readonly embeddings: readonly EmbedRecord[];
  /** Embed calls that run now. */
  readonly runningEmbeddings: number;
  /** Most Embed calls that ran at one time. */
  readonly mostRunningEmbeddings: number;
  /** HTTP/2 streams open now. */
  readonly openStreams: number;
  /** HTTP/2 streams open now, without subscriptions to events, which last as long as their client likes. */
  readonly openCalls: number;
  readonly openConnections: number;
  /** Requests ended by their client or by an Abort call. */
  readonly abortCount: number;
  /** Where Mooncake's bootstrap server listens; undefined without one. */
  readonly bootstrapPort: number | undefined;
  /** What became of blocks that travel, in this life; undefined without a KV connector. */
  readonly kvTransfers: (KvTransferCounts & { readonly held: number }) | undefined;
  /** What its MoRI-IO connector is configured with; undefined without one. */
  readonly moriio: MoriioConfig | undefined;
  /** Prompts that MoRI-IO in read mode took for read, though nobody handed them over, in this life. */
  readonly unreadPrompts: number;
  /** Tokens generated in this life. */
  readonly generatedTokens: number;
  /** Requests that run or wait. */
  readonly runningRequests: number;
  /** Tells all clients to go away; running calls go on. */
  goaway(): void;
  /** Cuts every connection at once and stops listening, as SIGKILL does. */
  kill(): Promise<void>;
  /** A new life on the same port: empty cache, no requests, health after the start-up delay. Kills first if needed. */
  restart(): Promise<void>;
  /** Stops listening and lets running calls end for `graceMs` (default 0), then cuts them. */
  close(graceMs?: number): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

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
  #publishers: readonly ZmqKvPublisher[] = [];
  kvEventAddresses: readonly KvEventAddress[] = [];
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
    if (this.#options.kvEventsConfig !== undefined) await this.#startPublishers(this.#options.kvEventsConfig);
    this.#announce();
    const delayMs = this.#options.startupDelayMs ?? 0;
    if (delayMs === 0) this.#isServing = true;
    else this.#startupTimer = this.#clock.after(delayMs, () => (this.#isServing = true));
  }

  get kvEventSubscribers(): number {
    return this.#publishers.reduce((sum, publisher) => sum + publisher.subscriberCount, 0);
  }

  /** Binds one publisher per rank; the ports of an earlier life again. */
  async #startPublishers(config: KvEventsConfig): Promise<void> {
    const known = this.kvEventAddresses;
    const publishers = this.#engine.ranks.map(({ rank }) => {
      const before = known[rank];
      return {
        rank: before === undefined ? rank : 0,
        publisher: new ZmqKvPublisher(
          before === undefined
            ? config
            : {
                ...config,
                endpoint: before.endpoint,
                ...(before.replayEndpoint === undefined ? {} : { replayEndpoint: before.replayEndpoint }),
              },
          this.faults,
        ),
      };
    });
    this.#publishers = publishers.map(({ publisher }) => publisher);
    const addresses = await Promise.all(
      publishers.map(async ({ rank, publisher }) => publisher.listen(rank)),
    );
    this.kvEventAddresses = addresses.map((address, rank) => ({ ...address, rank }));
    this.#hub.usePublishers(this.#publishers);
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
    const publishers = this.#publishers;
    this.#publishers = [];
    await Promise.all([
      ...servers.map((server) => server.kill()),
      ...publishers.map((publisher) => publisher.close()),
    ]);
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
