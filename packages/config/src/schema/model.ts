import { z } from "zod";

import { setting } from "../setting.ts";

const jsonObject = z.record(z.string(), z.unknown());

/** Names, files and defaults of the served model. What is not set is asked of the engine. */
export const model = z
  .strictObject({
    servedModelNames: setting(z.array(z.string().min(1)).default([]), {
      doc: "Names under which the model is served; the first is echoed in answers. Not set: the engine's own names.",
      flag: "served-model-name",
      placeholder: "NAME",
    }),
    modelPath: setting(z.string().min(1).optional(), {
      doc: "Directory or hub name with tokenizer, template and generation defaults. Not set: the files come from the engine.",
      flag: "model-path",
      placeholder: "PATH",
    }),
    tokenizerPath: setting(z.string().min(1).optional(), {
      doc: "Directory, tokenizer.json or hub name of the tokenizer, when it is not the model's own.",
      flag: "tokenizer-path",
      placeholder: "PATH",
    }),
    chatTemplate: setting(z.string().min(1).optional(), {
      doc: "File with the chat template, or the template itself in one line.",
      flag: "chat-template",
      placeholder: "FILE",
    }),
    chatTemplateContentFormat: setting(z.enum(["auto", "string", "openai"]).default("auto"), {
      doc: "How message content reaches the template: as a string or as the list of parts; auto looks at the template.",
      flag: "chat-template-content-format",
    }),
    trustRequestChatTemplate: setting(z.boolean().default(false), {
      doc: "Let requests bring their own chat template.",
      flag: "trust-request-chat-template",
    }),
    defaultChatTemplateKwargs: setting(jsonObject.default({}), {
      doc: "JSON object of template variables; those of a request win.",
      flag: "default-chat-template-kwargs",
      placeholder: "JSON",
    }),
    generationConfig: setting(z.string().min(1).default("auto"), {
      doc: "Where sampling defaults come from: auto (the model's files), vllm (none), or a directory with generation_config.json.",
      flag: "generation-config",
      placeholder: "SOURCE",
    }),
    overrideGenerationConfig: setting(jsonObject.default({}), {
      doc: "JSON object of sampling defaults that win over the model's.",
      flag: "override-generation-config",
      placeholder: "JSON",
    }),
    maxLogprobs: setting(z.int().min(-1).default(20), {
      doc: "Most logprobs a request may ask for; -1 means no limit.",
      flag: "max-logprobs",
      placeholder: "COUNT",
    }),
  })
  .meta({ title: "Model" });

/** Access to the Hugging Face hub. */
export const hub = z
  .strictObject({
    endpoint: setting(z.url({ protocol: /^https?$/ }).default("https://huggingface.co"), {
      doc: "Address of the hub.",
      flag: "hf-endpoint",
      environment: ["HF_ENDPOINT"],
      placeholder: "URL",
    }),
    token: setting(z.string().min(1).optional(), {
      doc: "Access token of the hub; from the environment or the file only.",
      flag: null,
      environment: ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"],
      secret: true,
    }),
    offline: setting(z.boolean().default(false), {
      doc: "Never ask the hub: only local files.",
      flag: "hf-offline",
      environment: ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"],
    }),
    homeDirectory: setting(z.string().min(1).optional(), {
      doc: "Home directory of the hub's files; its hub directory is the cache. Not set: ~/.cache/huggingface.",
      flag: "hf-home",
      environment: ["HF_HOME"],
      placeholder: "PATH",
    }),
    cacheDirectory: setting(z.string().min(1).optional(), {
      doc: "Directory of the local hub cache. Not set: the hub directory under --hf-home.",
      flag: "hf-cache",
      environment: ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"],
      placeholder: "PATH",
    }),
  })
  .meta({ title: "Hugging Face hub" });
