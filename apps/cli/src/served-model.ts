import type { RouterAddress } from "./router-address.ts";

const TIMEOUT_MS = 5_000;

/** Asks the router for the name of its model, with a key where clients need one; the fallback when it does not say. */
export async function servedModel(
  at: Pick<RouterAddress, "url" | "socketPath">,
  { fallback, apiKey }: { readonly fallback: string; readonly apiKey: string | undefined },
): Promise<string> {
  if (at.socketPath !== undefined) {
    return fallback;
  }
  try {
    const response = await fetch(`${at.url}/v1/models`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
    });
    const body = (await response.json()) as { data?: readonly { id?: unknown }[] };
    const id = body.data?.[0]?.id;
    return typeof id === "string" ? id : fallback;
  } catch {
    return fallback;
  }
}
