import { runOracleCases } from "./oracle.cases.ts";

runOracleCases("deepseek_v3");
runOracleCases("gptoss");
runOracleCases("mistral_nemo");
