import { readFileSync } from "node:fs";
import {
  ConfigError,
  explainConfig,
  parseRouterConfig,
  readRouterCommand,
  routerHelp,
  routerSettings,
} from "@vllm-router/config";
import { POLICY_NAMES, RoutingError } from "@vllm-router/routing-core";
import { createRouter, type Router } from "./create-router.ts";
import { keepWasmWrappers } from "./fleet/own-policy/keep-wasm-wrappers.ts";
import { makeObjectsYoung } from "./models/allocation-sites.ts";
import { memoryReducerSwitch } from "./models/memory-reducer.ts";
import { letOldGenerationGrow } from "./models/old-generation.ts";
import { boundYoungGeneration } from "./models/young-generation.ts";
import { createLogger } from "./observability/logger.ts";
import { runReplay } from "./replay.ts";
import { endProcess } from "./end-process.ts";
import { RouterError } from "./router-error.ts";

/** Signals that come this close together are one: a terminal and npm each send theirs. */
const SAME_SIGNAL_MS = 300;

await main();

async function main(): Promise<void> {
  const command = readRouterCommand(process.argv.slice(2));
  switch (command.kind) {
    case "help":
      process.stdout.write(
        `${routerHelp({ policies: POLICY_NAMES, width: process.stdout.columns ?? 100 })}\n`,
      );
      return;
    case "version":
      process.stdout.write(`vllm-router ${ownVersion()}\n`);
      return;
    case "replay":
      process.exitCode = await runReplay(command.argv, {
        out: (text) => process.stdout.write(`${text}\n`),
        error: (text) => process.stderr.write(`${text}\n`),
      });
      return;
    case "check-config":
    case "serve":
      break;
  }
  try {
    const resolved = parseRouterConfig({
      argv: command.argv,
      environment: process.env,
      readFile: (path) => readFileSync(path, "utf8"),
      policies: POLICY_NAMES,
    });
    if (command.kind === "check-config") {
      process.stdout.write(
        command.explain
          ? `${explainConfig(routerSettings(POLICY_NAMES), resolved)}\n`
          : "The configuration is valid.\n",
      );
      return;
    }
    const { logLevel, logFormat } = resolved.config.observability;
    const logger = createLogger(logLevel, { format: logFormat });
    for (const warning of resolved.warnings) {
      logger.warn(warning);
    }
    const flags = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""];
    const heapsBounds = [
      boundYoungGeneration({ flags, servesHere: resolved.config.server.threads === 1 }),
      letOldGenerationGrow(flags),
    ];
    makeObjectsYoung(flags);
    if (resolved.config.routing.policyFile !== undefined) {
      keepWasmWrappers(flags);
    }
    const router = await createRouter(resolved.config, {
      logger,
      setMemoryReducer: memoryReducerSwitch(flags),
      modelRead: () => heapsBounds.forEach((widen) => widen()),
    });
    endOnSignals(router, resolved.config.server.drainTimeoutSecs * 1000);
    logger.info({ url: router.url, version: ownVersion() }, `listening on ${router.url}`);
    await router.firstReady();
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    endProcess(1);
  }
}

/** The first signal lets running answers end, a second one does not wait. */
function endOnSignals(router: Router, drainTimeoutMs: number): void {
  let firstAtMs: number | undefined;
  const received = (signal: "SIGTERM" | "SIGINT"): void => {
    if (firstAtMs === undefined) {
      firstAtMs = Date.now();
      void router.close(drainTimeoutMs).then(
        () => endProcess(0),
        () => endProcess(1),
      );
    } else if (Date.now() - firstAtMs > SAME_SIGNAL_MS) {
      endProcess(signal === "SIGINT" ? 130 : 143);
    }
  };
  process.on("SIGTERM", () => received("SIGTERM"));
  process.on("SIGINT", () => received("SIGINT"));
}

function messageOf(error: unknown): string {
  if (error instanceof ConfigError || error instanceof RouterError || error instanceof RoutingError) {
    return `vllm-router: ${error.message}`;
  }
  return error instanceof Error ? `vllm-router: ${error.stack ?? error.message}` : String(error);
}

function ownVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    readonly version: string;
  };
  return manifest.version;
}
