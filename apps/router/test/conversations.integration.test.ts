import { describe, expect, it } from "vitest";
import { startSimulator } from "@vllm-router/simulator";
import { startRouter } from "./start-router.ts";

interface Message {
  readonly role: string;
  readonly content: string;
}

const PARAGRAPH = "A long story about routers, 漢字 and 😀, “quoted” and \n\t{escaped}. ";

/** Long enough to be remembered with a few messages. */
function said(role: string, about: string): Message {
  return { role, content: `${about} ${PARAGRAPH.repeat(40)}` };
}

function conversation(turns: number, name: string): Message[] {
  return Array.from({ length: turns }, (_, turn) =>
    said(turn % 2 === 0 ? "user" : "assistant", `${name} ${turn}`),
  );
}

describe("conversations that come again", () => {
  it("reach the engine as if they had never been there, grown, branched off, cut short or changed", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`]);
    const [first, second] = [conversation(9, "one"), conversation(9, "two")];
    const asked: readonly (readonly Message[])[] = [
      first.slice(0, 5),
      first.slice(0, 7),
      second.slice(0, 7),
      first,
      first,
      // The last answer is asked for again, with other words, and with another beginning.
      [...first.slice(0, 6), said("user", "otherwise")],
      first.slice(0, 5),
      [said("system", "be brief"), ...first],
      [...second.slice(0, 3), ...first.slice(3)],
      [...first, said("assistant", "<|im_end|> in the text <|im_start|>"), said("user", "on")],
      [
        ...first,
        said("assistant", "<|im_end|> in the text <|im_start|>"),
        said("user", "on"),
        said("user", "<|im"),
      ],
    ];
    for (const messages of asked) {
      const body = { messages, max_tokens: 1, return_token_ids: true };
      const answer = (await (await router.post("/v1/chat/completions", body)).json()) as {
        readonly prompt_token_ids: readonly number[];
      };
      const whole = (await (
        await router.post("/tokenize", { messages, add_special_tokens: false })
      ).json()) as {
        readonly tokens: readonly number[];
      };
      expect(whole.tokens.length).toBeGreaterThan(3000);
      expect(answer.prompt_token_ids).toEqual(whole.tokens);
    }
  });
});
