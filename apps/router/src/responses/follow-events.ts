import { STREAM_CONTENT_TYPE } from "@vllm-router/api";
import type { ClientSide } from "../server/exchange.ts";
import type { StoredResponse } from "./stored-response.ts";

/** Sends the events of a kept response, those that are there and those still to come, as fast as the client takes them. */
export function followEvents(
  response: StoredResponse,
  to: { readonly exchange: ClientSide; readonly from: number },
): void {
  const { exchange } = to;
  let next = to.from;
  let isFull = false;
  const unwatch = response.watch(send);
  exchange.listen({
    gone: unwatch,
    drained: () => {
      isFull = false;
      send();
    },
  });
  send();

  function send(): void {
    const { events } = response;
    while (!isFull && next < events.length) {
      exchange.append(events[next] ?? "");
      next += 1;
      isFull = !exchange.flush(STREAM_CONTENT_TYPE);
    }
    if (response.isOver && next >= events.length) {
      unwatch();
      exchange.listen(undefined);
      exchange.endStream(STREAM_CONTENT_TYPE);
    }
  }
}
