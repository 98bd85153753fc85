import { describeRecordedStreams } from "./recorded-streams.cases.ts";

describeRecordedStreams("deepseek_v3");
describeRecordedStreams("deepseek_v31");
describeRecordedStreams("deepseek_v3_reasoning");
describeRecordedStreams("glm45");
describeRecordedStreams("gpt_oss");
describeRecordedStreams("granite");
describeRecordedStreams("granite4");
describeRecordedStreams("hermes");
describeRecordedStreams("hunyuan_a13b");
describeRecordedStreams("internlm");
describeRecordedStreams("jamba");
describeRecordedStreams("kimi_k2");
describeRecordedStreams("qwen3");
