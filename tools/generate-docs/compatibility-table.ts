import { CAPABILITIES, OPTIONAL_FIELDS, type EngineDialect } from "@vllm-router/engine-client";

const TITLES: Readonly<Record<EngineDialect, string>> = {
  "vllm-engine": "VllmEngine (`vllm serve --grpc`)",
  "vllm-inference": "vllm.Inference (`vllm-rs serve --grpc-port`)",
  http: "HTTP (`vllm serve`)",
};

/** One row per field that some dialect cannot carry: which dialects do. */
export function compatibilityTable(): string {
  const dialects = Object.keys(TITLES) as EngineDialect[];
  const rows = OPTIONAL_FIELDS.filter((field) =>
    dialects.some((dialect) => CAPABILITIES[dialect].unsupportedFields.has(field)),
  ).map(
    (field) =>
      `| \`${field}\` | ${dialects.map((dialect) => (CAPABILITIES[dialect].unsupportedFields.has(field) ? "no" : "yes")).join(" | ")} |`,
  );
  return [
    `| field | ${dialects.map((dialect) => TITLES[dialect]).join(" | ")} |`,
    `|---|${dialects.map(() => "---").join("|")}|`,
    ...rows,
  ].join("\n");
}
