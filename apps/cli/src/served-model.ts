import { reachable } from "./engine-command.ts";

const TIMEOUT_MS = 5_000;

/** Asks the router for the name of its model; the fallback when it does not say. */
export async function servedModel(
  at: { readonly host: string; readonly port: number },
  fallback: string,
): Promise<string> {
  try {
    const response = await fetch(`http://${reachable(at.host)}:${at.port}/v1/models`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body = (await response.json()) as { data?: readonly { id?: unknown }[] };
    const id = body.data?.[0]?.id;
    return typeof id === "string" ? id : fallback;
  } catch {
    return fallback;
  }
}
