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
      addresses.set(url, bootstrapAddress(url, /^\d+$/.test(next) ? next : DEFAULT_PORT));
    }
  }
  return addresses;
}

/** The bootstrap server of a prefill worker of which no more is known than its address. */
export function defaultBootstrapAddress(url: string): string {
  return bootstrapAddress(url, DEFAULT_PORT);
}

function bootstrapAddress(url: string, port: string): string {
  return `http://${new URL(url).hostname}:${port}`;
}
