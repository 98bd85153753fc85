import { expect, it } from "vitest";
import {
  chatTemplateSource,
  compileChatTemplate,
  normalizeMessages,
  normalizeTools,
  renderChat,
  specialTokensOf,
  type TemplateValue,
} from "../index.ts";

it("runs the example of the README", () => {
  const clock = () => ({ year: 2026, month: 3, day: 7, hour: 9, minute: 5, second: 3 });
  const tokenizerConfig = new Map<string, TemplateValue>([
    ["bos_token", "<s>"],
    [
      "chat_template",
      "{{ bos_token }}{% for tool in tools %}[{{ tool.function.name }}]{% endfor %}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}{% if brief %}(brief){% endif %}",
    ],
  ]);
  const body = {
    messages: [
      new Map<string, TemplateValue>([
        ["role", "user"],
        [
          "content",
          [
            new Map([
              ["type", "text"],
              ["text", "Hello"],
            ]),
          ],
        ],
      ]),
    ],
    tools: [
      new Map([
        ["type", "function"],
        ["function", new Map([["name", "now"]])],
      ] as [string, TemplateValue][]),
    ],
    chatTemplateKwargs: new Map<string, TemplateValue>([["brief", true]]),
  };
  const hasTools = body.tools.length > 0;

  const source = chatTemplateSource({ configTemplate: tokenizerConfig.get("chat_template") }, hasTools);
  const template = compileChatTemplate(source ?? "", { clock });

  const messages = normalizeMessages(body.messages, {
    contentFormat: template.contentFormat,
    keepsDeveloperRole: template.mentionsDeveloperRole,
  });

  const prompt = renderChat(template, {
    messages,
    tools: normalizeTools(body.tools),
    addGenerationPrompt: true,
    continueFinalMessage: false,
    kwargs: body.chatTemplateKwargs,
    specialTokens: specialTokensOf(tokenizerConfig),
  });

  expect(prompt).toBe("<s>[now]<user>Hello<assistant>(brief)");
});
