import { strip } from "../../template/python/whitespace.ts";
import { isEscaped } from "../json/partial-value.ts";
import { readPythonCalls, type PythonCall } from "./python-reader.ts";

/** Calls in Python source that was cut short, and what was added to make it whole. */
export interface CompletedCalls {
  readonly calls: readonly PythonCall[];
  readonly added: string;
}

const CLOSING: Readonly<Record<string, string>> = { "[": "]", "(": ")", "{": "}", "'": "'", '"': '"' };
const OPENING: Readonly<Record<string, string>> = { "]": "[", ")": "(", "}": "{" };

/**
 * Closes what is open in Python source that may be cut short and reads the calls in it. Undefined while the end is one that
 * cannot be told yet (in a name, before a value), and for what is no list of calls. By vLLM's rules, which count commas,
 * colons and equals signs and are wrong now and then, but decide when a client sees what.
 */
export function completePythonCalls(text: string): CompletedCalls | undefined {
  const open = openMarks(text);
  if (open === undefined) return undefined;
  const trimmed = strip(text, "right");
  if (trimmed.endsWith("=") || trimmed.endsWith(":")) return undefined;
  const top = open.at(-1);
  if (top === "{" && !hasNamed(trimmed, "{", ":")) return undefined;
  if (top === "(" && !hasNamed(trimmed, "(", "=")) return undefined;
  const body = trimmed.endsWith(",") ? trimmed.slice(0, -1) : trimmed;
  if (top === "[" && !body.endsWith("[") && !body.endsWith(")")) return undefined;
  const added = open
    .reverse()
    .map((mark) => CLOSING[mark])
    .join("");
  const read = readPythonCalls(body + added);
  // A set that this closed is a dictionary whose first key is not whole.
  if (read === undefined || (read.hasSet && added.includes("}"))) return undefined;
  return { calls: read.calls, added };
}

/** Brackets and quotes still open, undefined where they do not match. */
function openMarks(text: string): string[] | undefined {
  const open: string[] = [];
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    const top = open.at(-1);
    if (top === "'" || top === '"') {
      const end = text.indexOf(top, index);
      if (end === -1) break;
      index = end;
      if (!isEscaped(text, end)) open.pop();
    } else if (character in CLOSING) {
      open.push(character);
    } else if (character in OPENING && open.pop() !== OPENING[character]) {
      return undefined;
    }
  }
  return open;
}

/** Whether more names than values stand before the last bracket of a kind: it is open behind a name then. */
function hasNamed(text: string, bracket: string, sign: string): boolean {
  const before = text.slice(0, text.lastIndexOf(bracket));
  return before.split(sign).length > before.split(",").length;
}
