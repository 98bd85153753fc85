import { describeRecordedParser } from "./recorded-parser.cases.ts";

describeRecordedParser("hermes");
describeRecordedParser("qwen3");
