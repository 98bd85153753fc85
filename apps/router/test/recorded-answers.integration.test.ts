import { describeRecordedAnswers } from "./recorded-answers.cases.ts";

describeRecordedAnswers("deepseek_r1");
describeRecordedAnswers("glm45");
describeRecordedAnswers("gpt_oss");
describeRecordedAnswers("kimi_k2");
describeRecordedAnswers("llama3_json");
describeRecordedAnswers("minimax_m2");
describeRecordedAnswers("mistral");
describeRecordedAnswers("plain");
describeRecordedAnswers("qwen3");
describeRecordedAnswers(
  "qwen3_hermes",
  // `truncation: null` is refused before generating, since the answer cannot repeat it: vLLM fails over it when it answers.
  new Set(["responses: nulls, streamed", "responses: nulls, collected"]),
);
describeRecordedAnswers("seed_oss");
