import { z } from "zod";

import type { Setting } from "./describe.ts";
import { defaultText } from "./help.ts";
import { routerSettings } from "./router-config.ts";
import { createRouterSchema } from "./router-schema.ts";
import { unimplementedFlags } from "./unimplemented-flags.ts";

/** The Markdown tables of docs/configuration.md: one per section, then the flags that stop the start. */
export function routerDocs(policies: readonly string[]): string {
  const settings = routerSettings(policies);
  const titles = [...new Set(settings.map((setting) => setting.group))];
  const tables = titles.map((title) =>
    [
      `## ${title}`,
      "",
      "| flag | key in the file | environment | default | meaning |",
      "| --- | --- | --- | --- | --- |",
      ...settings.filter((setting) => setting.group === title).map(row),
    ].join("\n"),
  );
  const names = unimplementedFlags.map(({ flag }) => `\`--${flag}\``).join(", ");
  return [
    ...tables,
    `## Known but not implemented\n\nThese flags of the Rust router and of vLLM's front end stop the start and name themselves: ${names}.`,
  ].join("\n\n");
}

/** A JSON Schema of the configuration file, for editors. */
export function routerJsonSchema(policies: readonly string[]): object {
  return z.toJSONSchema(createRouterSchema(policies), {
    io: "input",
    override: ({ jsonSchema }) => {
      delete jsonSchema["setting"];
    },
  });
}

function row(setting: Setting): string {
  const flags = setting.flag === null ? [] : [setting.flag, ...setting.aliases];
  const choices = setting.kind === "choice" ? ` One of ${setting.choices.join(", ")}.` : "";
  return [
    "",
    flags.map((flag) => `\`--${flag}\``).join(", "),
    `\`${setting.path}\``,
    setting.environment.map((name) => `\`${name}\``).join(", "),
    defaultText(setting),
    setting.doc + choices,
    "",
  ]
    .map((cell) => cell.replaceAll("|", "\\|"))
    .join(" | ")
    .trim();
}
