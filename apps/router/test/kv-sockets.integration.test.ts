import { startSimulator } from "@vllm-router/simulator";
import { expect, it } from "vitest";
import { KvSockets } from "../src/fleet/kv-thread/kv-sockets.ts";
import type { KvThreadNews } from "../src/fleet/kv-thread/kv-thread-messages.ts";
import { eventually, startRouter } from "./start-router.ts";

it("reads no publisher while its owner has too much to take in, and goes on where it stopped", async () => {
  await using engine = await startSimulator({
    speed: 0,
    kvEvents: false,
    kvEventsConfig: { endpoint: "tcp://127.0.0.1:0" },
  });
  const news: KvThreadNews[] = [];
  const sockets = new KvSockets({ tell: (told) => news.push(...told), mostWords: 1_000 });
  const numbers = (): readonly number[] =>
    news.flatMap((each) => (each.kind === "batch" ? [each.batch.sequence] : []));
  const words = (): number =>
    news.reduce((sum, each) => sum + (each.kind === "batch" ? each.batch.words.length : 0), 0);
  sockets.receive({
    kind: "listen",
    id: 4,
    address: engine.kvEventAddresses[0]?.endpoint ?? "",
    topic: "",
    dials: false,
  });
  await eventually("it listens", () => engine.kvEventSubscribers === 1);
  await using router = await startRouter([`http://${engine.address}`], ["--policy", "random"]);
  const fill = async (first: number, count: number): Promise<void> => {
    for (let at = first; at < first + count; at += 1) {
      const prompt = Array.from({ length: 400 }, (_, position) => 300 + ((at * 97 + position) % 1_000));
      const answer = await router.post("/v1/completions", { prompt, max_tokens: 1 });
      expect(answer.status).toBe(200);
      await answer.text();
    }
  };
  await fill(0, 4);
  await eventually("it has too much", () => sockets.isPaused && numbers().length > 0);
  const before = numbers().length;
  await fill(4, 4);
  expect(numbers()).toHaveLength(before);
  let taken = 0;
  const take = (): void => {
    const all = words();
    if (all > taken) sockets.receive({ kind: "taken", words: all - taken });
    taken = all;
  };
  await eventually("all is heard in the end", () => {
    take();
    return numbers().length === 8;
  });
  expect(numbers()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  sockets.receive({ kind: "listen", id: 5, address: "tcp://nobody:0", topic: "", dials: false });
  await eventually("an address that is none is told", () =>
    news.some((each) => each.kind === "end" && each.id === 5 && each.error?.code === "rejected"),
  );
  sockets.receive({ kind: "stop", id: 4 });
  await eventually("nobody listens", () => engine.kvEventSubscribers === 0);
});
