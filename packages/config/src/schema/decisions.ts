import { z } from "zod";

import { setting } from "../setting.ts";

/** Who may see why a worker was chosen, and where it is written down. */
export const decisions = z
  .strictObject({
    enableExplain: setting(z.boolean().default(false), {
      doc: "Explain routing decisions: answers to requests with x-vllm-router-explain: 1 carry their decision, which names workers, and GET /debug/decisions lists the latest to this machine and holders of the admin key.",
      flag: "enable-explain",
    }),
    logFile: setting(z.string().min(1).optional(), {
      doc: "File to which decisions are appended with everything they were made from, one JSON object a line; vllm-router replay FILE decides them again.",
      flag: "decision-log",
      placeholder: "FILE",
    }),
    logSampleRate: setting(z.number().min(0).max(1).default(1), {
      doc: "Share of the decisions that is written to --decision-log, 0 to 1.",
      flag: "decision-log-sample",
      placeholder: "RATIO",
    }),
    adminApiKey: setting(z.string().min(1).optional(), {
      doc: "Key that opens GET /debug/decisions to other machines, as Authorization: Bearer KEY; from the environment or the file only.",
      flag: null,
      environment: ["VLLM_ROUTER_ADMIN_API_KEY"],
      secret: true,
    }),
  })
  .meta({ title: "Decisions" });
