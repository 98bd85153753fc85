import { pino } from "pino";
import { Writable } from "node:stream";
import { parseRouterConfig } from "@vllm-router/config";
import { POLICY_NAMES } from "@vllm-router/routing-core";
import { createRouter, type Router, type RouterEnvironment } from "../src/create-router.ts";

/** Request threads where a test asks for none: `TEST_THREADS=2` runs the suites with two. */
const TEST_THREADS = Number(process.env["TEST_THREADS"] ?? 1);

/** A router in this process, on a free port, with its log lines kept. */
export interface TestRouter extends AsyncDisposable {
  readonly router: Router;
  readonly url: string;
  /** Parsed log lines so far. */
  readonly logs: readonly Readonly<Record<string, unknown>>[];
  /** Everything logged, as text. */
  logText(): string;
  /** POST with a JSON body. */
  post(path: string, body: unknown, init?: RequestInit): Promise<Response>;
}

/** Starts a router with the flags a user would type, and waits until every worker is ready. */
export async function startRouter(
  workerUrls: readonly string[],
  flags: readonly string[] = [],
  options: {
    readonly waitForWorkers?: boolean;
    readonly environment?: Readonly<Record<string, string>>;
    readonly threadStarted?: RouterEnvironment["threadStarted"];
    readonly setMemoryReducer?: RouterEnvironment["setMemoryReducer"];
    readonly modelRead?: RouterEnvironment["modelRead"];
  } = {},
): Promise<TestRouter> {
  const { config } = parseRouterConfig({
    argv: [
      ...(workerUrls.length === 0 ? [] : ["--worker-urls", ...workerUrls]),
      "--port",
      "0",
      "--prometheus-port",
      "0",
      "--log-level",
      "debug",
      ...(flags.includes("--threads") ? [] : ["--threads", String(TEST_THREADS)]),
      ...flags,
    ],
    environment: options.environment ?? {},
    readFile: () => {
      throw new Error("no files in tests");
    },
    policies: POLICY_NAMES,
  });
  let text = "";
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  const router = await createRouter(config, {
    logger: pino({ level: "debug", base: null }, sink),
    ...(options.threadStarted === undefined ? {} : { threadStarted: options.threadStarted }),
    ...(options.setMemoryReducer === undefined ? {} : { setMemoryReducer: options.setMemoryReducer }),
    ...(options.modelRead === undefined ? {} : { modelRead: options.modelRead }),
  });
  if (options.waitForWorkers ?? true) {
    const workers =
      workerUrls.length + flags.filter((flag) => flag === "--prefill" || flag === "--decode").length;
    await eventually("every worker is ready", () => router.readyWorkers() === workers);
  }
  return {
    router,
    url: router.url,
    get logs() {
      return text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    },
    logText: () => text,
    post: (path, body, init) =>
      fetch(`${router.url}${path}`, {
        ...init,
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(init?.headers as Record<string, string> | undefined),
        },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    [Symbol.asyncDispose]: async () => {
      await router.close(0);
    },
  };
}

/** Waits for a condition, looking again and again. @throws Error naming it after five seconds */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 5_000,
): Promise<void> {
  const deadlineAtMs = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadlineAtMs) {
      throw new Error(`not within ${timeoutMs} ms: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** `data:` payloads of a whole SSE body. */
export function sseData(text: string): readonly string[] {
  return text
    .split("\n\n")
    .filter((block) => block.startsWith("data: "))
    .map((block) => block.slice("data: ".length));
}

/** The JSON events of a whole SSE body, without `[DONE]`. */
export function sseEvents<T>(text: string): readonly T[] {
  return sseData(text)
    .filter((data) => data !== "[DONE]")
    .map((data) => JSON.parse(data) as T);
}
