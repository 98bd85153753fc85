import { z } from "zod";

import { setting } from "../setting.ts";
import { workerUrl } from "./workers.ts";

const legWorker = z
  .string()
  .refine((text) => /^(?:https?|grpcs?):\/\/[^/\s]+/.test(text) || /^(?:\d{1,5}|none)$/i.test(text), {
    error: "is neither a worker address nor the bootstrap port (or none) that may follow one",
  });

const port = z.int().min(1).max(65_535);

/**
 * Prefill and decode on different engines.
 * @param policies names of the routing policies the app knows
 */
// oxlint-disable-next-line typescript/explicit-module-boundary-types -- the schema is its own type
export function createDisaggregationSchema(policies: readonly string[]) {
  return z
    .strictObject({
      enabled: setting(z.boolean().default(false), {
        doc: "Compute prompts on prefill engines and generate on decode engines.",
        flag: "vllm-pd-disaggregation",
      }),
      prefill: setting(z.array(legWorker).default([]), {
        doc: "Address of a prefill engine. A bootstrap port (or none) may follow, as for the Rust router: --kv-connector mooncake asks there for engine ids (8998 when absent), the others do not need it. Repeat it for more.",
        flag: "prefill",
        placeholder: "URL [PORT]",
      }),
      decode: setting(z.array(workerUrl).default([]), {
        doc: "Address of a decode engine. Repeat it for more.",
        flag: "decode",
        placeholder: "URL",
      }),
      discoveryAddress: setting(
        z
          .string()
          .regex(/^(?:\*|[\w.-]*|\[[\da-fA-F:.]+\]):\d{1,5}$/, { error: "is not host:port" })
          .optional(),
        {
          doc: "Where engines announce themselves by ZMQ, as vLLM's MoRI-IO connector does at its proxy_ip and proxy_ping_port; --prefill and --decode may then be left out. Whoever can reach this port can add engines.",
          flag: "vllm-discovery-address",
          placeholder: "HOST:PORT",
        },
      ),
      discoveryTimeoutSecs: setting(z.number().positive().default(10), {
        doc: "An engine that has announced itself and then is silent for so long is removed, in seconds; vLLM's announce themselves every 3 s.",
        flag: "vllm-discovery-timeout-secs",
        placeholder: "SECS",
      }),
      prefillPolicy: setting(z.enum(policies).optional(), {
        doc: "How a prefill engine is chosen; --policy when absent.",
        flag: "prefill-policy",
      }),
      decodePolicy: setting(z.enum(policies).optional(), {
        doc: "How a decode engine is chosen; --policy when absent.",
        flag: "decode-policy",
      }),
      connector: setting(z.enum(["nixl", "mooncake", "moriio", "lmcache", "none"]).default("nixl"), {
        doc: "How engines hand KV blocks over: nixl (pull or push, as the engine says); mooncake (both legs together); moriio (as --moriio-transfer-mode says); lmcache and none for a store that all engines share.",
        flag: "kv-connector",
      }),
      moriioTransferMode: setting(z.enum(["write", "read"]).default("write"), {
        doc: "Who moves blocks over MoRI-IO, as read_mode in the engines' kv_connector_extra_config has it: write, the prefill engine, both legs together; read, the decode engine, after the prefill.",
        flag: "moriio-transfer-mode",
      }),
      moriioHandshakePort: setting(port.default(6_301), {
        doc: "handshake_port of MoRI-IO engines that do not announce themselves; their host is that of their address.",
        flag: "moriio-handshake-port",
        placeholder: "PORT",
      }),
      moriioNotifyPort: setting(port.default(61_005), {
        doc: "notify_port of MoRI-IO engines that do not announce themselves.",
        flag: "moriio-notify-port",
        placeholder: "PORT",
      }),
      prefillTimeoutSecs: setting(z.number().positive().default(60), {
        doc: "Longest time a prefill may take, in seconds; then another prefill engine is asked.",
        flag: "prefill-timeout-secs",
        placeholder: "SECS",
      }),
      fallback: setting(z.enum(["decode", "fail"]).default("decode"), {
        doc: "When no prefill engine does it: decode has the decode engine compute the prompt, fail refuses the request.",
        flag: "prefill-fallback",
      }),
      minPromptTokens: setting(z.int().min(0).default(0), {
        doc: "Shorter prompts are computed by the decode engine.",
        flag: "prefill-min-tokens",
        placeholder: "TOKENS",
      }),
      maxLocalTokens: setting(z.int().min(0).default(128), {
        doc: "A prompt whose beginning the decode engine holds has no prefill when no more than so many tokens are missing.",
        flag: "prefill-max-local-tokens",
        placeholder: "TOKENS",
      }),
    })
    .meta({ title: "Prefill and decode" });
}
