import type { AdmissionTicket } from "@vllm-router/routing-core";
import type { RequestScope } from "../server/request-scope.ts";
import { RunningList } from "../server/running-list.ts";
import { sendApiError } from "../server/send-api-error.ts";
import type { AdmissionControl, AdmissionOutcome } from "./admission-control.ts";
import type { RequestPlan } from "./plan.ts";
import { failureCode, failureToApiError, type RequestFailure } from "./request-failure.ts";
import { RequestRun, type RunEnd } from "./request-run.ts";
import { RunningServices, type RunningServicesOptions } from "./running-services.ts";

/** Something that runs and can be ended when the router stops at once. */
export interface Abortable {
  abort(failure: RequestFailure): void;
  /** Ends what generates under one of these ids, or all, as if it had finished. @returns how many generations that were */
  abortRequests?(ids: ReadonlySet<string> | undefined): number;
}

/** What serving a generation needs. */
export interface GenerationServerOptions extends RunningServicesOptions {
  readonly admission: AdmissionControl;
  readonly policyName: string;
  /** Where the gaps between outputs of a model are counted. */
  readonly gapCell: (model: string) => { observe(seconds: number): void };
  /** Idle time of a stream after which a comment is sent, in milliseconds; 0, the default, for never. */
  readonly keepAliveMs?: number;
}

/** Admits requests, runs their generations, and tells the observer how they went. */
export class GenerationServer {
  readonly #options: GenerationServerOptions;
  readonly #running = new RunningList<Abortable>();

  constructor(options: GenerationServerOptions) {
    this.#options = options;
  }

  /** Requests being served. */
  get runningCount(): number {
    return this.#running.size;
  }

  /**
   * Serves one validated request. `prepare` runs once it is admitted: template and tokeniser are the dear part.
   * Where it takes its time, it gives undefined for a client that is not there any more.
   * Resolves when the generations have been started or an answer has been sent; the run goes on by itself.
   * @throws what `prepare` throws
   */
  async serve(
    scope: RequestScope,
    prepare: () => RequestPlan | Promise<RequestPlan | undefined>,
  ): Promise<void> {
    const arrivedAtMs = this.#options.timers.steadyMs();
    const entered = this.admitted(scope);
    const ticket = entered instanceof Promise ? await entered : entered;
    if (ticket === undefined) {
      return;
    }
    const queueMs = this.#options.timers.steadyMs() - arrivedAtMs;
    let plan: RequestPlan;
    try {
      const prepared = prepare();
      const made = prepared instanceof Promise ? await prepared : prepared;
      if (made === undefined) {
        ticket.release();
        return;
      }
      plan = made;
      if (plan.lateError !== undefined && !plan.stream) {
        throw plan.lateError;
      }
    } catch (error) {
      ticket.release();
      throw error;
    }
    scope.id = plan.responseId;
    if (plan.lateError !== undefined) {
      ticket.release();
      scope.errorCode = "rejected";
      scope.exchange.append(plan.writer.error(plan.lateError));
      scope.exchange.endStream(plan.writer.contentType);
      return;
    }
    try {
      this.#run(plan, { scope, ticket, queueMs });
    } catch (error) {
      ticket.release();
      throw error;
    }
  }

  /**
   * Waits for a place, where there is none at once. Whoever gets the ticket releases it at the end of the body.
   * @returns undefined when the request was refused (and answered) or its client left
   */
  admitted(scope: RequestScope): AdmissionTicket | undefined | Promise<AdmissionTicket | undefined> {
    const door: { outcome?: AdmissionOutcome; told?: (outcome: AdmissionOutcome) => void } = {};
    const waiting = this.#options.admission.enter((outcome) => {
      door.outcome = outcome;
      door.told?.(outcome);
    });
    if (door.outcome !== undefined) {
      return this.#let(door.outcome, scope);
    }
    return new Promise<AdmissionOutcome>((resolve) => {
      door.told = resolve;
      scope.exchange.listen({ gone: () => waiting.leave(), drained: () => undefined });
    }).then((found) => {
      scope.exchange.listen(undefined);
      return this.#let(found, scope);
    });
  }

  /** Lets a request in, or answers it. */
  #let(outcome: AdmissionOutcome, scope: RequestScope): AdmissionTicket | undefined {
    if (outcome.kind === "admitted") {
      if (scope.exchange.gone) {
        outcome.ticket.release();
        return undefined;
      }
      return outcome.ticket;
    }
    if (outcome.kind !== "left") {
      scope.errorCode = failureCode(outcome);
      sendApiError(scope.exchange, failureToApiError(outcome));
    }
    return undefined;
  }

  /**
   * Waits for something that is under way for a request. `begin` starts it and returns how it is given up.
   * @returns undefined when the client left, or the router stopped and the request was answered
   */
  async waiting<T>(
    scope: RequestScope,
    begin: (done: (value: T) => void) => () => void,
  ): Promise<{ readonly value: T } | undefined> {
    const { exchange } = scope;
    let untrack: (() => void) | undefined;
    const outcome = await new Promise<{ readonly value: T } | undefined>((resolve) => {
      const stop = begin((value) => resolve({ value }));
      const leave = (): void => {
        stop();
        resolve(undefined);
      };
      untrack = this.track({
        abort: (failure) => {
          scope.errorCode = failureCode(failure);
          sendApiError(exchange, failureToApiError(failure));
          leave();
        },
      });
      exchange.listen({ gone: leave, drained: () => undefined });
    });
    untrack?.();
    exchange.listen(undefined);
    return outcome;
  }

  /** Counts something among the running that is ended by {@link abortAll}. */
  track(running: Abortable): () => void {
    return this.#running.add(running);
  }

  /** Ends everything that runs, now. */
  abortAll(): void {
    for (const running of this.#running.items()) {
      running.abort({ kind: "stopping" });
    }
  }

  /**
   * Ends the generations of these ids where they run, or all of them; unknown ids are fine.
   * @returns how many were ended
   */
  abortRequests(ids: readonly string[] | undefined): number {
    const wanted = ids === undefined ? undefined : new Set(ids);
    return this.#running
      .items()
      .reduce((ended, running) => ended + (running.abortRequests?.(wanted) ?? 0), 0);
  }

  #run(plan: RequestPlan, context: RunContext): void {
    const { scope } = context;
    const services = new RunningServices(this.#options, {
      route: scope.route,
      gaps: this.#options.gapCell(plan.model.servedNames[0] ?? ""),
      ended: (ended, end) => {
        untrack();
        context.ticket.release();
        this.#summarise(ended, { ...context, end });
      },
    });
    const run = new RequestRun(plan, scope.exchange, services);
    const untrack = this.track(run);
    const { keepAliveMs = 0 } = this.#options;
    if (plan.stream && keepAliveMs > 0) {
      run.keepAlive(keepAliveMs);
    }
    run.start();
  }

  #summarise(run: RequestRun, context: RunContext & { readonly end: RunEnd }): void {
    const { scope, end } = context;
    if (end.kind === "failed") {
      scope.errorCode = failureCode(end.failure);
    }
    const { plan } = run;
    const first = run.generations[0];
    let maxTokens = 0;
    for (const { sampling } of plan.prompts) {
      maxTokens = Math.max(maxTokens, sampling.maxTokens);
    }
    let attempts = 0;
    let sequences = 0;
    const finishReasons: string[] = [];
    for (const generation of run.generations) {
      attempts += generation.attempts;
      sequences += generation.sequences.length;
      for (const { finishReason } of generation.sequences) {
        if (finishReason !== undefined) {
          finishReasons.push(finishReason);
        }
      }
    }
    scope.generation = {
      model: plan.model.servedNames[0] ?? "",
      workers: workersOf(run.generations),
      policy: this.#options.policyName,
      reason: first?.placementReason ?? "",
      attempts,
      queueMs: context.queueMs,
      firstTokenMs: run.firstOutputAtMs === undefined ? undefined : run.firstOutputAtMs - scope.startedAtMs,
      promptTokens: run.promptTokens,
      completionTokens: run.completionTokens,
      cachedTokens: run.cachedTokens ?? 0,
      sequences,
      maxTokens,
      finishReasons,
    };
  }
}

/** Workers that generations used, each once, in order. */
function workersOf(generations: RequestRun["generations"]): readonly string[] {
  const [first, ...others] = generations;
  return others.length === 0
    ? (first?.workersUsed ?? [])
    : [...new Set(generations.flatMap(({ workersUsed }) => workersUsed))];
}

/** What belongs to one running request beside its plan. */
interface RunContext {
  readonly scope: RequestScope;
  readonly ticket: AdmissionTicket;
  readonly queueMs: number;
}
