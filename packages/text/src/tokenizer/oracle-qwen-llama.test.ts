import { runOracleCases } from "./oracle.cases.ts";

runOracleCases("qwen3");
runOracleCases("llama3_1");
runOracleCases("llama3_2");
runOracleCases("smollm2");
