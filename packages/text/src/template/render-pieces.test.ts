import { array, assert, constantFrom, nat, property, record, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { compileChatTemplate, type ChatTemplate } from "./chat-template.ts";
import { renderChatPieces, type ChatRenderRequest } from "./render-chat.ts";
import {
  FIXED_CLOCK as clock,
  json,
  loadFixture,
  renderBody,
  template,
  type BodyRendering,
  type JsonObject,
} from "./template-fixtures.cases.ts";
import type { TemplateValue } from "./template-value.ts";

const fixture = loadFixture("conversations.json") as {
  readonly specialTokens: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly descriptions: readonly (readonly [name: string, ...rest: unknown[]])[];
  readonly requests: readonly string[];
};

const joined: BodyRendering["render"] = (chatTemplate, request) => {
  const pieces = renderChatPieces(chatTemplate, request);
  expect(pieces).not.toContain("");
  return pieces.join("");
};

describe("prompts in pieces", () => {
  for (const [name] of fixture.descriptions) {
    it(`are the prompts of ${name} when joined, refusals included`, () => {
      const specialTokens = new Map(Object.entries(fixture.specialTokens[name] ?? {}));
      const bodies = fixture.requests.map((request) => json(request) as JsonObject);
      expect(bodies.map((body) => renderBody(name, body, { specialTokens, render: joined }))).toEqual(
        bodies.map((body) => renderBody(name, body, { specialTokens })),
      );
    });
  }
});

const LONG = "a long text. ".repeat(30);

/** Pieces of a template that is given `l`, a list of four numbers, `t`, a tree, and `s`, a long text. */
const PIECES: Readonly<Record<string, readonly [source: string, ...pieces: string[]]>> = {
  "the text around a loop": ["a{% for x in l %}{{ x }}{% endfor %}z", "a1", "2", "3", "4", "z"],
  "no loop": ["a{{ l }}", "a[1, 2, 3, 4]"],
  nothing: ["{% for x in l %}{% endfor %}"],
  "items without text": ["{% for x in l %}{% if x % 2 %}{{ x }}{% endif %}{% endfor %}", "1", "3"],
  "the loop variable": [
    "{% for x in l %}{{ loop.index }}/{{ loop.length }};{% endfor %}",
    "1/4;",
    "2/4;",
    "3/4;",
    "4/4;",
  ],
  "two loops": [
    "{% for x in l[:2] %}{{ x }}{% endfor %}-{% for x in l[2:] %}{{ x }}{% endfor %}",
    "1",
    "2",
    "-3",
    "4",
  ],
  "a loop in a loop": [
    "{% for x in l[:2] %}{% for y in l %}{{ y }}{% endfor %}|{% endfor %}.",
    "1234|",
    "1234|",
    ".",
  ],
  "a selection": ["{% for x in l if x > 2 %}{{ x }}{% else %}none{% endfor %}", "3", "4"],
  break: ["{% for x in l %}{{ x }}{% if x == 2 %}!{% break %}{% endif %},{% endfor %}.", "1,", "2!", "."],
  continue: [
    "{% for x in l %}{{ x }}{% if x == 2 %}{% continue %}{% endif %},{% endfor %}",
    "1,",
    "2",
    "3,",
    "4,",
  ],
  else: [
    "a{% for x in [] %}{{ x }}{% else %}{% for x in l %}{{ x }}{% endfor %}{% endfor %}",
    "a1",
    "2",
    "3",
    "4",
  ],
  "a loop in an if, a with and a block": [
    "{% if l %}{% with k = l %}{% block b %}{% for x in l %}{{ x }}{% endfor %}{% endblock %}{% endwith %}{% endif %}",
    "1",
    "2",
    "3",
    "4",
  ],
  "a set block": [
    "{% for x in l[:2] %}{{ x }}{% endfor %}a{% set s %}{% for x in l %}{{ x }}{% endfor %}{% endset %}b{{ s }}",
    "1",
    "2",
    "ab1234",
  ],
  "a set block in a loop": [
    "{% for y in l[:2] %}{{ y }}{% set s %}{% for x in l %}{{ x }}{% endfor %}{% endset %}<{{ s }}>{% endfor %}",
    "1<1234>",
    "2<1234>",
  ],
  "a set block that is filtered": [
    "{% for x in l[:1] %}{{ x }}{% endfor %}{% set s | replace('2', 'two') %}{% for x in l %}{{ x }}{% endfor %}{% endset %}{{ s }}",
    "1",
    "1two34",
  ],
  "a loop inside an if inside a set block": [
    "{% set s %}{% if l %}{% with k = l %}{% for x in k %}{{ x }}{% endfor %}{% endwith %}{% endif %}{% endset %}{{ s }}!",
    "1234!",
  ],
  "a filter block": [
    "{% for x in l[:2] %}{{ x }}{% endfor %}a{% filter upper %}{% for x in l %}x{{ x }}{% endfor %}{% endfilter %}b",
    "1",
    "2",
    "aX1X2X3X4b",
  ],
  "a filter block left by a break": [
    "{% for y in l %}{{ y }}{% filter upper %}{% for x in l %}x{% endfor %}{% if y == 2 %}{% break %}{% endif %}{% endfilter %}{% endfor %}.",
    "1XXXX",
    "2",
    ".",
  ],
  "a set block left by a continue": [
    "{% for y in l %}{{ y }}{% set s %}{% for x in l %}x{% endfor %}{% if y == 2 %}{% continue %}{% endif %}{% endset %}{{ s }}{% endfor %}",
    "1xxxx",
    "2",
    "3xxxx",
    "4xxxx",
  ],
  "a loop in the else of a loop in a set block": [
    "{% set s %}{% for x in [] %}{% else %}{% for x in l %}{{ x }}{% endfor %}{% endfor %}{% endset %}[{{ s }}]",
    "[1234]",
  ],
  "a macro": [
    "{% macro m(k) %}({% for x in k %}{{ x }}{% endfor %}){% endmacro %}{% for y in l[:2] %}{{ m(l) }}{{ y }}{% endfor %}{{ m(l) }}",
    "(1234)1",
    "(1234)2",
    "(1234)",
  ],
  "a macro called in a set block": [
    "{% macro m(k) %}{% for x in k %}{{ x }}{% endfor %}{% endmacro %}a{% set s %}{{ m(l) }}{% endset %}b{{ s }}",
    "ab1234",
  ],
  "a call block": [
    "{% macro m() %}<{{ caller() }}>{% endmacro %}a{% call m() %}{% for x in l %}{{ x }}{% endfor %}{% endcall %}b",
    "a<1234>b",
  ],
  "a generation block": [
    "{% for y in l[:2] %}{% generation %}{% for x in l %}{{ x }}{% endfor %}{% endgeneration %}{{ y }}{% endfor %}",
    "12341",
    "12342",
  ],
  "a recursive loop": [
    "a{% for n in t recursive %}{{ n.v }}{% if n.c %}({{ loop(n.c) }}){% endif %}{% for x in l %}{{ x }}{% endfor %}{% else %}-{% endfor %}b",
    "a1(212343(41234)1234)1234b",
  ],
  "a long text": ["a{% for x in l[:2] %}<{{ s }}>{% endfor %}b", "a<", LONG, ">", "<", LONG, ">", "b"],
  "a long text between others": ["{{ '<' + s + '>' + 'b' }}{{ l[0] }}", "<", LONG, ">b1"],
  "long texts one after the other": ["{{ s + s + l[0]|string + '>' + s }}", LONG, LONG, "1>", LONG],
  "a long text in a loop in a loop": [
    "{% for x in l[:1] %}{% for y in l[:2] %}{{ y }}{{ s }}{% endfor %}{% endfor %}",
    "1",
    LONG,
    "2",
    LONG,
  ],
  "a long text in a set block": ["{% set k %}<{{ s + '>' }}{% endset %}a{{ k }}b", "a", `<${LONG}>`, "b"],
  "a long text in a filter block": [
    "a{% filter upper %}{{ '<' + s }}{% endfilter %}b",
    `a<${LONG.toUpperCase()}b`,
  ],
  "a long text in a macro": [
    "{% macro m() %}{{ '<' + s + '>' }}{% endmacro %}a{{ m() }}b",
    "a",
    `<${LONG}>`,
    "b",
  ],
  "a long list": ["a{{ [s] }}b", "a", `['${LONG}']`, "b"],
};

const VARIABLES = json(
  `{"l": [1, 2, 3, 4], "t": [{"v": 1, "c": [{"v": 2}, {"v": 3, "c": [{"v": 4}]}]}], "s": "${LONG}"}`,
) as JsonObject;

describe("ChatTemplate.renderPieces()", () => {
  it.each(Object.entries(PIECES))(
    "ends a piece where an item's text is in the output: %s",
    (_, [source, ...pieces]) => {
      const compiled = compileChatTemplate(source, { clock });
      expect(compiled.renderPieces(VARIABLES)).toEqual(pieces);
      expect(compiled.render(VARIABLES)).toBe(pieces.join(""));
      expect(compiled.renderPieces(VARIABLES)).toEqual(pieces);
    },
  );

  it("fails where a long text is added to what is none, as the whole does", () => {
    const compiled = compileChatTemplate("{{ 'a' + s + l }}", { clock });
    const expected = 'can only concatenate str (not "list") to str';
    expect(() => compiled.render(VARIABLES)).toThrowError(expected);
    expect(() => compiled.renderPieces(VARIABLES)).toThrowError(expected);
  });

  it("refuses what is too long for a text", () => {
    const source = "{% for x in range(1000) %}{{ x }}{{ l }}{% endfor %}";
    const compiled = compileChatTemplate(source, { clock });
    const variables = new Map([["l", "x".repeat(1 << 20)]]);
    expect(() => compiled.render(variables)).toThrowError(
      expect.objectContaining({ code: "template_failed" }),
    );
    expect(() => compiled.renderPieces(variables)).toThrowError(
      expect.objectContaining({ code: "template_failed" }),
    );
  });
});

const CHATML = compileChatTemplate(
  "{{ bos_token }}{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
  { clock },
);

/** Those of real models that print a message without looking at the ones after it, roles in turn. */
const GROWING: Readonly<Record<string, ChatTemplate>> = {
  "a template like ChatML": CHATML,
  smollm2: template("smollm2"),
  llama3_1: template("llama3_1"),
};

describe("a conversation that grows", () => {
  const message = record({
    role: constantFrom("user", "assistant"),
    content: string({ minLength: 1, maxLength: 8 }),
  });

  it.each(Object.entries(GROWING))("has the pieces it had: %s", (_, chatTemplate) => {
    const request = (messages: readonly TemplateValue[]): ChatRenderRequest => ({
      messages,
      addGenerationPrompt: true,
      continueFinalMessage: false,
      specialTokens: new Map([["bos_token", "<s>"]]),
    });
    assert(
      property(array(message, { minLength: 1, maxLength: 8 }), nat(7), (objects, fewer) => {
        const messages = [{ role: "system", content: "Be brief." }, ...objects].map(
          (object) => new Map<string, TemplateValue>(Object.entries(object)),
        );
        const pieces = renderChatPieces(chatTemplate, request(messages));
        const count = Math.max(1, messages.length - fewer);
        const before = renderChatPieces(chatTemplate, request(messages.slice(0, count)));
        expect(pieces.length).toBeGreaterThanOrEqual(messages.length);
        expect(pieces.slice(0, before.length - 1)).toEqual(before.slice(0, -1));
        expect(before.length).toBeGreaterThan(count);
      }),
      { seed: 20261128, numRuns: 100 },
    );
  });
});
