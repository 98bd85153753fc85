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

/** What the name of a field does not say. */
const NOTES: Readonly<Partial<Record<OptionalField, string>>> = {
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
