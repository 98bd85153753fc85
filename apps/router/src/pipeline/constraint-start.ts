import type { ConstraintStartField } from "@vllm-router/engine-client";
import {
  REASONING_PARSERS,
  TextError,
  type OutputParserContext,
  type ReasoningParserFamily,
  type TemplateValue,
} from "@vllm-router/text";
import type { ModelRuntime } from "../models/model-runtime.ts";

/** Arguments of the template, by which some parsers know whether a model thinks. */
type TemplateKwargs = ReadonlyMap<string, TemplateValue>;

/** What vLLM's server says to its engine about the start of a constraint, beside the prompt. */
export interface ToldStart {
  /** Whether the thought is over when the answer begins, and the field that says so; undefined leaves it to the parser. */
  readonly isOver?: { readonly value: boolean; readonly by: ConstraintStartField } | undefined;
  /** Arguments of the parser that reads the prompt, and the field they stand in; undefined for none. */
  readonly kwargs?: { readonly value: TemplateKwargs; readonly by: ConstraintStartField } | undefined;
}

const NO_KWARGS: TemplateKwargs = new Map();

/**
 * The fields without which an engine would start a constraint elsewhere than vLLM does. Its own reasoning parser looks for
 * the end of a thought in the prompt, and knows nothing of the request.
 */
export function constraintStartFields(
  model: Pick<ModelRuntime, "constraintsAwait" | "parsers" | "tokenizer">,
  tokenIds: Int32Array,
  told: ToldStart,
): readonly ConstraintStartField[] {
  const { constraintsAwait, parsers, tokenizer } = model;
  // Of an engine that says nothing, others of its model may yet say what it would.
  const family =
    constraintsAwait === undefined ? parsers.selection?.reasoning : REASONING_PARSERS.get(constraintsAwait);
  const view = (kwargs: TemplateKwargs): boolean | undefined =>
    endsThought(family, { tokenizer, tokenIds, kwargs });
  const { isOver, kwargs } = told;
  if (isOver !== undefined) {
    return view(NO_KWARGS) === isOver.value ? [] : [isOver.by];
  }
  return kwargs === undefined || view(NO_KWARGS) === view(kwargs.value) ? [] : [kwargs.by];
}

/** Whether a thought is over at the end of a prompt; undefined where the parser is not known or cannot tell. */
function endsThought(
  family: ReasoningParserFamily | undefined,
  prompt: {
    readonly tokenizer: OutputParserContext["tokenizer"];
    readonly tokenIds: Int32Array;
    readonly kwargs: TemplateKwargs;
  },
): boolean | undefined {
  const { tokenizer, tokenIds, kwargs } = prompt;
  try {
    return family
      ?.create({
        tokenizer,
        tools: [],
        toolChoice: "none",
        promptTokenIds: tokenIds,
        templateKwargs: kwargs,
        requestKwargs: kwargs,
        includeReasoning: true,
        autoToolChoice: false,
        toolCallIds: "random",
        historyToolCalls: 0,
        random: { hexadecimal: () => "", alphanumeric: () => "" },
      })
      .isReasoningEnd(tokenIds);
  } catch (error) {
    if (error instanceof TextError) {
      return undefined;
    }
    throw error;
  }
}
