import { z } from "zod";

import { setting } from "../setting.ts";

/** Address of an engine. */
export const workerUrl = z.string().refine(
  (text) => {
    const url = URL.parse(text);
    return url !== null && /^(https?|grpcs?):$/.test(url.protocol) && url.hostname !== "";
  },
  { error: "is not a worker address; write http://, https://, grpc:// or grpcs:// and host:port" },
);

/** The engines behind the router and how to reach them. */
export const workers = z
  .strictObject({
    urls: setting(z.array(workerUrl).default([]), {
      doc: "Addresses of the engines. http://host:port is probed and may be a gRPC engine or a plain vLLM server; grpc://, grpcs:// and https:// say it outright.",
      flag: "worker-urls",
      placeholder: "URL",
      splitOnComma: true,
    }),
    intraNodeDataParallelSize: setting(z.int().min(1).max(1_024).default(1), {
      doc: "Data-parallel ranks behind the address of every HTTP worker; each one is routed to by itself, with the header x-data-parallel-rank. gRPC engines say how many they have.",
      flag: "intra-node-data-parallel-size",
      placeholder: "COUNT",
    }),
    startupTimeoutSecs: setting(z.number().positive().default(600), {
      doc: "Longest wait at the start for the first healthy worker, in seconds; then the start fails.",
      flag: "worker-startup-timeout-secs",
      placeholder: "SECS",
    }),
    startupCheckIntervalSecs: setting(z.number().positive().default(30), {
      doc: "Longest pause between two probes of a worker that is not up yet, in seconds.",
      flag: "worker-startup-check-interval",
      placeholder: "SECS",
    }),
    schedulingPolicy: setting(z.enum(["unknown", "fcfs", "priority"]).default("unknown"), {
      doc: "How the engines schedule (their --scheduling-policy). With fcfs a request's priority has no effect, so engines whose protocol has no place for it take the request; otherwise such a request needs an engine that can carry it.",
      flag: "engine-scheduling-policy",
    }),
    requestTimeoutSecs: setting(z.number().positive().default(1_800), {
      doc: "Longest time one request may take in total, body included, in seconds.",
      flag: "request-timeout-secs",
      placeholder: "SECS",
    }),
  })
  .meta({ title: "Workers" });

/** How the calls of gRPC engines are carried. */
export const engineTransport = setting(z.enum(["net", "http2", "grpc-js"]).default("net"), {
  doc: "Transport of calls to gRPC engines: net is an HTTP/2 client of our own, http2 our framing on Node's HTTP/2, grpc-js the gRPC library.",
  flag: "engine-transport",
  group: "Workers",
});

/** How requests are passed on to HTTP workers. */
export const engineHttpClient = setting(z.enum(["net", "undici"]).default("net"), {
  doc: "Client of HTTP workers: net is an HTTP/1.1 client of our own, undici a library.",
  flag: "engine-http-client",
  group: "Workers",
});
