import type { StoredResponse } from "./stored-response.ts";

/** At once where this thread keeps the responses, later where another one does. */
type Sooner<T> = T | Promise<T>;

/** How a kept response took it to be cancelled. */
export interface CancelAnswer {
  /** False for one that did not run without its client. */
  readonly isCancelled: boolean;
  /** The response as one body, as it is then. */
  readonly body: string;
}

/** Responses that later requests may ask for or go on from, in whichever thread they were made. */
export interface KeptResponses {
  /**
   * The response of this id; undefined when there is none, or none any more. One that another thread makes stays as it was
   * when it was asked for, unless it is to be followed.
   */
  get(id: string, options?: { readonly follows?: boolean }): Sooner<StoredResponse | undefined>;
  /**
   * Keeps a response, in the place of one with the same id.
   * @returns false when there is no room because of responses that still run
   */
  put(response: StoredResponse): Sooner<boolean>;
  /** Lets the oldest go until the bounds hold again; to be called when a response has grown. */
  trim(): void;
  /** Stops a response that runs without its client; undefined when there is no such response. */
  cancel(id: string): Sooner<CancelAnswer | undefined>;
}
