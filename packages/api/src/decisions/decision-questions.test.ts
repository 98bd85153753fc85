import { describe, expect, it } from "vitest";
import { parseJson } from "../json/parse-json.ts";
import { buildQuestions, type DecisionQuestion, questionPrompt } from "./decision-questions.ts";
import { parseDecisionRequest } from "./decision-request.ts";
import { createDecisionWriter } from "./decision-writer.ts";

function questionsOf(questions: object): readonly DecisionQuestion[] {
  return buildQuestions(parseDecisionRequest(parseJson(JSON.stringify({ state: "s", questions }))));
}

const promptsOf = (questions: object): readonly string[] => questionsOf(questions).map(questionPrompt);

describe("the questions of a structured decision", () => {
  it("are written with a label for each option", () => {
    expect(
      promptsOf({
        a: { type: "choice", instructions: "Pick", criteria: { red: "warm", blue: null } },
        b: { type: "noul", instructions: { k: 1 }, criteria: { true: "rain" } },
        c: { type: "score", criteria: ["bad", 1, null] },
      }),
    ).toEqual([
      "Question: Pick\nA: red - warm\nB: blue\nAnswer with the letter of one option only.",
      "Question: {'k': 1}\nyes: rain\nno\nAnswer with yes or no only.",
      "0: bad\n1: 1\n2: None\nAnswer with the number of one level only.",
    ]);
  });

  it.each([
    [{}, "questions: needs at least one question"],
    [{ "": { type: "noul" } }, "question ids must be non-empty"],
    [{ q: { type: "maybe" } }, "unknown question type 'maybe'; supported: ['choice', 'noul', 'score']"],
    [{ q: { type: "noul", z: 1, a: 2 } }, "question 'q': unknown field(s) ['a', 'z']"],
    [{ "it's": { type: "choice" } }, `question "it's": choice criteria must map option names`],
    [{ q: { type: "noul", criteria: { x: 1 } } }, "question 'q': noul criteria must be an object"],
    [{ q: { type: "score", criteria: ["a"] } }, "question 'q': score criteria must be an ordered list"],
    [{ q: { type: "score", criteria: ["a", "a"] } }, "question 'q': duplicate option names"],
    [{ q: { type: "score", criteria: "0123456789x".split("") } }, "question 'q': at most 10 options"],
  ])("are refused as vLLM refuses %j", (questions, message) => {
    expect(() => questionsOf(questions)).toThrow(message);
  });
});

describe("the answer of a structured decision", () => {
  it("has shares among the labels, their mass, and whether a label was the likeliest token", () => {
    const questions = questionsOf({
      a: { type: "choice", criteria: { red: null, blue: null } },
      b: { type: "score", criteria: ["bad", "good"] },
      c: { type: "noul" },
    });
    const writer = createDecisionWriter({
      identity: { id: "decision-1", created: 5, model: "m", systemFingerprint: null },
      questions,
      labelIds: [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      promptTokens: [10, 20, 30],
    });
    const tell = (choice: number, entries: readonly (readonly [number, number])[]): void => {
      const top = entries.map(([tokenId, share]) => ({ tokenId, token: "", logprob: Math.log(share) }));
      const position = { ...(top[0] as (typeof top)[number]), top };
      writer.output(choice, { text: "", tokenIds: [], tokenCount: 1, logprobs: [position] }, undefined);
    };
    tell(0, [
      [9, 0.5],
      [2, 0.3],
      [1, 0.1],
    ]);
    tell(1, [
      [4, 0.6],
      [3, 0.2],
    ]);
    tell(2, [[5, 0.25]]);
    expect(writer.labels.missing()).toEqual([{ item: 2, label: 6 }]);
    writer.labels.expect(writer.labels.missing());
    tell(3, [[6, 0.25]]);
    const body: unknown = JSON.parse(
      writer.end({ promptTokens: 0, cachedTokens: undefined, kvTransferParams: undefined }),
    );
    const near = (value: number): unknown => expect.closeTo(value, 10);
    expect(body).toEqual({
      id: "decision-1",
      object: "structured_decision",
      created: 5,
      model: "m",
      answers: {
        a: {
          type: "choice",
          choice: "blue",
          probabilities: { red: near(0.25), blue: near(0.75) },
          confidence: near(0.3),
        },
        b: {
          type: "score",
          score: near(0.75),
          legend: { 0: "bad", 1: "good" },
          probabilities: { 0: near(0.25), 1: near(0.75) },
          confidence: near(0.6),
        },
        c: {
          type: "noul",
          noul: near(0.5),
          probabilities: { yes: near(0.5), no: near(0.5) },
          confidence: near(0.25),
        },
      },
      usage: { input_tokens: 60, output_tokens: 3 },
      diagnostics: {
        a: { label_mass: near(0.4), argmax_is_label: false },
        b: { label_mass: near(0.8), argmax_is_label: true },
        c: { label_mass: near(0.5), argmax_is_label: true },
      },
    });
  });
});
