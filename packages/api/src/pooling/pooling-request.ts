import type { JsonValue } from "../json/json-value.ts";
import { compileRequest, field, type RequestOf, requiredField } from "../request/request-table.ts";
import type { Issues } from "../validation/issue.ts";
import { literal } from "../validation/scalars.ts";
import { anything, isIssues, nullable, type Validator } from "../validation/validator.ts";
import {
  chatOptionFields,
  chatSpecialTokens,
  closingFields,
  dimensions,
  encodingFields,
  identityFields,
  inputField,
  messagesField,
  padding,
  poolingChatChecks,
  poolingChecks,
  refuseRemovedParameters,
  textSpecialTokens,
  truncatePromptTokens,
  useActivation,
} from "./pooling-fields.ts";
import {
  chatPrompts,
  commonOf,
  encodingOf,
  type EncodingWish,
  type PoolingCommon,
  type PoolingPrompts,
} from "./pooling-prompts.ts";
import { parseForms, requestMember } from "./request-member.ts";

/** What a model may be asked to make of a prompt. */
export type PoolingTask =
  | "embed"
  | "classify"
  | "token_embed"
  | "token_classify"
  | "plugin"
  | "embed&token_classify";

/** A checked body of `POST /pooling`. */
export interface PoolingRequest extends PoolingCommon, EncodingWish {
  /** Undefined for the form of plugins, whose `data` nobody but the plugin reads. */
  readonly prompts: PoolingPrompts | undefined;
  readonly task: PoolingTask | null;
  readonly dimensions: number | bigint | null;
  readonly useActivation: boolean | null;
}

const task = literal("embed", "classify", "token_embed", "token_classify", "plugin", "embed&token_classify");

const openingFields = {
  ...identityFields,
  truncate_prompt_tokens: truncatePromptTokens,
  padding,
  ...closingFields,
} as const;
const answerFields = { use_activation: useActivation, ...encodingFields, dimensions } as const;

const textTable = {
  add_special_tokens: textSpecialTokens,
  ...answerFields,
  input: inputField,
  ...openingFields,
  task: field(nullable(task), null),
} as const;

const chatTable = {
  add_special_tokens: chatSpecialTokens,
  ...answerFields,
  ...chatOptionFields,
  messages: messagesField,
  ...openingFields,
  task: field(nullable(task), null),
} as const;

const pluginTable = {
  ...encodingFields,
  ...openingFields,
  data: requiredField(anything),
  task: field(task, "plugin"),
} as const;

type AnswerFields = RequestOf<typeof openingFields & typeof encodingFields> & {
  readonly task: PoolingTask | null;
  readonly dimensions?: number | bigint | null;
  readonly useActivation?: boolean | null;
};

function poolingOf(
  fields: AnswerFields,
  prompts: PoolingPrompts | Issues | undefined,
): PoolingRequest | Issues {
  if (isIssues(prompts)) return prompts;
  return {
    ...commonOf(fields),
    ...encodingOf(fields),
    prompts,
    task: fields.task,
    dimensions: fields.dimensions ?? null,
    useActivation: fields.useActivation ?? null,
  };
}

const forms: readonly Validator<PoolingRequest>[] = [
  requestMember(compileRequest({ table: textTable, checks: poolingChecks }), (fields) =>
    poolingOf(fields, { kind: "input", input: fields.input, addSpecialTokens: fields.addSpecialTokens }),
  ),
  requestMember(compileRequest({ table: chatTable, checks: poolingChatChecks }), (fields) =>
    poolingOf(fields, chatPrompts(fields, [fields.messages])),
  ),
  requestMember(compileRequest({ table: pluginTable, checks: poolingChecks }), (fields, body) =>
    // A field that the plugins' form does not have is kept as it is, and looked at all the same.
    poolingOf({ ...fields, dimensions: hasDimensions(body) ? 0 : null }, undefined),
  ),
];

function hasDimensions(body: JsonValue): boolean {
  return body instanceof Map && (body.get("dimensions") ?? null) !== null;
}

/**
 * Checks and types the body of `POST /pooling` as vLLM 0.32 does.
 *
 * @throws {@link ApiError} with vLLM's status, text and param.
 */
export function parsePoolingRequest(body: JsonValue): PoolingRequest {
  refuseRemovedParameters(body);
  return parseForms(forms, body);
}
