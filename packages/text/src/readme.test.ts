import { expect, it } from "vitest";
import { createSequenceText, createTokenizer } from "./index.ts";
import { tinyTokenizerJson } from "./tokenizer/tiny-tokenizer.cases.ts";

it("runs the example of the README", () => {
  const tokenizerJson = tinyTokenizerJson();
  const tokenizerConfig = JSON.stringify({ eos_token: "<end>" });
  const modelConfig = JSON.stringify({ model_type: "tiny" });
  const engineOutputs = Array.from(" world\n\nmore", (character) => ({
    tokenIds: [character.charCodeAt(0)],
  }));
  let written = "";
  const write = (text: string): void => {
    written += text;
  };

  const tokenizer = createTokenizer({ tokenizerJson, tokenizerConfig, modelConfig });
  const promptTokenIds = tokenizer.encode("Hello", true);
  const sequence = createSequenceText({
    tokenizer,
    promptTokenIds,
    stop: ["\n\n"],
    includeStopString: false,
    minTokens: 0,
    maxTokens: 16,
    ignoreEos: false,
    endOfSequenceTokenId: tokenizer.endOfSequenceTokenId,
    stopTokenIds: new Set<number>(),
    skipSpecialTokens: true,
    spacesBetweenSpecialTokens: true,
  });
  for (const output of engineOutputs) {
    const delta = sequence.push(output.tokenIds, output.tokenIds.length);
    write(delta.text);
    if (sequence.expectedFinish) break;
  }
  write(sequence.finish().text);

  // The engine's ids are plain bytes here, so that the space is the byte token of a space.
  expect(written).toBe(" world");
  expect(sequence.expectedFinish).toEqual({ reason: "stop", stopReason: "\n\n" });
});
