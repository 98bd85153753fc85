import {
  carriedFields,
  checkRequestedLengths,
  parseChatRequest,
  parseJson,
  parseJsonBytes,
  resolveSampling,
} from "../src/index.ts";
import { microseconds, report } from "./measure.ts";

// A chat of 2 KB: `node packages/api/bench/parse.bench.ts`.
const words =
  "the quick brown fox jumps over the lazy dog while many people watch it from afar and wonder why".split(
    " ",
  );
const chats = (["plain", "escapes", "not ASCII"] as const).map((kind) => {
  let content = "";
  for (let index = 0; content.length < 1800; index++)
    content += `${words[(index * 7) % words.length] as string} `;
  if (kind === "escapes") content = content.replaceAll("fox", '"fox"\n');
  if (kind === "not ASCII") content = content.replaceAll("fox", "狐");
  const text = JSON.stringify({
    model: "m",
    messages: [
      { role: "system", content: "You are a helpful assistant." },
      { role: "user", content },
    ],
    temperature: 0.7,
    max_tokens: 128,
    stream: true,
    stream_options: { include_usage: true },
  });
  return { kind, text, bytes: Buffer.from(text) };
});

const context = {
  defaultSampling: {},
  extraEosTokenIds: [],
  maxModelLength: 8192,
  promptTokenCount: 500,
  vocabularySize: 150000,
  maxLogprobs: 20,
};

for (const { kind, text, bytes } of chats) {
  report(
    `${kind}: JSON.parse of text`,
    microseconds(() => void JSON.parse(text), 50_000),
  );
  report(
    `${kind}: parseJson of text`,
    microseconds(() => void parseJson(text), 50_000),
  );
  report(
    `${kind}: JSON.parse of bytes`,
    microseconds(() => void JSON.parse(bytes.toString()), 50_000),
  );
  report(
    `${kind}: parseJsonBytes`,
    microseconds(() => void parseJsonBytes(bytes), 50_000),
  );
  const body = parseJson(text);
  const request = parseChatRequest(body);
  report(
    `${kind}: parseChatRequest`,
    microseconds(() => void parseChatRequest(body), 50_000),
  );
  const resolve = (): void => {
    checkRequestedLengths(request, 8192);
    resolveSampling(request, context);
    carriedFields(request);
  };
  report(`${kind}: lengths, sampling, carried fields`, microseconds(resolve, 50_000));
}
