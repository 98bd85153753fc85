import { parseJson, writeJson, type FinishedResponse, type ResponseStatus } from "@vllm-router/api";
import type { ResponseNews, StoredResponse, StoredResponseStart } from "./stored-response.ts";

type Harmony = NonNullable<FinishedResponse["harmony"]>;

/** A {@link FinishedResponse} that can go to another thread: without functions. */
export type PackedFinish = Omit<FinishedResponse, "harmony"> & {
  readonly harmony?:
    | (Omit<Harmony, "entries"> & {
        readonly entries: readonly (Omit<Harmony["entries"][number], "raw"> & {
          readonly rawText?: string;
        })[];
      })
    | undefined;
};

/** What happened to a response, for another thread. */
export type PackedNews = Omit<ResponseNews, "finished"> & { readonly finished: PackedFinish | undefined };

/** A response for another thread. */
export interface PackedResponse {
  readonly id: string;
  /** JSON: numbers of messages are objects of our own, which do not travel. */
  readonly messages: string;
  /** The response without output in every state that it may still be asked for in. */
  readonly unfinished: Readonly<Partial<Record<ResponseStatus, string>>>;
  readonly news: PackedNews;
}

/** States in which a response has no output. */
const WITHOUT_OUTPUT = ["queued", "cancelled", "failed"] as const;

/** Makes a response fit to travel. */
export function packResponse(response: StoredResponse): PackedResponse {
  const { id, start, isOver, status } = response;
  const states = isOver ? WITHOUT_OUTPUT.filter((state) => state === status) : WITHOUT_OUTPUT;
  return {
    id,
    messages: start instanceof TravelledStart ? start.text : writeJson([...start.messages]),
    unfinished: Object.fromEntries(states.map((state) => [state, start.unfinished(state)])),
    news: packNews(response.news(0)),
  };
}

/** What a response was on the other side. */
export function startOf({ id, messages, unfinished }: PackedResponse): StoredResponseStart {
  return new TravelledStart(id, messages, unfinished);
}

/** Makes news fit to travel. */
export function packNews(news: ResponseNews): PackedNews {
  const { finished } = news;
  if (finished?.harmony === undefined) {
    return { ...news, finished };
  }
  const { entries, ...rest } = finished.harmony;
  const harmony = {
    ...rest,
    entries: entries.map(({ raw, ...entry }) => (raw === undefined ? entry : { ...entry, rawText: raw() })),
  };
  return { ...news, finished: { ...finished, harmony } };
}

/** The news as they were on the other side. */
export function unpackNews(news: PackedNews): ResponseNews {
  const { finished } = news;
  if (finished === undefined) {
    return { ...news, finished };
  }
  const { harmony, ...rest } = finished;
  if (harmony === undefined) {
    return { ...news, finished: rest };
  }
  const entries = harmony.entries.map(({ rawText, ...entry }) =>
    rawText === undefined ? entry : { ...entry, raw: () => rawText },
  );
  return { ...news, finished: { ...rest, harmony: { ...harmony, entries } } };
}

/** Reads the messages only where somebody goes on from them. */
class TravelledStart implements StoredResponseStart {
  readonly id: string;
  readonly text: string;
  readonly #unfinished: PackedResponse["unfinished"];

  constructor(id: string, text: string, unfinished: PackedResponse["unfinished"]) {
    this.id = id;
    this.text = text;
    this.#unfinished = unfinished;
  }

  get messages(): StoredResponseStart["messages"] {
    return parseJson(this.text) as unknown as StoredResponseStart["messages"];
  }

  unfinished(status: ResponseStatus): string {
    return this.#unfinished[status] ?? "";
  }
}
