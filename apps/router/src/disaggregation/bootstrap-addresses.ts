/** Where vLLM's Mooncake connector has its bootstrap server unless told otherwise (VLLM_MOONCAKE_BOOTSTRAP_PORT). */
const DEFAULT_PORT = "8998";

/**
 * Bootstrap servers of prefill workers by the workers' addresses.
 * @param prefill `--prefill` as given: addresses, each followed by its bootstrap port, by `none`, or by nothing
 */
export function bootstrapAddresses(prefill: readonly string[]): ReadonlyMap<string, string> {
  const addresses = new Map<string, string>();
  for (const [at, url] of prefill.entries()) {
    if (url.includes("://")) {
      const next = prefill[at + 1] ?? "";
      const port = /^\d+$/.test(next) ? next : DEFAULT_PORT;
      addresses.set(url, `http://${new URL(url).hostname}:${port}`);
    }
  }
  return addresses;
}
