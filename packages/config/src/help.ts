import type { Setting } from "./describe.ts";

/** One line of help: what the user types and what it does. */
export interface HelpEntry {
  readonly usage: string;
  readonly doc: string;
}

/** Entries under a title. */
export interface HelpGroup {
  readonly title: string;
  readonly entries: readonly HelpEntry[];
}

const FLAG_COLUMN = 34;

/** Lays groups out in two columns, wrapped to the width (columns, at least 60). */
export function renderHelp(groups: readonly HelpGroup[], width: number): string {
  const lines: string[] = [];
  for (const group of groups) {
    lines.push("", `${group.title}:`);
    for (const entry of group.entries) lines.push(...renderEntry(entry, Math.max(60, width)));
  }
  return lines.slice(1).join("\n");
}

function renderEntry(entry: HelpEntry, width: number): readonly string[] {
  const texts = wrap(entry.doc, width - FLAG_COLUMN);
  const indent = " ".repeat(FLAG_COLUMN);
  const head = `  ${entry.usage}`;
  const rest = texts.map((text) => indent + text);
  if (head.length > FLAG_COLUMN - 2)
    return [...wrap(entry.usage, width - 2).map((text) => `  ${text}`), ...rest];
  const [first = "", ...following] = texts;
  return [head.padEnd(FLAG_COLUMN) + first, ...following.map((text) => indent + text)];
}

/** Breaks text at spaces into lines of at most `width` columns; a longer word stands alone. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** Groups the settings that have flags by their section. */
export function settingGroups(settings: readonly Setting[]): readonly HelpGroup[] {
  const groups = new Map<string, HelpEntry[]>();
  for (const setting of settings) {
    if (setting.flag === null) continue;
    const entries = groups.get(setting.group) ?? [];
    entries.push({ usage: flagUsage(setting), doc: docWithDefault(setting) });
    groups.set(setting.group, entries);
  }
  return [...groups].map(([title, entries]) => ({ title, entries }));
}

function flagUsage(setting: Setting): string {
  const flag = `--${setting.flag ?? ""}`;
  switch (setting.kind) {
    case "boolean":
      return flag;
    case "list":
      return `${flag} ${setting.placeholder}...`;
    case "choice":
      return setting.choices.join("|").length <= 16
        ? `${flag} ${setting.choices.join("|")}`
        : `${flag} ${setting.placeholder}`;
    default:
      return `${flag} ${setting.placeholder}`;
  }
}

function docWithDefault(setting: Setting): string {
  const choices = setting.kind === "choice" ? ` One of ${setting.choices.join(", ")}.` : "";
  const shown = defaultText(setting);
  return `${setting.doc}${choices}${shown === "" ? "" : ` [${shown}]`}`;
}

/** The default as shown to users; "required" when there must be a value, "" when nothing needs to be said. */
export function defaultText(setting: Setting): string {
  if (setting.required) return "required";
  const value = setting.defaultValue;
  if (value === undefined || value === false) return "";
  if (Array.isArray(value)) return value.join(" ");
  if (typeof value === "object" && value !== null) {
    return Object.keys(value).length === 0 ? "" : JSON.stringify(value);
  }
  return String(value as string | number | boolean);
}
