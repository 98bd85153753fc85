import { describeRecordedParser } from "./recorded-parser.cases.ts";

describeRecordedParser("hermes");
describeRecordedParser("deepseek_v3");
describeRecordedParser("deepseek_v31");
describeRecordedParser("hunyuan_a13b");
describeRecordedParser("jamba");
describeRecordedParser("llama3_json");
describeRecordedParser("llama4_pythonic");
describeRecordedParser("phi4_mini_json");
describeRecordedParser("pythonic");
describeRecordedParser("step3");
describeRecordedParser("xlam");
