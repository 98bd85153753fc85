import { describe, expect, it } from "vitest";
import type { PrepareSettings } from "./prepare-settings.ts";
import { checkTrusted } from "./render-conversation.ts";

const settings: PrepareSettings = {
  trustRequestChatTemplate: false,
  defaultChatTemplateKwargs: new Map(),
  contentFormat: "auto",
  maxLogprobs: 20,
};
const plain = { chatTemplate: null, chatTemplateKwargs: null, mmProcessorKwargs: null, mediaIoKwargs: null };

describe("checkTrusted()", () => {
  it("lets a plain conversation pass, also with empty arguments", () => {
    expect(() =>
      checkTrusted({ ...plain, mmProcessorKwargs: new Map(), mediaIoKwargs: new Map() }, settings),
    ).not.toThrow();
  });

  it.each([
    ["a template", { chatTemplate: "x" }, "untrusted chat template"],
    [
      "a template among the arguments",
      { chatTemplateKwargs: new Map([["chat_template", "x"]]) },
      "untrusted",
    ],
    [
      "arguments of the processor",
      { mmProcessorKwargs: new Map([["a", 1]]) },
      "mm_processor_kwargs are disabled",
    ],
    [
      "arguments of the reader",
      { mediaIoKwargs: new Map([["b", new Map()]]) },
      "media_io_kwargs are disabled",
    ],
  ])("refuses %s", (_, given, message) => {
    expect(() => checkTrusted({ ...plain, ...given }, settings)).toThrow(message);
  });
});
