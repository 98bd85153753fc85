import { BodyMemory, parseJsonBytes } from "../src/index.ts";
import { microseconds, report } from "./measure.ts";

// A conversation of 100 messages and 128 KB: `node packages/api/bench/bodies.bench.ts`.
const decoder = Buffer.prototype as unknown as {
  latin1Slice: (this: Uint8Array, start: number, end: number) => string;
};
const memory = (): BodyMemory =>
  new BodyMemory({
    equals: (left, right) => Buffer.compare(left, right) === 0,
    mostBytes: 64 * 2 ** 20,
    decodeAscii: (bytes, start, end) => decoder.latin1Slice.call(bytes, start, end),
  });

const sentence = "the quick brown fox jumps over the lazy dog while many people watch it from afar; ";
const turn = (kind: string, index: number): { role: string; content: string } => {
  let content = `${index}: ${sentence.repeat(15)}`;
  if (kind === "escapes") content = content.replaceAll("fox", '"fox"\n');
  if (kind === "not ASCII") content = content.replaceAll("fox", "狐");
  return { role: index % 2 === 0 ? "user" : "assistant", content };
};

for (const kind of ["plain", "escapes", "not ASCII"]) {
  const turns = Array.from({ length: 402 }, (_, index) => turn(kind, index));
  const body = (count: number): Buffer =>
    Buffer.from(JSON.stringify({ model: "m", messages: turns.slice(0, count), stream: true, max_tokens: 1 }));
  const whole = body(100);
  report(
    `${kind}: parseJsonBytes of ${whole.length} bytes`,
    microseconds(() => void parseJsonBytes(whole), 1000),
  );
  report(
    `${kind}: first sight`,
    microseconds(() => void memory().parse(whole), 1000),
  );
  // Two more messages each time; the first is never asked for again.
  const grown = Array.from({ length: 20 }, (_, index) => body(100 + 2 * index));
  const known = memory();
  let at = 0;
  for (const bytes of grown) known.parse(bytes);
  report(
    `${kind}: 2 messages more than known`,
    microseconds(() => {
      if (at === 0) known.parse(whole);
      known.parse(grown[at] as Buffer);
      at = (at + 1) % 20;
    }, 1000),
  );
}
