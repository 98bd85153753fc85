import { once } from "node:events";
import { createWriteStream, existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { BODIES_FOLDER } from "./bench-paths.ts";
import { TextSource } from "./text-source.ts";

/** One message of a chat. */
interface Message {
  readonly role: string;
  readonly content: string;
}

/** A file of request bodies: how many, and the messages of each. */
interface BodyFile {
  readonly count: number;
  messages(source: TextSource, index: number): readonly Message[];
}

const SYSTEM_PROMPTS = [
  "You are a helpful assistant.",
  "You are a careful programmer. Answer with short code and say what you assume.",
  "You answer customer questions for an online shop. Be brief and polite.",
];

/** Files by name. "fresh" ones are long enough that no run repeats a text; "turns" ones repeat a chat one turn longer. */
const BODY_FILES: Readonly<Record<string, BodyFile>> = {
  short: {
    count: 64,
    messages: (_, index) => [
      { role: "user", content: `Question ${index}: what is the best season for a trip by boat?` },
    ],
  },
  varied2k: { count: 6000, messages: (source) => chat(source, 2000, 1 + source.below(3)) },
  long32k: { count: 300, messages: (source) => chat(source, 32_000, 3 + source.below(4)) },
  long128k: { count: 100, messages: (source) => chat(source, 128_000, 3 + source.below(6)) },
  fresh2k: { count: 24_000, messages: (source) => chat(source, 2000, 1 + source.below(3)) },
  fresh32k: { count: 3000, messages: (source) => chat(source, 32_000, 3 + source.below(4)) },
  fresh128k: { count: 700, messages: (source) => chat(source, 128_000, 3 + source.below(6)) },
  turns32k: { count: 3000, messages: growingChat(32_000) },
  turns128k: { count: 700, messages: growingChat(128_000) },
};

/** Conversations that grow side by side: as many as the scenario has connections. */
const CONVERSATIONS = 8;
/** A conversation is given up after so many turns and a new one begun. */
const TURNS = 10;
/** Characters of a turn. */
const TURN_CHARACTERS = 1000;

/**
 * Writes the request bodies that are missing, as JSON lines with nothing but `messages`: the load generator adds model,
 * `max_tokens` and `stream`. Deterministic: the same texts on every machine.
 */
export async function writeBodies(): Promise<void> {
  mkdirSync(BODIES_FOLDER, { recursive: true });
  for (const [position, [name, file]] of Object.entries(BODY_FILES).entries()) {
    const path = join(BODIES_FOLDER, `${name}.jsonl`);
    if (existsSync(path)) {
      continue;
    }
    const source = new TextSource(0x2545f491 + position);
    const partial = createWriteStream(`${path}.partial`);
    for (let index = 0; index < file.count; index += 1) {
      const line = `${JSON.stringify({ messages: file.messages(source, index) })}\n`;
      if (!partial.write(line)) {
        await once(partial, "drain");
      }
    }
    partial.end();
    await finished(partial);
    renameSync(`${path}.partial`, path);
  }
}

function chat(source: TextSource, characters: number, turns: number): Message[] {
  const each = characters / (2 * turns - 1);
  const messages: Message[] = [
    { role: "system", content: SYSTEM_PROMPTS[source.below(SYSTEM_PROMPTS.length)] ?? "" },
  ];
  for (let turn = 0; turn < turns; turn += 1) {
    messages.push({ role: "user", content: source.text(each) });
    if (turn < turns - 1) {
      messages.push({ role: "assistant", content: source.text(each) });
    }
  }
  return messages;
}

/** Bodies `CONVERSATIONS` apart belong to one chat, each a turn longer than the one before. */
function growingChat(characters: number): BodyFile["messages"] {
  const conversations: Message[][] = [];
  return (source, index) => {
    const at = index % CONVERSATIONS;
    const turn = Math.floor(index / CONVERSATIONS) % TURNS;
    const known = conversations[at];
    if (turn === 0 || known === undefined) {
      const begun = chat(source, characters, 8);
      conversations[at] = begun;
      return begun;
    }
    known.push({ role: "assistant", content: source.text(TURN_CHARACTERS) });
    known.push({ role: "user", content: source.text(TURN_CHARACTERS / 4) });
    return known;
  };
}
