import { describeRecordedAnswers } from "./recorded-answers.cases.ts";

describeRecordedAnswers("gpt_oss");
describeRecordedAnswers("plain");
describeRecordedAnswers("qwen3_hermes");
describeRecordedAnswers("glm45");
describeRecordedAnswers("kimi_k2");
describeRecordedAnswers("llama3_json");
