import { INSTALL_LINE } from "./engine-program.ts";
import type { LocalPlan } from "./plan.ts";
import { routerAddress } from "./router-address.ts";

/** What the banner shows. */
export interface BannerOptions {
  readonly plan: LocalPlan;
  /** Name under which requests ask for the model. */
  readonly model: string;
  /** How the user starts this program. */
  readonly command: string;
  /** True when the key clients must send is in `VLLM_API_KEY`. Default false. */
  readonly hasKeyInEnvironment?: boolean;
}

/** The text shown once requests are answered: the address, a curl line to paste, and for the demo the way to a real vLLM. */
export function banner({ plan, model, command, hasKeyInEnvironment = false }: BannerOptions): string {
  const { url, socketPath } = routerAddress(plan);
  const address = socketPath ?? url;
  const body = JSON.stringify({ model, messages: [{ role: "user", content: "Hello!" }], max_tokens: 32 });
  const socket = socketPath === undefined ? "" : `--unix-socket ${socketPath} `;
  const key = authorization(plan, hasKeyInEnvironment);
  const curl = `curl ${socket}${url}/v1/chat/completions -H 'Content-Type: application/json' ${key}-d '${body.replaceAll("'", "'\\''")}'`;
  const engines = `${plan.engineCount} ${plan.isDemo ? "simulated " : ""}engine${plan.engineCount === 1 ? "" : "s"}`;
  const lines = [
    "",
    `  vllm-router is ready on ${address} (${engines}, model ${model})`,
    "",
    "  Try it:",
    `    ${curl}`,
    "",
  ];
  if (plan.isDemo) {
    lines.push(
      `  With a real vLLM (${INSTALL_LINE}):`,
      `    ${command} Qwen/Qwen3-0.6B --enable-router-as-api-server`,
      "",
    );
  }
  lines.push("  Ctrl-C stops everything.", "");
  return lines.join("\n");
}

/** The header with the key, which itself is never shown. */
function authorization(plan: LocalPlan, isInEnvironment: boolean): string {
  if (isInEnvironment) {
    return '-H "Authorization: Bearer $VLLM_API_KEY" ';
  }
  return plan.frontendFlags.some(({ name }) => name === "api-key")
    ? "-H 'Authorization: Bearer YOUR_API_KEY' "
    : "";
}
