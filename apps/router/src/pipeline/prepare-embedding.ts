import {
  badRequestError,
  checkMediaArguments,
  type EmbeddingRequest,
  encodedAnswer,
  notImplementedError,
  type PooledPrompt,
  type PoolingCommon,
  type PoolingInput,
  type PoolingPrompts,
  type PoolingRequest,
  shortenEmbedding,
  validationError,
} from "@vllm-router/api";
import type { EmbeddingPlan } from "./embedding-plan.ts";
import {
  checkedTokenIds,
  encodePoolingText,
  fitTokens,
  type PoolingModel,
  type PoolingTokenIds,
  type PromptFitting,
} from "./encode-pooling-prompt.ts";
import { planHead, type PoolingEnvelope } from "./pooling-envelope.ts";
import { renderConversation } from "./render-conversation.ts";

/**
 * Makes the plan of an embeddings request.
 * @throws ApiError with vLLM's text, in vLLM's order of checks
 */
export function prepareEmbedding(request: EmbeddingRequest, envelope: PoolingEnvelope): EmbeddingPlan {
  const { model } = envelope;
  const encoded = encodeChecked(request, request.prompts, envelope);
  const dimensions = checkedDimensions(request.dimensions, model);
  const head = planHead(envelope, "embd");
  return {
    ...head,
    prompts: encoded.map((tokenIds) => checkedTokenIds(tokenIds, model)),
    answer: (pooled) =>
      encodedAnswer(
        "embedding",
        { ...answerHead(head.responseId, envelope), pooled: shortened(pooled, dimensions) },
        { wish: request, encodeBase64: envelope.encodeBase64 },
      ),
  };
}

const NO_PLUGIN =
  "No IOProcessor plugin installed. Please refer to the documentation and to the " +
  "'prithvi_geospatial_mae_io_processor' offline inference example for more details.";

/**
 * Makes the plan of a pooling request.
 * @throws ApiError with vLLM's text, in vLLM's order of checks; 501 for tasks that only the engine itself could answer
 */
export function preparePooling(request: PoolingRequest, envelope: PoolingEnvelope): EmbeddingPlan {
  const { model } = envelope;
  checkTask(request, model);
  const { prompts } = request;
  if (prompts === undefined) {
    throw validationError(NO_PLUGIN, "task");
  }
  const encoded = encodeChecked(request, prompts, envelope);
  const head = planHead(envelope, "pooling");
  return {
    ...head,
    prompts: encoded.map((tokenIds) => checkedTokenIds(tokenIds, model)),
    answer: (pooled) =>
      encodedAnswer(
        "pooling",
        { ...answerHead(head.responseId, envelope), pooled },
        { wish: request, encodeBase64: envelope.encodeBase64 },
      ),
  };
}

/** What every pooling request is checked for before its prompts are made. @throws ApiError */
export function checkPoolingRequest(
  request: PoolingCommon & { readonly prompts?: PoolingPrompts },
  envelope: PoolingEnvelope,
): void {
  const { prompts } = request;
  checkMediaArguments(
    {
      mmProcessorKwargs: request.mmProcessorKwargs,
      mediaIoKwargs: prompts?.kind === "chat" ? prompts.mediaIoKwargs : null,
    },
    false,
  );
  envelope.requireModel();
  if (request.truncatePromptTokens !== null && request.truncatePromptTokens > envelope.model.maxModelLength) {
    throw badRequestError(
      "truncate_prompt_tokens value is greater than max_model_len. Please request a smaller truncation size.",
    );
  }
}

/** The tokens of every prompt. @throws ApiError */
export function encodePrompts(
  prompts: PoolingPrompts,
  fitting: PromptFitting,
  { model, settings }: Pick<PoolingEnvelope, "model" | "settings">,
): readonly PoolingTokenIds[] {
  if (prompts.kind === "chat") {
    return prompts.conversations.map((messages) => {
      const conversation = { ...prompts, messages, tools: null, documents: null, reasoningEffort: null };
      const text = renderConversation(conversation, { model, settings });
      return encodePoolingText(text, prompts.addSpecialTokens, { fitting, model });
    });
  }
  const inputs = inputsOf(prompts.input);
  if (inputs.length === 0) {
    throw badRequestError("You must pass at least one prompt");
  }
  return inputs.map((input) =>
    typeof input === "string"
      ? encodePoolingText(input, prompts.addSpecialTokens, { fitting, model })
      : fitTokens(input, fitting, model),
  );
}

/**
 * The length embeddings are to be cut to; undefined for none.
 * @throws ApiError 400 with vLLM's text
 */
export function checkedDimensions(
  dimensions: number | bigint | null,
  { pooling, servedNames }: PoolingModel,
): number | undefined {
  if (dimensions === null) {
    return undefined;
  }
  const name = `'${servedNames[0] ?? ""}'`;
  if (!pooling.isMatryoshka) {
    throw validationError(
      `Model ${name} does not support Matryoshka embeddings; dimensions must be unset (received dimensions=${dimensions}).`,
    );
  }
  const size = pooling.embeddingSize ?? 0;
  if (dimensions < 1 || dimensions > size) {
    throw validationError(`Model ${name} only supports dimensions in range [1, ${size}], got ${dimensions}.`);
  }
  const allowed = pooling.matryoshkaDimensions;
  if (allowed !== undefined && !allowed.includes(Number(dimensions))) {
    throw validationError(
      `Model ${name} only supports Matryoshka dimensions [${allowed.join(", ")}], got ${dimensions}.`,
    );
  }
  return Number(dimensions);
}

/** Embeddings cut to `dimensions`. */
export function shortened(
  pooled: readonly PooledPrompt[],
  dimensions: number | undefined,
): readonly PooledPrompt[] {
  return dimensions === undefined
    ? pooled
    : pooled.map((prompt) => ({ ...prompt, values: shortenEmbedding(prompt.values, dimensions) }));
}

function encodeChecked(
  request: PoolingCommon,
  prompts: PoolingPrompts,
  envelope: PoolingEnvelope,
): readonly PoolingTokenIds[] {
  checkPoolingRequest({ ...request, prompts }, envelope);
  return encodePrompts(prompts, request, envelope);
}

function checkTask(request: PoolingRequest, { pooling }: PoolingModel): void {
  if (request.dimensions !== null) {
    throw validationError("dimensions is currently not supported", "dimensions");
  }
  const own = pooling.embeddingSize === undefined ? pooling.tasks[0] : "embed";
  const task = request.prompts === undefined ? "plugin" : (request.task ?? own);
  if (task !== "plugin" && task !== own) {
    throw validationError(
      pooling.tasks.includes(task ?? "")
        ? `Try switching the model's pooling_task via --pooler-config.task ${task}.`
        : `Unsupported task: '${task}' Supported tasks: [${pooling.tasks.map((name) => `'${name}'`).join(", ")}]`,
      "task",
    );
  }
  if (task === "plugin") {
    throw validationError(NO_PLUGIN, "task");
  }
  if (pooling.embeddingSize === undefined) {
    throw notImplementedError(`The engine's protocol cannot carry the task \`${task}\`.`, "task");
  }
}

function answerHead(
  id: string,
  { created, model }: PoolingEnvelope,
): { readonly id: string; readonly created: number; readonly model: string } {
  return { id, created, model: model.servedNames[0] ?? "" };
}

/** A list of numbers is one prompt, everything else in a list is a prompt of its own. */
function inputsOf(input: PoolingInput): readonly (string | readonly (number | bigint)[])[] {
  if (typeof input === "string") {
    return [input];
  }
  const [first] = input;
  return typeof first === "number" || typeof first === "bigint"
    ? [input as readonly (number | bigint)[]]
    : (input as readonly (string | readonly (number | bigint)[])[]);
}
