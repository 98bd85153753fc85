/** What stands between `<|start|>` and `<|message|>`. */
export interface HarmonyHeader {
  readonly role: string;
  /** Name of the tool that a message of a tool is from. */
  readonly name?: string;
  readonly channel: string | undefined;
  /** Whom the message goes to, such as `functions.NAME`. */
  readonly recipient: string | undefined;
  readonly contentType: string | undefined;
}

const CHANNEL = "<|channel|>";
const CONSTRAIN = "<|constrain|>";
const ROLES = new Set(["system", "developer", "user", "assistant", "tool"]);

/**
 * Reads a header, as the Harmony library does: the channel behind its mark, then a role, a recipient and a content type.
 * @param knownRole the role where it is known without being written
 * @returns undefined for a header that is none
 */
export function readHarmonyHeader(text: string, knownRole: string | undefined): HarmonyHeader | undefined {
  const split = takeChannel(text);
  if (split === undefined) return undefined;
  const parts = split.rest
    .trim()
    .replaceAll(CONSTRAIN, ` ${CONSTRAIN}`)
    .split(/[ \t\n\f\r]+/)
    .filter((part) => part !== "");
  const { role, name } = knownRole === undefined ? takeRole(parts) : { role: knownRole, name: undefined };
  if (role === undefined) return undefined;
  if (knownRole !== undefined && parts[0] === role) parts.shift();
  const last = parts.pop();
  let recipient: string | undefined;
  let contentType: string | undefined;
  if (last !== undefined) {
    if (last.startsWith("to=") || parts.length === 0) {
      recipient = withoutPrefix(last);
    } else {
      contentType = last;
      recipient = withoutPrefix(parts.pop() ?? "");
    }
  }
  const named = name === undefined ? {} : { name };
  return parts.length > 0 ? undefined : { role, ...named, channel: split.channel, recipient, contentType };
}

/** The first channel named, and the header without any. */
function takeChannel(
  text: string,
): { readonly channel: string | undefined; readonly rest: string } | undefined {
  let channel: string | undefined;
  let rest = text;
  for (let mark = rest.indexOf(CHANNEL); mark !== -1; mark = rest.indexOf(CHANNEL)) {
    const after = rest.slice(mark + CHANNEL.length);
    const end = after.search(/[\s<]/);
    const name = end === -1 ? after : after.slice(0, end);
    if (name === "" && channel === undefined) return undefined;
    channel ??= name;
    rest = rest.slice(0, mark) + after.slice(name.length);
  }
  return { channel, rest };
}

/** Takes the role from the parts; a tool's messages are named by the tool. */
function takeRole(parts: string[]): { readonly role?: string | undefined; readonly name?: string } {
  const [first] = parts;
  if (first === undefined) return {};
  if (ROLES.has(first)) return { role: parts.shift() };
  if (parts.length === 1 && !first.startsWith("to=")) return {};
  parts.shift();
  return { role: "tool", name: first };
}

function withoutPrefix(part: string): string {
  return part.startsWith("to=") ? part.slice("to=".length) : part;
}
