import type { JsonObject, JsonValue } from "../json/json-value.ts";
import { isJsonArray } from "../json/json-value.ts";
import { chatMessage } from "../request/messages.ts";
import { compileRequest, type RequestOf, requiredField } from "../request/request-table.ts";
import { list, sequence } from "../validation/containers.ts";
import type { Issues } from "../validation/issue.ts";
import { isIssues, type Validator } from "../validation/validator.ts";
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

/** A checked body of `POST /v1/embeddings`, in whichever of its five forms it came. */
export interface EmbeddingRequest extends PoolingCommon, EncodingWish {
  readonly prompts: PoolingPrompts;
  /** Null when the client gave none. */
  readonly dimensions: number | bigint | null;
  /** Null for the model's own way. */
  readonly useActivation: boolean | null;
}

const embedFields = { ...encodingFields, dimensions, use_activation: useActivation } as const;
const openingFields = { ...identityFields, truncate_prompt_tokens: truncatePromptTokens } as const;

const textTable = {
  add_special_tokens: textSpecialTokens,
  padding,
  ...embedFields,
  input: inputField,
  ...openingFields,
  ...closingFields,
} as const;

const chatOpening = {
  add_special_tokens: chatSpecialTokens,
  padding,
  ...embedFields,
  ...chatOptionFields,
} as const;

const chatTable = { ...chatOpening, messages: messagesField, ...openingFields, ...closingFields } as const;

const conversations = requiredField(sequence(list(chatMessage, { minLength: 1 }), { minLength: 1 }));

const batchTable = { ...chatOpening, ...openingFields, ...closingFields, messages: conversations } as const;

const chatInputTable = { ...chatTable, input: requiredField(list(chatMessage)) } as const;
const batchInputTable = { ...batchTable, input: conversations } as const;

type EmbedFields = RequestOf<typeof openingFields & typeof closingFields & typeof embedFields> &
  Pick<PoolingCommon, "padding">;

function embeddingOf(fields: EmbedFields, prompts: PoolingPrompts | Issues): EmbeddingRequest | Issues {
  if (isIssues(prompts)) return prompts;
  return {
    ...commonOf(fields),
    ...encodingOf(fields),
    prompts,
    dimensions: fields.dimensions,
    useActivation: fields.useActivation,
  };
}

const textForm = requestMember(compileRequest({ table: textTable, checks: poolingChecks }), (fields) =>
  embeddingOf(fields, { kind: "input", input: fields.input, addSpecialTokens: fields.addSpecialTokens }),
);

function chatForm(table: typeof chatTable | typeof chatInputTable, isInInput: boolean): typeof textForm {
  const checks = isInInput ? [takeFromInput(isConversation), ...poolingChatChecks] : poolingChatChecks;
  return requestMember(compileRequest({ table, checks }), (fields) =>
    embeddingOf(fields, chatPrompts(fields, [fields.messages])),
  );
}

function batchForm(table: typeof batchTable | typeof batchInputTable, isInInput: boolean): typeof textForm {
  const checks = isInInput ? [takeFromInput(isBatch), ...poolingChatChecks] : poolingChatChecks;
  return requestMember(compileRequest({ table, checks }), (fields) =>
    embeddingOf(fields, chatPrompts(fields, fields.messages)),
  );
}

/** Conversations may come in `input`, too; there they have to look like some before they count as `messages`. */
function takeFromInput(isMeant: (value: JsonValue) => boolean): (body: JsonObject) => JsonObject {
  return (body) => {
    const input = body.get("input");
    if (input === undefined || body.has("messages") || !isMeant(input)) return body;
    return new Map(body).set("messages", input);
  };
}

function isConversation(value: JsonValue): boolean {
  return (
    isJsonArray(value) &&
    value.length > 0 &&
    value.every((message) => message instanceof Map && typeof message.get("role") === "string")
  );
}

function isBatch(value: JsonValue): boolean {
  return isJsonArray(value) && value.length > 0 && value.every(isConversation);
}

const forms: readonly Validator<EmbeddingRequest>[] = [
  textForm,
  chatForm(chatTable, false),
  batchForm(batchTable, false),
  chatForm(chatInputTable, true),
  batchForm(batchInputTable, true),
];

/**
 * Checks and types the body of `POST /v1/embeddings` as vLLM 0.32 does.
 *
 * @throws {@link ApiError} with vLLM's status, text and param.
 */
export function parseEmbeddingRequest(body: JsonValue): EmbeddingRequest {
  refuseRemovedParameters(body);
  return parseForms(forms, body);
}
