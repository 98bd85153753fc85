import { issue } from "../validation/issue.ts";
import { dictionary, list } from "../validation/containers.ts";
import { optional, record, required } from "../validation/record.ts";
import { boolean, float, integer, literal, string } from "../validation/scalars.ts";
import { union } from "../validation/union.ts";
import { nullable, type Validator } from "../validation/validator.ts";

const text = string();
const uuid = nullable(text);

const promptCacheBreakpoint = record({
  name: "PromptCacheBreakpoint",
  kind: "typed-dict",
  fields: { mode: required(literal("explicit")), ttl: optional(literal("30m", "12h")) },
});

/** `{"type": "text", "text"}`. */
export const textPart = record({
  name: "ChatCompletionContentPartTextParam",
  kind: "typed-dict",
  fields: {
    text: required(text),
    type: required(literal("text")),
    prompt_cache_breakpoint: optional(promptCacheBreakpoint),
  },
});

/** `{"type": "refusal", "refusal"}`. */
export const refusalPart = record({
  name: "ChatCompletionContentPartRefusalParam",
  kind: "typed-dict",
  fields: { refusal: required(text), type: required(literal("refusal")) },
});

/** `{"type": "image_url", "image_url": {"url"}}`. */
export const imagePart = record({
  name: "ChatCompletionContentPartImageParam",
  kind: "typed-dict",
  fields: {
    image_url: required(
      record({
        name: "ImageURL",
        kind: "typed-dict",
        fields: { url: required(text), detail: optional(literal("auto", "low", "high", "original")) },
      }),
    ),
    type: required(literal("image_url")),
    prompt_cache_breakpoint: optional(promptCacheBreakpoint),
  },
});

const inputAudioPart = record({
  name: "ChatCompletionContentPartInputAudioParam",
  kind: "typed-dict",
  fields: {
    input_audio: required(
      record({
        name: "InputAudio",
        kind: "typed-dict",
        fields: { data: required(text), format: required(literal("wav", "mp3")) },
      }),
    ),
    type: required(literal("input_audio")),
    prompt_cache_breakpoint: optional(promptCacheBreakpoint),
  },
});

const filePart = record({
  name: "File",
  kind: "typed-dict",
  fields: {
    file: required(
      record({
        name: "FileFile",
        kind: "typed-dict",
        fields: { file_data: optional(text), file_id: optional(text), filename: optional(text) },
      }),
    ),
    type: required(literal("file")),
    prompt_cache_breakpoint: optional(promptCacheBreakpoint),
  },
});

function linkPart(name: string, kind: "audio_url" | "video_url"): Validator {
  const link = record({
    name: kind === "audio_url" ? "AudioURL" : "VideoURL",
    kind: "typed-dict",
    fields: { url: required(text) },
  });
  return record({
    name,
    kind: "typed-dict",
    fields: { [kind]: required(link), type: required(literal(kind)) },
  });
}

/** `{"type": "video_url", "video_url": {"url"}}`. */
export const videoPart = linkPart("ChatCompletionContentPartVideoParam", "video_url");

const embeddings = nullable(union(text, dictionary(text, union(text, list(union(integer(), float))))));

/** A part with embeddings in place of a medium. */
export function embeddingsPart(
  name: string,
  kind: "image_embeds" | "audio_embeds" | "video_embeds",
): Validator {
  return record({
    name,
    kind: "typed-dict",
    fields: { [kind]: optional(embeddings), type: required(literal(kind)), uuid: optional(uuid) },
  });
}

/** A Python image object cannot arrive as JSON. */
const imageObject: Validator = {
  label: "PILImage",
  validate: (input) => issue("is_instance_of", "Input should be an instance of Image", input),
};

/** Parts of a user message as OpenAI names them. */
export const openAiParts = [textPart, imagePart, inputAudioPart, filePart] as const;

/** Every part vLLM knows, in the order in which it tries them. */
export const contentPart: Validator<unknown> = union(
  ...openAiParts,
  linkPart("ChatCompletionContentPartAudioParam", "audio_url"),
  videoPart,
  refusalPart,
  record({
    name: "CustomChatCompletionContentPILImageParam",
    kind: "typed-dict",
    fields: { image_pil: optional(nullable(imageObject)), uuid: optional(uuid) },
  }),
  record({
    name: "CustomChatCompletionContentSimpleImageParam",
    kind: "typed-dict",
    fields: { image_url: optional(nullable(text)), uuid: optional(uuid) },
  }),
  embeddingsPart("ChatCompletionContentPartImageEmbedsParam", "image_embeds"),
  embeddingsPart("ChatCompletionContentPartAudioEmbedsParam", "audio_embeds"),
  embeddingsPart("ChatCompletionContentPartVideoEmbedsParam", "video_embeds"),
  record({
    name: "ChatCompletionContentPartPromptEmbedsParam",
    kind: "typed-dict",
    fields: { data: required(text), type: required(literal("prompt_embeds")) },
  }),
  record({
    name: "CustomChatCompletionContentSimpleAudioParam",
    kind: "typed-dict",
    fields: { audio_url: optional(nullable(text)) },
  }),
  record({
    name: "CustomChatCompletionContentSimpleVideoParam",
    kind: "typed-dict",
    fields: { video_url: optional(nullable(text)), uuid: optional(uuid) },
  }),
  record({
    name: "CustomChatCompletionContentToolReferenceParam",
    kind: "typed-dict",
    fields: { name: optional(text), type: optional(literal("tool_reference")) },
  }),
  text,
  record({
    name: "CustomThinkCompletionContentParam",
    kind: "typed-dict",
    fields: { thinking: required(text), closed: optional(boolean), type: required(literal("thinking")) },
  }),
);
