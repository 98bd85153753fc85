import type { Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { NetRequest } from "./net-request.ts";
import { parseRequestHead } from "./parse-request-head.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

test.each(["end", "break"] as const)("lets its receiver go at the last word (%s)", async (last) => {
  const request = netRequest();
  const receiver = received(request, last);
  // What a WeakRef was made of in this turn lives to its end.
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  collectGarbage();
  expect(receiver.deref()).toBeUndefined();
  expect(request.hasEnded).toBe(last === "end");
});

test("tells a receiver that comes late, and lets it go as well", () => {
  const request = netRequest();
  request.piece(Buffer.from("{}"));
  request.end();
  const told: string[] = [];
  request.receive({
    piece: (bytes) => told.push(Buffer.from(bytes).toString()),
    end: () => told.push("end"),
    broken: () => told.push("broken"),
  });
  request.break();
  expect(told).toEqual(["{}", "end"]);
});

function received(request: NetRequest, last: "end" | "break"): WeakRef<object> {
  const told: string[] = [];
  const receiver = {
    piece: () => told.push("piece"),
    end: () => told.push("end"),
    broken: () => told.push("break"),
  };
  request.receive(receiver);
  request.piece(Buffer.from("{}"));
  request[last]();
  expect(told).toEqual(["piece", last]);
  return new WeakRef(receiver);
}

function netRequest(): NetRequest {
  const head = parseRequestHead("POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 2", 2);
  const source = { pauseBody: () => undefined, resumeBody: () => undefined, bodyWanted: () => undefined };
  return new NetRequest(head, {} as Socket, source);
}
