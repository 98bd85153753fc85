import { z } from "zod";

import { setting } from "../setting.ts";

/** How what a model says is taken apart into reasoning, content and tool calls. */
export const parsers = z
  .strictObject({
    enableAutoToolChoice: setting(z.boolean().default(false), {
      doc: "Let the model call tools by itself. Needs --tool-call-parser.",
      flag: "enable-auto-tool-choice",
    }),
    toolCallParser: setting(z.string().min(1).optional(), {
      doc: "Parser of tool calls by the model's format; auto chooses by architecture, template and name.",
      flag: "tool-call-parser",
      placeholder: "NAME",
    }),
    reasoningParser: setting(z.string().optional(), {
      doc: "Parser of reasoning by the model's format; auto chooses by architecture, template and name. Engines need the same, so that structured output waits for the end of the reasoning.",
      flag: "reasoning-parser",
      placeholder: "NAME",
    }),
    excludeToolsWhenToolChoiceNone: setting(z.boolean().default(false), {
      doc: "Leave tools out of the prompt of requests with tool_choice none.",
      flag: "exclude-tools-when-tool-choice-none",
    }),
    toolStrictLevel: setting(z.enum(["auto", "function", "parameter"]).default("auto"), {
      doc: "How strictly calls are held to their form at least: auto by each request, function the frame of every call, parameter the arguments too.",
      flag: "tool-strict-level",
    }),
  })
  .meta({ title: "Parsers" });
