import {
  createChatCollector,
  createChatStreamWriter,
  createCompletionStreamWriter,
  parseChatRequest,
  parseCompletionRequest,
  parseJson,
} from "../src/index.ts";
import { microseconds, report } from "./measure.ts";

// One token a call: `node packages/api/bench/writer.bench.ts`.
const settings = {
  responseRole: "assistant",
  promptTokensDetails: false,
  forceIncludeUsage: false,
  returnTokensAsTokenIds: false,
};
const identity = {
  id: "chatcmpl-0123456789abcdef",
  created: 1795333721,
  model: "model-name",
  systemFingerprint: "vllm-0.32.0-4dc34e2f",
};
const plain = { text: " token", tokenIds: [1234], tokenCount: 1, logprobs: undefined };
const escaped = { ...plain, text: '"\n' };
const other = (tokenId: number): { tokenId: number; token: string; logprob: number } => ({
  tokenId,
  token: " token",
  logprob: -0.123456,
});
const top = [other(1), other(2), other(3), other(4), other(5)];
const withLogprobs = { ...plain, logprobs: [{ ...other(1), top }] };
const promptInfo = { tokenIds: [1, 2, 3], text: undefined, logprobs: undefined };

// Reading one character makes a rope flat, as writing it to a socket does.
let sink = 0;
const use = (text: string): void => {
  sink += text.charCodeAt(text.length - 1);
};

function chat(fields: string): Parameters<typeof createChatStreamWriter>[0] {
  const request = parseChatRequest(
    parseJson(`{"messages":[{"role":"user","content":"hi"}],"stream":true${fields}}`),
  );
  return { request, identity, settings, promptCount: 1 };
}

const stream = createChatStreamWriter(chat(""));
stream.prompt(0, promptInfo);
report(
  "chat stream: a token",
  microseconds(() => use(stream.output(0, plain, undefined)), 500_000),
);
report(
  "chat stream: a token with escapes",
  microseconds(() => use(stream.output(0, escaped, undefined)), 500_000),
);
const object = { id: identity.id, object: "chat.completion.chunk", created: 1, model: "model-name" };
const chunk = (text: string): string =>
  `data: ${JSON.stringify({ ...object, choices: [{ index: 0, delta: { content: text }, logprobs: null, finish_reason: null, token_ids: null }] })}\n\n`;
report(
  "the same by JSON.stringify of an object",
  microseconds(() => use(chunk(" token")), 500_000),
);
const usage = createChatStreamWriter(
  chat(',"stream_options":{"include_usage":true,"continuous_usage_stats":true}'),
);
usage.prompt(0, promptInfo);
report(
  "chat stream: a token with usage",
  microseconds(() => use(usage.output(0, plain, undefined)), 500_000),
);
const logprobs = createChatStreamWriter(chat(',"logprobs":true,"top_logprobs":5'));
logprobs.prompt(0, promptInfo);
report(
  "chat stream: a token with 5 logprobs",
  microseconds(() => use(logprobs.output(0, withLogprobs, undefined)), 100_000),
);
const request = parseCompletionRequest(parseJson('{"prompt":"hi","stream":true}'));
const completion = createCompletionStreamWriter({ request, identity, settings, promptCount: 1 });
completion.prompt(0, promptInfo);
report(
  "completion stream: a token",
  microseconds(() => use(completion.output(0, plain, undefined)), 500_000),
);
const whole = (): void => {
  const writer = createChatStreamWriter(chat0);
  writer.prompt(0, promptInfo);
  use(writer.output(0, plain, undefined));
  use(writer.end({ promptTokens: 3, cachedTokens: undefined, kvTransferParams: undefined }));
};
const chat0 = chat("");
report("chat stream: making the writer, first token, end", microseconds(whole, 100_000));
const collect = (): void => {
  const writer = createChatCollector(chat0);
  writer.prompt(0, promptInfo);
  for (let index = 0; index < 128; index++) writer.output(0, plain, undefined);
  use(writer.end({ promptTokens: 3, cachedTokens: undefined, kvTransferParams: undefined }));
};
report("chat body of 128 tokens", microseconds(collect, 20_000));
if (sink === 0) throw new Error("Nothing was written");
