import {
  badRequestError,
  buildQuestions,
  checkEnginePrompt,
  checkPromptLength,
  createDecisionWriter,
  type DecisionQuestion,
  type DecisionRequest,
  type JsonValue,
  notImplementedError,
  questionPrompt,
  writeJson,
} from "@vllm-router/api";
import {
  type DecisionLabels,
  endsInTail,
  findDecisionLabels,
  isReadByNextToken,
} from "../models/decision-labels.ts";
import type { ModelRuntime } from "../models/model-runtime.ts";
import { alternativesFor, planLabelReads } from "./label-reads.ts";
import type { RequestPlan } from "./plan.ts";
import type { PrepareSettings } from "./prepare-settings.ts";
import { renderConversation } from "./render-conversation.ts";
import type { RequestEnvelope } from "./request-envelope.ts";

const OTHER_TAIL = "these chat options end the prompt differently, so the labels' tokens are unknown";

/** Labels of models that have been asked for a decision; undefined for one that cannot decide. */
const labelsOfModels = new WeakMap<ModelRuntime, { readonly labels: DecisionLabels | undefined }>();

/**
 * The labels a model decides with.
 * @throws ApiError 501 with vLLM's text for a model that vLLM makes no decisions with
 */
export function requireDecisionLabels(model: ModelRuntime, settings: PrepareSettings): DecisionLabels {
  let known = labelsOfModels.get(model);
  if (known === undefined) {
    known = { labels: labelsOf(model, settings) };
    labelsOfModels.set(model, known);
  }
  if (known.labels === undefined) {
    throw notImplementedError("The model does not support the structured decision API");
  }
  return known.labels;
}

function labelsOf(model: ModelRuntime, settings: PrepareSettings): DecisionLabels | undefined {
  if (!isReadByNextToken(model.architecture) || model.chatTemplate === undefined) {
    return undefined;
  }
  const prompt = render([message("user", "x")], new Map(), { model, settings });
  return findDecisionLabels(model.tokenizer, prompt);
}

/**
 * Makes the plan of a structured decision: one prompt a question, read by its next token.
 * @throws ApiError with vLLM's text, in vLLM's order of checks
 */
export function prepareDecision(request: DecisionRequest, envelope: RequestEnvelope): RequestPlan {
  const { model, settings } = envelope;
  const questions = buildQuestions(request);
  refuseMedia(request);
  const labels = requireDecisionLabels(model, settings);
  const items = questions.map((question) => promptOf(question, request, { labels, envelope }));
  for (const tokenIds of items) {
    const maxTokenId = Math.max(model.vocabularySize, model.tokenizer.vocabularySize) - 1;
    checkEnginePrompt(tokenIds, { maxModelLength: model.maxModelLength, maxTokenId });
  }
  const writer = createDecisionWriter({
    identity: {
      id: envelope.responseId,
      created: envelope.created,
      model: model.servedNames[0] ?? "",
      systemFingerprint: null,
    },
    questions,
    labelIds: questions.map((question) => question.labels.map((label) => labels.ids.get(label) ?? -1)),
    promptTokens: items.map((tokenIds) => tokenIds.length),
  });
  const alternatives = alternativesFor(settings.maxLogprobs);
  return planLabelReads(writer, { request, envelope, items, alternatives });
}

function refuseMedia({ images, audio, videos }: DecisionRequest): void {
  const given = Object.entries({ audio, image: images, video: videos }).filter(
    ([, links]) => links !== null && links.length > 0,
  );
  if (given.length > 0) {
    const names = given.map(([name]) => name).join(", ");
    throw badRequestError(`this model does not take ${names} inputs`);
  }
}

function promptOf(
  question: DecisionQuestion,
  request: DecisionRequest,
  context: { readonly labels: DecisionLabels; readonly envelope: RequestEnvelope },
): Int32Array {
  const kwargs = setKwargs(request.chatTemplateKwargs);
  if ((kwargs.get("enable_thinking") ?? false) !== false) {
    throw badRequestError("a read is the reply's first token, so thinking must be off");
  }
  if (kwargs.has("chat_template")) {
    // vLLM renders such a template, trusted or not, and nearly all end without the labels' tail.
    throw badRequestError(OTHER_TAIL);
  }
  const { state, instructions } = request;
  const text = typeof state === "string" ? state : writeJson(state, { spaced: true });
  const user = message("user", `${text}\n\n${questionPrompt(question)}`);
  const system = instructions === null || instructions === "" ? [] : [message("system", instructions)];
  const prompt = render([...system, user], kwargs, context.envelope);
  const { maxModelLength } = context.envelope.model;
  // vLLM cuts the prompt one token past the limit, so it never tells the whole length.
  checkPromptLength(Math.min(prompt.length, maxModelLength + 1), maxModelLength);
  if (!endsInTail(prompt, context.labels)) {
    throw badRequestError(OTHER_TAIL);
  }
  return prompt;
}

/** Template arguments as vLLM merges them: null and "auto" stand for unset. */
function setKwargs(kwargs: ReadonlyMap<string, JsonValue> | null): ReadonlyMap<string, JsonValue> {
  return new Map([...(kwargs ?? [])].filter(([, value]) => value !== null && value !== "auto"));
}

/** A conversation's tokens with thinking off, ready for the reply. */
function render(
  messages: readonly JsonValue[],
  kwargs: ReadonlyMap<string, JsonValue>,
  context: { readonly model: ModelRuntime; readonly settings: PrepareSettings },
): Int32Array {
  const text = renderConversation(
    {
      messages,
      lateError: undefined,
      tools: null,
      documents: null,
      chatTemplate: null,
      chatTemplateKwargs: new Map<string, JsonValue>([["enable_thinking", false], ...kwargs]),
      addGenerationPrompt: true,
      continueFinalMessage: false,
      reasoningEffort: null,
    },
    context,
  );
  return context.model.tokenizer.encode(text, false);
}

function message(role: string, content: string): JsonValue {
  return new Map<string, JsonValue>([
    ["role", role],
    ["content", content],
  ]);
}
