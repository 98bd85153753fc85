import { TextError } from "../text-error.ts";
import { reprString } from "./python/repr-string.ts";
import { toRepr } from "./python/text-form.ts";
import type { TemplateValue } from "./template-value.ts";

/** A JSON object. */
export type TemplateObject = ReadonlyMap<string, TemplateValue>;

/** How content parts are read. */
export interface PartOptions {
  /** Keep parts as objects (`openai`), else reduce them to text. */
  readonly keepsObjects: boolean;
  /** The model as the server knows it, for the refusal of media. */
  readonly modelName: string;
}

/** Which key of a typed part holds its content. */
const CONTENT_KEYS: ReadonlyMap<string, string> = new Map([
  ["text", "text"],
  ["thinking", "thinking"],
  ["input_text", "text"],
  ["output_text", "text"],
  ["refusal", "refusal"],
  ["tool_reference", "name"],
]);

const TEXT_TYPES: ReadonlySet<string> = new Set(["text", "input_text", "output_text", "refusal", "thinking"]);
const EMBEDDING_TYPES: ReadonlySet<string> = new Set(["image_embeds", "audio_embeds", "video_embeds"]);
const MEDIA_TYPES: ReadonlySet<string> = new Set([
  "input_image",
  "image_url",
  "image_pil",
  "audio_url",
  "input_audio",
  "video_url",
]);

/** Keys from which the type of an untyped part is inferred, in this order; with the type they stand for. */
const INFERRED_TYPES: readonly string[] = [
  "image_url",
  "image_pil",
  "image_embeds",
  "audio_embeds",
  "video_embeds",
  "prompt_embeds",
  "audio_url",
  "input_audio",
  "video_url",
  "tool_reference",
];

const SUPPORTED_TYPES = [...CONTENT_KEYS.keys(), ...EMBEDDING_TYPES, ...MEDIA_TYPES, "prompt_embeds"].sort();

/** Fields of parts that the OpenAI API and vLLM define; all others are passed on to the template. */
const KNOWN_FIELDS: ReadonlySet<string> = new Set(
  (
    "audio_embeds audio_url closed data file image_embeds image_pil image_url input_audio name " +
    "prompt_cache_breakpoint refusal text thinking type uuid video_embeds video_url"
  ).split(" "),
);

/** What one content part becomes; `undefined` when it is dropped. Throws `message_invalid` in vLLM's words. */
export function readPart(part: TemplateValue, options: PartOptions): TemplateValue | undefined {
  if (typeof part === "string") return options.keepsObjects ? textObject(part) : part || undefined;
  if (!(part instanceof Map))
    throw invalid("Invalid content part: expected a string or an object.", "messages");
  const object = part as TemplateObject;
  const type = partType(object);
  if (TEXT_TYPES.has(type)) return readText(type, object, options);
  if (type === "tool_reference") return readToolReference(object, options);
  return refuseMedia(type, options.modelName);
}

function partType(part: TemplateObject): string {
  const type = part.get("type") ?? null;
  const uuid = part.get("uuid") ?? null;
  if (typeof type === "string" && uuid === null) return type;
  if (type === null || uuid !== null) {
    const inferred = INFERRED_TYPES.find((key) => part.has(key));
    if (inferred === undefined) throw invalid("Missing 'type' field in multimodal part.", "type");
    return inferred;
  }
  throw invalid("Invalid 'type' field in multimodal part.", "type");
}

function readText(type: string, part: TemplateObject, options: PartOptions): TemplateValue | undefined {
  const text = part.get(CONTENT_KEYS.get(type) ?? type) ?? null;
  if (text === null && (type === "text" || type === "refusal")) return undefined;
  if (!options.keepsObjects) return text === null || text === "" ? undefined : text;
  return textObject(text, part);
}

function textObject(text: TemplateValue, part?: TemplateObject): TemplateObject {
  const result = new Map<string, TemplateValue>([
    ["type", "text"],
    ["text", text],
  ]);
  if (part !== undefined) for (const [key, value] of part) if (!KNOWN_FIELDS.has(key)) result.set(key, value);
  return result;
}

function readToolReference(part: TemplateObject, options: PartOptions): TemplateValue | undefined {
  const name = part.get("name") ?? null;
  if (!options.keepsObjects) return name === null || name === "" ? undefined : name;
  return new Map<string, TemplateValue>([
    ["type", "tool_reference"],
    ["name", name],
  ]);
}

function refuseMedia(type: string, modelName: string): never {
  if (type === "prompt_embeds") {
    throw invalid("You must set `--enable-prompt-embeds` to input `prompt_embeds`", "prompt_embeds");
  }
  if (EMBEDDING_TYPES.has(type)) throw new TextError("message_invalid", "The model is not multimodal.");
  if (MEDIA_TYPES.has(type)) throw new TextError("message_invalid", `${modelName} is not a multimodal model`);
  const supported = SUPPORTED_TYPES.join(", ");
  throw invalid(
    `Unsupported chat content part type: ${reprString(type)}. Supported types: ${supported}.`,
    "type",
    type,
  );
}

/** A refusal that names a field; the message ends with it, as vLLM's validation errors do. */
export function invalid(message: string, parameter: string, value?: TemplateValue): TextError {
  const shown = value === undefined ? "" : `, value=${typeof value === "string" ? value : toRepr(value)}`;
  return new TextError("message_invalid", `${message} (parameter=${parameter}${shown})`, { parameter });
}
