import { runOracleCases } from "./oracle.cases.ts";

runOracleCases("llama2");
runOracleCases("gemma3");
runOracleCases("command_r_plus");
