import { describeRecordedParser } from "./recorded-parser.cases.ts";

describeRecordedParser("glm45");
describeRecordedParser("granite");
describeRecordedParser("granite4");
describeRecordedParser("hermes");
describeRecordedParser("kimi_k2");
describeRecordedParser("minimax_m2");
describeRecordedParser("nemotron_v3");
describeRecordedParser("qwen3");
describeRecordedParser("seed_oss");
describeRecordedParser("step3p5");
