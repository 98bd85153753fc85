import type { ChatRequest, MessagesConversion } from "@vllm-router/api";
import { compileChatTemplate, type ChatTemplate, type TemplateValue } from "@vllm-router/text";
import type { ModelRuntime } from "../models/model-runtime.ts";
import { renderConversation, type RenderContext } from "./render-conversation.ts";

type Effort = NonNullable<ChatRequest["reasoningEffort"]>;

/** Efforts that ask for thinking, in vLLM's order. */
const EFFORTS: readonly Effort[] = ["low", "medium", "high", "xhigh", "max"];

const merging = new WeakMap<ModelRuntime, boolean>();
const disabledEfforts = new WeakMap<ModelRuntime, Effort>();

/** What the conversion of Anthropic messages depends on with this model; probed once per model, as vLLM does. */
export function messagesConversion(context: RenderContext, nowSeconds: number): MessagesConversion {
  return {
    mergeInlineSystem: remembered(merging, context.model, () => needsSystemFirst(context.model)),
    get disabledThinkingEffort(): Effort {
      return remembered(disabledEfforts, context.model, () => probeDisabledEffort(context));
    },
    nowSeconds,
  };
}

function remembered<T>(known: WeakMap<ModelRuntime, T>, model: ModelRuntime, probe: () => T): T {
  const value = known.get(model) ?? probe();
  known.set(model, value);
  return value;
}

/** True where one of the model's templates refuses a system message behind others, or there is no template. */
function needsSystemFirst(model: ModelRuntime): boolean {
  return [model.chatTemplate, model.toolTemplate].some((template) => refusesInlineSystem(template));
}

const ROLES = ["system", "user", "system", "user"];

function refusesInlineSystem(template: ChatTemplate | undefined): boolean {
  // vLLM probes in a bare Jinja environment: without transformers' tag and functions.
  if (template === undefined || /\{%-?\s*generation\b/.test(template.source)) {
    return true;
  }
  try {
    const probe = compileChatTemplate(template.source, { clock: noClock });
    const messages = ROLES.map(
      (role): TemplateValue =>
        new Map([
          ["role", role],
          ["content", "t"],
        ]),
    );
    probe.render(
      new Map<string, TemplateValue>([
        ["messages", messages],
        ["add_generation_prompt", false],
      ]),
    );
    return false;
  } catch {
    return true;
  }
}

function noClock(): never {
  throw new RangeError("the probe's environment has no clock");
}

/** `none` where the template can switch thinking off, else the least effort there is. */
function probeDisabledEffort(context: RenderContext): Effort {
  // gpt-oss always thinks, and refuses to be told not to.
  if (context.model.parsers.harmony) {
    return "low";
  }
  const none = probePrompt("none", context);
  const isHonoured = none !== undefined && EFFORTS.every((effort) => probePrompt(effort, context) !== none);
  return isHonoured ? "none" : "low";
}

function probePrompt(reasoningEffort: Effort, context: RenderContext): string | undefined {
  try {
    return renderConversation(
      {
        messages: [
          new Map([
            ["role", "user"],
            ["content", "Hi"],
          ]),
        ],
        lateError: undefined,
        tools: null,
        documents: null,
        chatTemplate: null,
        chatTemplateKwargs: null,
        addGenerationPrompt: true,
        continueFinalMessage: false,
        reasoningEffort,
      },
      context,
    );
  } catch {
    return undefined;
  }
}
