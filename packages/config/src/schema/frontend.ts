import { z } from "zod";

import { setting } from "../setting.ts";

/** vLLM's front-end switches that change what a client sees. */
export const frontend = z
  .strictObject({
    responseRole: setting(z.string().min(1).default("assistant"), {
      doc: "Role of generated chat messages.",
      flag: "response-role",
      placeholder: "ROLE",
    }),
    returnTokensAsTokenIds: setting(z.boolean().default(false), {
      doc: "Show tokens in logprobs as token_id:N.",
      flag: "return-tokens-as-token-ids",
    }),
    enablePromptTokensDetails: setting(z.boolean().default(false), {
      doc: "Report cached prompt tokens in usage.",
      flag: "enable-prompt-tokens-details",
    }),
    enableForceIncludeUsage: setting(z.boolean().default(false), {
      doc: "Send usage with every stream, asked for or not.",
      flag: "enable-force-include-usage",
    }),
    enableServerLoadTracking: setting(z.boolean().default(false), {
      doc: "Count running requests for GET /load.",
      flag: "enable-server-load-tracking",
    }),
    enableResponsesStore: setting(z.boolean().default(false), {
      doc: "Keep responses of /v1/responses, for previous_response_id, background and retrieval.",
      flag: "enable-responses-api-store",
      environment: ["VLLM_ENABLE_RESPONSES_API_STORE"],
    }),
    serverDevMode: setting(z.boolean().default(false), {
      doc: "Serve /reset_prefix_cache, which empties the caches of all VllmEngine engines, and /abort_requests, which ends all requests.",
      flag: "server-dev-mode",
      environment: ["VLLM_SERVER_DEV_MODE"],
    }),
    allowRuntimeLoraUpdating: setting(z.boolean().default(false), {
      doc: "Serve /v1/load_lora_adapter and /v1/unload_lora_adapter: clients may change the adapters of vllm.Inference engines.",
      flag: "allow-runtime-lora-updating",
      environment: ["VLLM_ALLOW_RUNTIME_LORA_UPDATING"],
    }),
    responsesStoreSize: setting(z.int().min(1).default(10_000), {
      doc: "Responses kept at most, and 256 MiB of text; the oldest finished ones make room.",
      flag: "responses-api-store-size",
      placeholder: "COUNT",
    }),
    systemStartDate: setting(z.string().min(1).optional(), {
      doc: "Date that the system message of gpt-oss names, such as 2026-11-29. Not set: today's, in this machine's zone.",
      flag: "system-start-date",
      environment: ["VLLM_SYSTEM_START_DATE"],
      placeholder: "DATE",
    }),
    enableTokenizerInfo: setting(z.boolean().default(false), {
      doc: "Serve GET /tokenizer_info: the tokenizer's configuration and chat template.",
      flag: "enable-tokenizer-info-endpoint",
    }),
    disableDocs: setting(z.boolean().default(false), {
      doc: "Serve no /openapi.json, /docs and /redoc.",
      flag: "disable-fastapi-docs",
    }),
    enableOfflineDocs: setting(z.boolean().default(false), {
      doc: "Show the documentation with nothing loaded from outside; there is no /redoc then.",
      flag: "enable-offline-docs",
    }),
    logErrorStack: setting(z.boolean().default(false), {
      doc: "Log where every error answer comes from; not its text, which may hold the client's words.",
      flag: "log-error-stack",
    }),
    tokensOnly: setting(z.boolean().default(false), {
      doc: "Serve tokens in, tokens out: the routes of --enable-scale-out and /abort_requests, and no text in /inference/v1/generate.",
      flag: "tokens-only",
    }),
    enablePerRequestMetrics: setting(z.boolean().default(false), {
      doc: "Answers say how long they took, by the router's clock: in whole bodies and in the usage chunk of a stream.",
      flag: "enable-per-request-metrics",
    }),
    enableScaleOut: setting(z.boolean().default(false), {
      doc: "Serve /inference/v1/generate and the render and derender routes; without it they are answered with 403.",
      flag: "enable-scale-out",
    }),
    fingerprintMode: setting(z.enum(["full", "hash", "custom", "none"]).default("full"), {
      doc: "What system_fingerprint holds.",
      flag: "fingerprint-mode",
    }),
    fingerprintValue: setting(z.string().optional(), {
      doc: "The fingerprint of --fingerprint-mode custom.",
      flag: "fingerprint-value",
      placeholder: "TEXT",
    }),
  })
  .meta({ title: "Front end" });

/** Logs and metrics. */
export const observability = z
  .strictObject({
    logLevel: setting(z.enum(["trace", "debug", "info", "warn", "error", "critical"]).default("info"), {
      doc: "Least level that is logged.",
      flag: "log-level",
      aliases: ["uvicorn-log-level"],
      synonyms: { warning: "warn" },
    }),
    logFormat: setting(z.enum(["json", "text"]).default("json"), {
      doc: "How records are written: json for machines, text for people. vllm-serve asks for text.",
      flag: "log-format",
    }),
    disableAccessLog: setting(z.boolean().default(false), {
      doc: "No log line at the end of each request.",
      flag: "disable-uvicorn-access-log",
    }),
    disableAccessLogFor: setting(z.array(z.string()).default([]), {
      doc: "Paths without a log line at the end of a request, separated by commas.",
      flag: "disable-access-log-for-endpoints",
      placeholder: "PATHS",
      splitOnComma: true,
    }),
    prometheusHost: setting(z.string().min(1).default("127.0.0.1"), {
      doc: "Address of the second listener that serves only /metrics.",
      flag: "prometheus-host",
      placeholder: "HOST",
    }),
    prometheusPort: setting(z.int().min(0).max(65_535).default(29_000), {
      doc: "Port of that listener; 0 turns it off (/metrics stays on the main port).",
      flag: "prometheus-port",
      placeholder: "PORT",
    }),
  })
  .meta({ title: "Logs and metrics" });
