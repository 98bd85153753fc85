import { homedir } from "node:os";
import { join } from "node:path";
import type { RouterConfig } from "@vllm-router/config";
import { ModelBuilder } from "./build-model-runtime.ts";

const HUB_TIMEOUT_MS = 60_000;

/** The builder of models by the configuration's flags; `isOffline` for one that never asks the hub. */
export function createModelBuilder(config: RouterConfig, isOffline = config.hub.offline): ModelBuilder {
  const { model, hub, frontend, parsers } = config;
  const home = hub.homeDirectory ?? join(homedir(), ".cache", "huggingface");
  return new ModelBuilder({
    servedModelNames: model.servedModelNames,
    modelPath: model.modelPath,
    tokenizerPath: model.tokenizerPath,
    chatTemplate: model.chatTemplate,
    generationConfig: model.generationConfig,
    overrideGenerationConfig: model.overrideGenerationConfig,
    fingerprintMode: frontend.fingerprintMode,
    fingerprintValue: frontend.fingerprintValue,
    systemStartDate: frontend.systemStartDate,
    parsers: {
      enableAutoToolChoice: parsers.enableAutoToolChoice,
      toolCallParser: parsers.toolCallParser,
      reasoningParser: parsers.reasoningParser,
      excludeToolsWhenToolChoiceNone: parsers.excludeToolsWhenToolChoiceNone,
      toolStrictLevel: parsers.toolStrictLevel,
    },
    keepsTokenizerFiles: config.server.tokenizerThreads > 0,
    hub: {
      endpoint: hub.endpoint,
      token: hub.token,
      offline: isOffline,
      cacheDirectory: hub.cacheDirectory ?? join(home, "hub"),
      timeoutMs: HUB_TIMEOUT_MS,
    },
  });
}
