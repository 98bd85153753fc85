import { existsSync } from "node:fs";
import { join } from "node:path";
import { BENCH_FOLDER, TOKENIZER_FOLDER, WORK_FOLDER } from "./bench-paths.ts";
import { ADMIN_PORT, FIRST_GRPC_PORT, workerUrls } from "./ports.ts";

/** Where a candidate listens and what it fronts. */
export interface CandidatePlace {
  readonly workers: number;
  readonly port: number;
  readonly metricsPort: number;
}

/** A router under test: how it is started. */
export interface Candidate {
  readonly name: string;
  /** False when its program is not installed. */
  readonly isInstalled: boolean;
  /** True when it takes minutes to start. */
  readonly isSlow?: boolean;
  command(place: CandidatePlace): readonly string[];
  environment?(place: CandidatePlace): Readonly<Record<string, string>>;
}

const repository = join(BENCH_FOLDER, "..", "..");
const peers = join(WORK_FOLDER, "peers", "bin");

/** Our router on either lane, the control, and the peers. */
export function knownCandidates(): readonly Candidate[] {
  return [
    ours("vllm-router-grpc", "grpc"),
    ours("vllm-router-proxy", "http"),
    passThrough(),
    rustRouter("smg-grpc", {
      program: join(peers, "smg"),
      lane: "grpc",
      launch: ["launch"],
      logLevel: "warn",
    }),
    rustRouter("smg-http", {
      program: join(peers, "smg"),
      lane: "http",
      launch: ["launch", "--disable-tokenizer-autoload"],
      logLevel: "warn",
    }),
    rustRouter("rust-vllm-router-http", {
      program: join(peers, "vllm-router"),
      lane: "http",
      launch: [],
      logLevel: "warning",
    }),
    fastApi(),
    vllmFrontend(),
  ];
}

/**
 * A candidate by name, or `name=command` with `{port}`, `{mport}`, `{grpc}`, `{http}` and `{n}` in the command.
 * @throws RangeError naming the known ones
 */
export function candidateOf(text: string): Candidate {
  const equals = text.indexOf("=");
  if (equals > 0) {
    return fromCommand(text.slice(0, equals), text.slice(equals + 1));
  }
  const candidates = knownCandidates();
  const known = candidates.find(({ name }) => name === text);
  if (known === undefined) {
    throw new RangeError(
      `unknown candidate ${text}; known are ${candidates.map(({ name }) => name).join(", ")}`,
    );
  }
  return known;
}

function ours(name: string, lane: "grpc" | "http"): Candidate {
  return {
    name,
    isInstalled: existsSync(join(repository, "apps/router/dist/main.js")),
    command: ({ workers, port, metricsPort }) => [
      process.execPath,
      join(repository, "apps/router/bin/vllm-router.js"),
      "--port",
      String(port),
      "--prometheus-port",
      String(metricsPort),
      "--log-level",
      "warn",
      "--worker-urls",
      ...workerUrls(lane, workers),
    ],
  };
}

/** The least a Node program can do between client and worker: the control. */
function passThrough(): Candidate {
  return {
    name: "pass-through",
    isInstalled: true,
    command: ({ port, workers }) => [
      process.execPath,
      join(BENCH_FOLDER, "routers/pass-through.ts"),
      String(port),
      ...workerUrls("http", workers),
    ],
  };
}

function rustRouter(
  name: string,
  how: {
    readonly program: string;
    readonly lane: "grpc" | "http";
    readonly launch: readonly string[];
    readonly logLevel: string;
  },
): Candidate {
  return {
    name,
    isInstalled: existsSync(how.program),
    command: ({ workers, port, metricsPort }) => [
      how.program,
      ...how.launch,
      "--host",
      "127.0.0.1",
      "--port",
      String(port),
      "--policy",
      "cache_aware",
      "--prometheus-host",
      "127.0.0.1",
      "--prometheus-port",
      String(metricsPort),
      "--log-level",
      how.logLevel,
      "--worker-urls",
      ...workerUrls(how.lane, workers),
    ],
  };
}

function fastApi(): Candidate {
  const python = join(WORK_FOLDER, "fastapi/bin/python");
  return {
    name: "fastapi",
    isInstalled: existsSync(python),
    command: () => [python, join(BENCH_FOLDER, "routers/fastapi_grpc.py")],
    environment: ({ port, workers }) => ({
      PORT: String(port),
      ENGINES: Array.from({ length: workers }, (_, worker) => `127.0.0.1:${FIRST_GRPC_PORT + worker}`).join(
        ",",
      ),
      TOKENIZER: TOKENIZER_FOLDER,
    }),
  };
}

/** vLLM's own API server over an engine core that is a stub; `VLLM_PYTHON` names a Python that has vLLM. */
function vllmFrontend(): Candidate {
  const python = process.env["VLLM_PYTHON"] ?? "";
  return {
    name: "vllm-frontend",
    isInstalled: python !== "",
    isSlow: true,
    command: () => [python, join(BENCH_FOLDER, "routers/vllm_frontend.py")],
    environment: ({ port }) => ({
      PORT: String(port),
      TOKENIZER: TOKENIZER_FOLDER,
      TOKENS: join(BENCH_FOLDER, "rig/tokens.json"),
      ADMIN: String(ADMIN_PORT),
      VLLM_LOGGING_LEVEL: "WARNING",
      VLLM_NO_USAGE_STATS: "1",
      HF_HUB_OFFLINE: "1",
      OMP_NUM_THREADS: "1",
      VLLM_CPU_KVCACHE_SPACE: "1",
    }),
  };
}

function fromCommand(name: string, template: string): Candidate {
  return {
    name,
    isInstalled: true,
    command: ({ workers, port, metricsPort }) => [
      "bash",
      "-c",
      `exec ${template
        .replaceAll("{port}", String(port))
        .replaceAll("{mport}", String(metricsPort))
        .replaceAll("{n}", String(workers))
        .replaceAll("{grpc}", workerUrls("grpc", workers).join(" "))
        .replaceAll("{http}", workerUrls("http", workers).join(" "))}`,
    ],
  };
}
