import { EngineError } from "@vllm-router/engine-client";

/** A bootstrap server lists a few lines for each GPU. */
const MAX_ANSWER_CHARACTERS = 4 * 1024 * 1024;

/**
 * Asks a Mooncake bootstrap server for its engines.
 * @returns engine ids by data-parallel rank
 * @throws EngineError `unavailable` when it does not answer as one, `cancelled` on the signal
 */
export async function askBootstrap(
  address: string,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<ReadonlyMap<number, string>> {
  const { signal, timeoutMs } = options;
  try {
    const answer = await fetch(`${address}/query`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      redirect: "error",
    });
    if (!answer.ok) {
      await answer.body?.cancel();
      throw new EngineError("unavailable", `the bootstrap server ${address} answered ${answer.status}`);
    }
    return engineIdsOf(await boundedText(answer));
  } catch (cause) {
    if (signal.aborted) {
      throw new EngineError("cancelled", "the question to the bootstrap server was cancelled", { cause });
    }
    if (cause instanceof EngineError) {
      throw cause;
    }
    throw new EngineError("unavailable", `the bootstrap server ${address} does not answer`, { cause });
  }
}

/**
 * Those of a bootstrap server's engines that are ranks of one worker, by its ranks. A worker of one rank may share the
 * server with others: then it is found by its own id.
 * @throws EngineError `unavailable` when a rank has not registered there, or is not to be told from others
 */
export function enginesOfWorker(
  listed: ReadonlyMap<number, string>,
  worker: { readonly ranks: number; readonly engineId: string | undefined },
): ReadonlyMap<number, string> {
  const { ranks, engineId } = worker;
  if (ranks === 1 && listed.size > 0) {
    const ids = [...listed.values()];
    const own =
      engineId === undefined
        ? undefined
        : ids.find((id) => id === engineId || id.startsWith(`${engineId}_dp`));
    const id = own ?? (ids.length === 1 ? ids[0] : undefined);
    if (id === undefined) {
      throw new EngineError(
        "unavailable",
        `the bootstrap server lists ${ids.length} data-parallel ranks for a worker of one: --intra-node-data-parallel-size is to say how many an HTTP worker has`,
      );
    }
    return new Map([[0, id]]);
  }
  const engines = new Map<number, string>();
  for (let rank = 0; rank < ranks; rank += 1) {
    const id = listed.get(rank);
    if (id === undefined) {
      throw new EngineError("unavailable", `rank ${rank} has not registered at the bootstrap server`);
    }
    engines.set(rank, id);
  }
  return engines;
}

function engineIdsOf(text: string): ReadonlyMap<number, string> {
  const answer: unknown = JSON.parse(text);
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) {
    throw new TypeError("no object");
  }
  const ids = new Map<number, string>();
  for (const [rank, entry] of Object.entries(answer)) {
    const id = (entry as { readonly engine_id?: unknown } | null)?.engine_id;
    if (!/^\d+$/.test(rank) || typeof id !== "string" || id === "") {
      throw new TypeError("no engine id by rank");
    }
    ids.set(Number(rank), id);
  }
  return ids;
}

async function boundedText(answer: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const part of answer.body ?? []) {
    text += decoder.decode(part as Uint8Array, { stream: true });
    if (text.length > MAX_ANSWER_CHARACTERS) {
      throw new TypeError("too long an answer");
    }
  }
  return text + decoder.decode();
}
