import { z } from "zod";

import { setting } from "../setting.ts";

/** How many requests run and wait at once. */
export const admission = z
  .strictObject({
    maxConcurrentRequests: setting(z.int().min(0).default(32_768), {
      doc: "Most requests that run at once, counted to the end of their body; 0 means no limit.",
      flag: "max-concurrent-requests",
      placeholder: "COUNT",
    }),
    queueSize: setting(z.int().min(0).default(100), {
      doc: "Most requests that wait for a free place; beyond it the answer is 429. 0 means no queue.",
      flag: "queue-size",
      placeholder: "COUNT",
    }),
    queueTimeoutSecs: setting(z.number().positive().default(60), {
      doc: "Longest wait in the queue, in seconds; then the answer is 408.",
      flag: "queue-timeout-secs",
      placeholder: "SECS",
    }),
  })
  .meta({ title: "Admission" });

/** Attempts before the first byte of the answer. */
export const retry = z
  .strictObject({
    maxAttempts: setting(z.int().min(1).default(5), {
      doc: "Most attempts of one request, the first included, each on another worker when there is one.",
      flag: "retry-max-retries",
      placeholder: "COUNT",
    }),
    initialBackoffMs: setting(z.number().positive().default(50), {
      doc: "Pause before the second attempt, in milliseconds.",
      flag: "retry-initial-backoff-ms",
      placeholder: "MS",
    }),
    maxBackoffMs: setting(z.number().positive().default(30_000), {
      doc: "Longest pause between two attempts, in milliseconds.",
      flag: "retry-max-backoff-ms",
      placeholder: "MS",
    }),
    backoffMultiplier: setting(z.number().min(1).default(1.5), {
      doc: "Factor from one pause to the next.",
      flag: "retry-backoff-multiplier",
      placeholder: "FACTOR",
    }),
    jitterFactor: setting(z.number().min(0).max(1).default(0.2), {
      doc: "Share by which each pause is varied at random, 0 to 1.",
      flag: "retry-jitter-factor",
      placeholder: "RATIO",
    }),
    disabled: setting(z.boolean().default(false), {
      doc: "One attempt only.",
      flag: "disable-retries",
    }),
  })
  .meta({ title: "Retry" });

/** The circuit breaker of each worker. */
export const breaker = z
  .strictObject({
    failureThreshold: setting(z.int().min(1).default(10), {
      doc: "Failures in a row that open the breaker of a worker.",
      flag: "cb-failure-threshold",
      placeholder: "COUNT",
    }),
    successThreshold: setting(z.int().min(1).default(3), {
      doc: "Successes in a row that close a half-open breaker.",
      flag: "cb-success-threshold",
      placeholder: "COUNT",
    }),
    timeoutSecs: setting(z.number().positive().default(60), {
      doc: "Time a breaker stays open before it lets requests try again, in seconds.",
      flag: "cb-timeout-duration-secs",
      placeholder: "SECS",
    }),
    windowSecs: setting(z.number().positive().default(120), {
      doc: "Time within which the failures in a row must lie, in seconds; older ones are forgotten.",
      flag: "cb-window-duration-secs",
      placeholder: "SECS",
    }),
    disabled: setting(z.boolean().default(false), {
      doc: "No breaker: workers are only judged by health checks.",
      flag: "disable-circuit-breaker",
    }),
  })
  .meta({ title: "Circuit breaker" });

/** The probes of each worker. */
export const health = z
  .strictObject({
    failureThreshold: setting(z.int().min(1).default(3), {
      doc: "Failed probes in a row after which a worker gets no more requests.",
      flag: "health-failure-threshold",
      placeholder: "COUNT",
    }),
    successThreshold: setting(z.int().min(1).default(2), {
      doc: "Good probes in a row after which it gets requests again.",
      flag: "health-success-threshold",
      placeholder: "COUNT",
    }),
    checkTimeoutSecs: setting(z.number().positive().default(5), {
      doc: "Longest time a probe may take, in seconds.",
      flag: "health-check-timeout-secs",
      placeholder: "SECS",
    }),
    checkIntervalSecs: setting(z.number().positive().default(60), {
      doc: "Pause between two probes of a worker, in seconds.",
      flag: "health-check-interval-secs",
      placeholder: "SECS",
    }),
    checkEndpoint: setting(z.string().startsWith("/", "must begin with a slash").default("/health"), {
      doc: "Path probed on HTTP workers; gRPC engines are asked by HealthCheck.",
      flag: "health-check-endpoint",
      placeholder: "PATH",
    }),
  })
  .meta({ title: "Health checks" });
