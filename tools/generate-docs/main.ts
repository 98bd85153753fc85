// Writes the generated parts of docs/, between their marks. `npm test` fails when that would change a committed file.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { routerDocs } from "@vllm-router/config";
import { POLICY_NAMES } from "@vllm-router/routing-core";
import { root } from "../bootstrap/environment.mjs";
import { compatibilityLists, compatibilityTable } from "./compatibility-table.ts";
import { endpointTable } from "./endpoint-table.ts";
import { policyTables } from "./policy-tables.ts";
import { withGenerated } from "./marked-text.ts";

write("docs/configuration.md", "settings", routerDocs(POLICY_NAMES));
write("docs/routing.md", "policies", policyTables());
write("docs/compatibility.md", "capabilities", compatibilityTable());
write("docs/compatibility.md", "uncarried", compatibilityLists());
write("docs/compatibility.md", "endpoints", endpointTable());

function write(file: string, mark: string, text: string): void {
  const path = join(root, file);
  writeFileSync(path, withGenerated(readFileSync(path, "utf8"), mark, text));
}
