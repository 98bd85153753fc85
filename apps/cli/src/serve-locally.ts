import type { Environment } from "@vllm-router/config";
import {
  createLauncher,
  describeExit,
  isPortFree,
  LauncherError,
  onStopSignal,
  reservePort,
  type Launcher,
  type ProcessExit,
  type ReservedPort,
  type SupervisedProcess,
} from "@vllm-router/launcher";

import { banner } from "./banner.ts";
import { CliError } from "./cli-error.ts";
import { engineCommand } from "./engine-command.ts";
import { checkGrpcExtra, engineAdvice, findEngineProgram } from "./engine-program.ts";
import { createReporter } from "./reporter.ts";
import type { LocalPlan } from "./plan.ts";
import { routerAddress } from "./router-address.ts";
import { routerCommand } from "./router-command.ts";
import { servedModel } from "./served-model.ts";
import { ownCommand, type Terminal } from "./terminal.ts";

const ENGINE_HOST = "127.0.0.1";
const FIRST_ENGINE_PORT = 50_051;
const ENGINE_GRACE_MS = 20_000;
const DEFAULT_DRAIN_SECS = 60;
const ROUTER_MARGIN_MS = 10_000;
const SHOWN_LINES = 20;

/** Why everything is being stopped. */
type EndCause =
  | { readonly kind: "signal"; readonly signal: NodeJS.Signals }
  | { readonly kind: "death"; readonly process: SupervisedProcess; readonly exit: ProcessExit };

/**
 * Runs engines and router until a signal or until one of them dies, then stops the rest: first the router, which drains
 * its streams, then the engines.
 * @returns the exit code: 0 after a signal, that of the dead child (never 0) otherwise, 130 after a second signal
 * @throws CliError before anything was started
 */
export async function serveLocally(plan: LocalPlan, terminal: Terminal): Promise<number> {
  const program = findEngineProgram(plan.engine, terminal.environment);
  await checkGrpcExtra(program, terminal.environment);
  const ports = await choosePorts(plan, terminal.environment);
  const engines = ports.map((port) => engineCommand(program, plan, { host: ENGINE_HOST, port: port.port }));
  const router = routerCommand(
    await withFreeMetricsPort(plan, terminal),
    program.name,
    engines.map((engine) => engine.workerUrl),
  );

  await using launcher = createLauncher(createReporter(terminal));
  const session = new Session(launcher, terminal);
  // Never given back: a signal that comes while the last child is reaped must not change the exit code.
  onStopSignal((signal, count) => {
    session.signalled(signal, count);
  });
  // The router comes first, so that clients hear 503 with a reason while the engines load.
  await session.start("router", {
    ...router,
    // A person reads its lines here, unless the user said otherwise.
    environment: { VLLM_ROUTER_LOG_FORMAT: "text", ...terminal.environment },
    probe: routerAddress(plan).probe,
    // It cannot be ready before, and each question would be a line in its log.
    probeAfter: session.enginesReady,
  });
  for (const [index, engine] of engines.entries()) {
    await session.start(`engine ${index}`, {
      command: program.command,
      args: engine.args,
      environment: withoutRouterVariables(terminal.environment),
      probe: engine.probe,
    });
  }
  session.allStarted();
  void session.whenReady(async () => {
    const { environment } = terminal;
    const hasKeyInEnvironment = environment["VLLM_API_KEY"] !== undefined;
    const flagged = plan.frontendFlags.find(({ name }) => name === "api-key");
    const apiKey = flagged?.values[0] ?? environment["VLLM_API_KEY"];
    const model = await servedModel(routerAddress(plan), { fallback: plan.model ?? "default", apiKey });
    terminal.out(banner({ plan, model, command: ownCommand(environment), hasKeyInEnvironment }));
  });
  const cause = await session.ended;
  const code = await session.stop(cause, drainMs(plan, terminal.environment) + ROUTER_MARGIN_MS);
  for (const port of ports) port.release();
  return code;
}

async function choosePorts(plan: LocalPlan, environment: Environment): Promise<readonly ReservedPort[]> {
  if (!(await isPortFree(plan.host, plan.port))) {
    const next = `${ownCommand(environment)} ${plan.isDemo ? "--demo " : "... "}--port ${plan.port + 1}`;
    const message = `port ${plan.port} on ${plan.host} is in use by another program; stop it, or choose another port: ${next}`;
    throw new CliError("port_in_use", message);
  }
  const ports: ReservedPort[] = [];
  try {
    for (let index = 0; index < plan.engineCount; index++) {
      const asked = plan.enginePort === undefined ? undefined : plan.enginePort + index;
      const port = asked ?? FIRST_ENGINE_PORT;
      ports.push(await reservePort({ host: ENGINE_HOST, port, exact: asked !== undefined }));
    }
  } catch (cause) {
    if (!(cause instanceof LauncherError)) throw cause;
    const message = `${cause.message}; choose another with --engine-port`;
    throw new CliError("port_in_use", message, { cause });
  }
  return ports;
}

const METRICS_HOST = "127.0.0.1";
const METRICS_PORT = 29_000;

/** A second service on this machine goes without the metrics port that nobody asked for. */
async function withFreeMetricsPort(plan: LocalPlan, terminal: Terminal): Promise<LocalPlan> {
  const isAsked =
    plan.routerArguments.some((argument) => /^--prometheus-(port|host)(=|$)/.test(argument)) ||
    terminal.environment["VLLM_ROUTER_PROMETHEUS_PORT"] !== undefined;
  if (isAsked || (await isPortFree(METRICS_HOST, METRICS_PORT))) return plan;
  terminal.error(
    `vllm-serve: port ${METRICS_PORT} is in use, so metrics are only on port ${plan.port} (/metrics); choose another with --router-prometheus-port`,
  );
  return { ...plan, routerArguments: [...plan.routerArguments, "--prometheus-port=0"] };
}

/** vLLM checks VLLM_ variables it does not know; the router's are not its business. */
function withoutRouterVariables(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("VLLM_ROUTER_")));
}

/** How long the router may drain, in milliseconds: its own setting. */
function drainMs(plan: LocalPlan, environment: Environment): number {
  const index = plan.routerArguments.lastIndexOf("--drain-timeout-secs");
  const text = index < 0 ? environment["VLLM_ROUTER_DRAIN_TIMEOUT_SECS"] : plan.routerArguments[index + 1];
  const secs = Number(text ?? DEFAULT_DRAIN_SECS);
  return (Number.isFinite(secs) ? secs : DEFAULT_DRAIN_SECS) * 1000;
}

type StartSpec = Omit<Parameters<Launcher["start"]>[0], "name">;

/** The processes of one run: who is up, what ended it, who is stopped in which order. */
class Session {
  /** Resolves with the first reason to stop. */
  readonly ended: Promise<EndCause>;
  /** Resolves when every engine is ready. */
  readonly enginesReady: Promise<void>;
  readonly #launcher: Launcher;
  readonly #terminal: Terminal;
  readonly #processes: SupervisedProcess[] = [];
  #end: (cause: EndCause) => void = () => undefined;
  #enginesUp: () => void = () => undefined;
  #isKilled = false;

  constructor(launcher: Launcher, terminal: Terminal) {
    this.#launcher = launcher;
    this.#terminal = terminal;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.enginesReady = new Promise((resolve) => {
      this.#enginesUp = resolve;
    });
  }

  async start(name: string, spec: StartSpec): Promise<void> {
    const supervised = await this.#launcher.start({ ...spec, name });
    this.#processes.push(supervised);
    void supervised.exited.then((exit) => {
      if (!exit.asked) this.#end({ kind: "death", process: supervised, exit });
    });
  }

  /** To be called after the last start: the first process is the router, the others are the engines. */
  allStarted(): void {
    const engines = this.#processes.slice(1).map((engine) => engine.ready);
    Promise.all(engines).then(this.#enginesUp, () => undefined);
  }

  /** Calls back once every process answered; never when one ends before. */
  async whenReady(callback: () => Promise<void>): Promise<void> {
    try {
      await Promise.all(this.#processes.map((supervised) => supervised.ready));
    } catch {
      return; // its death ends the session
    }
    await callback();
  }

  signalled(signal: NodeJS.Signals, count: number): void {
    if (count === 1) {
      this.#say(`${signal}: running answers may end, then everything stops; again to stop at once`);
      this.#end({ kind: "signal", signal });
      return;
    }
    this.#say(`${signal} again: stopping at once`);
    this.#isKilled = true;
    void this.#launcher.stopAll(0);
  }

  /** Stops the router, then the engines, and gives the exit code. */
  async stop(cause: EndCause, routerGraceMs: number): Promise<number> {
    if (cause.kind === "death") this.#showDeath(cause.process, cause.exit);
    const [router, ...engines] = this.#processes;
    await router?.stop(routerGraceMs);
    await Promise.all(engines.map((engine) => engine.stop(ENGINE_GRACE_MS)));
    if (this.#isKilled) return 130;
    if (cause.kind === "signal") return 0;
    return cause.exit.code === null || cause.exit.code === 0 ? 1 : cause.exit.code;
  }

  #showDeath(dead: SupervisedProcess, exit: ProcessExit): void {
    const lines = exit.lastLines.slice(-SHOWN_LINES);
    this.#say(
      `${dead.name} ended unexpectedly (${describeExit(exit)})${lines.length > 0 ? "; its last lines:" : ""}`,
    );
    for (const line of lines) this.#terminal.error(`    ${line}`);
    const advice = engineAdvice(exit.lastLines, this.#terminal.environment);
    if (advice !== undefined) this.#say(advice);
    this.#say("stopping everything else");
  }

  #say(text: string): void {
    this.#terminal.error(`vllm-serve: ${text}`);
  }
}
