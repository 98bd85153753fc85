import { z } from "zod";

import { setting } from "../setting.ts";

const address = z
  .string()
  .regex(
    /^[a-z]+:\/\/[^=]+=(tcp:\/\/.+:[1-9]\d*|ipc:\/\/.+)$/,
    "is not WORKER_URL=tcp://host:port or WORKER_URL=ipc:///path",
  );
const port = z.int().min(1).max(65_535).optional();

/** Where the engines' word about their KV caches comes from. */
export const kvEvents = z
  .strictObject({
    disabled: setting(z.boolean().default(false), {
      doc: "Listen to nobody: what engines hold is guessed from where requests went.",
      flag: "disable-kv-events",
    }),
    endpoints: setting(z.array(address).default([]), {
      doc: "Address of a worker's event publisher (vLLM's --kv-events-config) as WORKER_URL=tcp://host:port or WORKER_URL=ipc:///path, once per worker; further data-parallel ranks have the ports that follow. Without one, engines are asked: VllmEngine for its events (SubscribeKvEvents), vllm.Inference (GetKvEventSources) and HTTP workers (GET /kv_event_sources) for where they publish.",
      flag: "kv-events-endpoint",
      placeholder: "URL=ADDRESS",
      splitOnComma: true,
    }),
    replayEndpoints: setting(z.array(address).default([]), {
      doc: "Address from which a worker sends old events again (replay_endpoint of --kv-events-config), written likewise. Without one, lost events clear what is known of the worker.",
      flag: "kv-events-replay-endpoint",
      placeholder: "URL=ADDRESS",
      splitOnComma: true,
    }),
    port: setting(port, {
      doc: "Port of the event publisher on every worker's own host, for workers without --kv-events-endpoint.",
      flag: "kv-events-port",
      placeholder: "PORT",
    }),
    replayPort: setting(port, {
      doc: "Port for replays on every worker's own host.",
      flag: "kv-events-replay-port",
      placeholder: "PORT",
    }),
    bind: setting(
      z
        .string()
        .regex(/^tcp:\/\/[^/]+:[1-9]\d{0,4}$/, "is not tcp://host:port")
        .optional(),
      {
        doc: "Address of this machine, tcp://*:5557 say, at which publishers are waited for that dial out: vLLM's whose endpoint names the router instead of a wildcard. Each engine needs a topic of its own; further data-parallel ranks have the ports that follow.",
        flag: "kv-events-bind",
        placeholder: "ADDRESS",
      },
    ),
    topic: setting(z.string().default(""), {
      doc: "Only events whose topic begins with this are listened to.",
      flag: "kv-events-topic-filter",
      placeholder: "TOPIC",
    }),
  })
  .meta({ title: "KV events" });
