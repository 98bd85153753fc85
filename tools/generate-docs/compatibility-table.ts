import {
  CAPABILITIES,
  OPTIONAL_FIELDS,
  type EngineDialect,
  type OptionalField,
} from "@vllm-router/engine-client";

const TITLES: Readonly<Record<EngineDialect, string>> = {
  "vllm-engine": "VllmEngine (`vllm serve --grpc`)",
  "vllm-inference": "vllm.Inference (`vllm-rs serve --grpc-port`)",
  http: "HTTP (`vllm serve`)",
};

/** When fields matter that say where a constraint starts. */
const CONSTRAINED = "with a constraint, on an engine started with a reasoning parser,";

/** What the name of a field does not say. */
const NOTES: Readonly<Partial<Record<OptionalField, string>>> = {
  chat_template_kwargs: `${CONSTRAINED} where a value switches thinking on or off in a way the prompt does not show`,
  include_reasoning: `${CONSTRAINED} when false, and the prompt leaves the thought open`,
  reasoning_ended: `${CONSTRAINED} where the prompt shows otherwise`,
  reasoning_parser_kwargs: `${CONSTRAINED} where a value says otherwise than the prompt`,
  lora: "where the engine was started with adapters",
  priority:
    "taken by every engine with `--engine-scheduling-policy fcfs`, which `vllm-serve` sets unless told otherwise",
  prompt_logprobs_ranks:
    "`rank` in `prompt_logprobs`; derived, or `null`, where the engine does not report it",
  seed: "beyond 32 bits",
  session_id: "routing goes by it everywhere",
};

const DIALECTS = Object.keys(TITLES) as EngineDialect[];

/** The fields that some dialect has no place for. */
const FIELDS = OPTIONAL_FIELDS.filter((field) =>
  DIALECTS.some((dialect) => CAPABILITIES[dialect].unsupportedFields.has(field)),
);

/** One row per field that some dialect cannot carry: which dialects do. */
export function compatibilityTable(): string {
  const rows = FIELDS.map((field) => {
    const cells = DIALECTS.map((dialect) =>
      CAPABILITIES[dialect].unsupportedFields.has(field) ? "no" : "yes",
    );
    return `| \`${field}\` | ${[...cells, NOTES[field] ?? ""].join(" | ")} |`;
  });
  return [
    `| field | ${DIALECTS.map((dialect) => TITLES[dialect]).join(" | ")} | remark |`,
    `|---|${DIALECTS.map(() => "---").join("|")}|---|`,
    ...rows,
  ].join("\n");
}

/** The closed list of each dialect, in a sentence. */
export function compatibilityLists(): string {
  return DIALECTS.map((dialect) => {
    const names = FIELDS.filter((field) => CAPABILITIES[dialect].unsupportedFields.has(field));
    const list = names.length === 0 ? "nothing" : names.map((field) => `\`${field}\``).join(", ");
    return `- ${TITLES[dialect]} has no place for ${list}.`;
  }).join("\n");
}
