import { z } from "zod";

import { setting } from "../setting.ts";

/** Who may use the server: API keys, and browsers of other origins. */
export const access = z
  .strictObject({
    apiKeys: setting(z.array(z.string()).default([]), {
      doc: "Keys of which every request to /v1, /v2, /inference and /cohere must carry one (Authorization: Bearer KEY).",
      flag: "api-key",
      environment: ["VLLM_API_KEY"],
      placeholder: "KEY",
      secret: true,
    }),
    allowedOrigins: setting(z.array(z.string()).default([]), {
      doc: "Origins of web pages that may use the server, as a JSON list or separated by commas; * for all.",
      flag: "allowed-origins",
      aliases: ["cors-allowed-origins"],
      placeholder: "ORIGINS",
      splitOnComma: true,
    }),
    allowedMethods: setting(z.array(z.string()).default(["*"]), {
      doc: "Verbs that pages of other origins may use.",
      flag: "allowed-methods",
      placeholder: "METHODS",
      splitOnComma: true,
    }),
    allowedHeaders: setting(z.array(z.string()).default(["*"]), {
      doc: "Request headers that pages of other origins may send.",
      flag: "allowed-headers",
      placeholder: "HEADERS",
      splitOnComma: true,
    }),
    allowCredentials: setting(z.boolean().default(false), {
      doc: "Let pages of other origins send cookies and credentials.",
      flag: "allow-credentials",
    }),
  })
  .meta({ title: "Access" });
