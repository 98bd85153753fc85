import type { KvBatch, KvChange, KvMedium, KvStored } from "./kv-batch.ts";

/** A batch in one piece, to be handed to another thread without copying: transfer `words.buffer`. */
export interface PackedKvBatch {
  readonly sequence: number;
  readonly timestamp: number;
  readonly words: Int32Array<ArrayBuffer>;
  /** Texts that events refer to: LoRA names, salts, kinds of groups, extra keys as JSON. */
  readonly texts: readonly string[];
}

const KINDS = ["stored", "removed", "cleared"] as const;
const MEDIA: readonly KvMedium[] = ["device", "host", "storage"];
/** Kind, medium, group (-1 for none), hashes, parents (0 or 1), tokens, then four texts (-1 for none). */
const HEAD_WORDS = 10;
const NOTHING = new Int32Array(0);

/** Packs a batch; {@link unpackKvBatch} gives it back. */
export function packKvBatch({ sequence, timestamp, events }: KvBatch): PackedKvBatch {
  const texts: string[] = [];
  const textAt = (text: string | undefined): number => (text === undefined ? -1 : texts.push(text) - 1);
  const words = new Int32Array(events.reduce((sum, event) => sum + sizeOf(event), 0));
  let at = 0;
  const put = (part: Int32Array): void => {
    words.set(part, at);
    at += part.length;
  };
  for (const event of events) {
    const hashes = event.kind === "cleared" ? NOTHING : event.hashes;
    const stored = event.kind === "stored" ? event : undefined;
    words[at] = KINDS.indexOf(event.kind);
    words[at + 1] = event.kind === "cleared" ? 0 : MEDIA.indexOf(event.medium);
    words[at + 2] = event.kind === "cleared" ? -1 : (event.group ?? -1);
    words[at + 3] = hashes.length >> 1;
    words[at + 4] = stored?.parent === undefined ? 0 : 1;
    words[at + 5] = stored?.tokenIds.length ?? 0;
    words[at + 6] = textAt(stored?.loraName);
    words[at + 7] = textAt(stored?.cacheSalt);
    words[at + 8] = textAt(stored?.groupKind);
    words[at + 9] = textAt(stored?.extraKeys === undefined ? undefined : JSON.stringify(stored.extraKeys));
    at += HEAD_WORDS;
    put(hashes);
    put(stored?.parent ?? NOTHING);
    put(stored?.tokenIds ?? NOTHING);
  }
  return { sequence, timestamp, words, texts };
}

/** The batch again; its arrays are views of the packed one's. */
export function unpackKvBatch({ sequence, timestamp, words, texts }: PackedKvBatch): KvBatch {
  const events: KvChange[] = [];
  let at = 0;
  const take = (length: number): Int32Array => {
    at += length;
    return words.subarray(at - length, at);
  };
  while (at < words.length) {
    const head = take(HEAD_WORDS);
    const kind = KINDS[head[0]!];
    const medium = MEDIA[head[1]!] ?? "storage";
    const group = head[2]! < 0 ? undefined : head[2]!;
    const hashes = take(2 * head[3]!);
    if (kind === "stored") {
      const parent = head[4] === 0 ? undefined : take(2);
      events.push({
        kind,
        hashes,
        parent,
        tokenIds: take(head[5]!),
        medium,
        loraName: texts[head[6]!],
        cacheSalt: texts[head[7]!],
        groupKind: texts[head[8]!],
        extraKeys: extraKeysFrom(texts[head[9]!]),
        group,
      });
    } else {
      events.push(kind === "removed" ? { kind, hashes, medium, group } : { kind: "cleared" });
    }
  }
  return { sequence, timestamp, events };
}

function sizeOf(event: KvChange): number {
  switch (event.kind) {
    case "stored":
      return HEAD_WORDS + event.hashes.length + (event.parent === undefined ? 0 : 2) + event.tokenIds.length;
    case "removed":
      return HEAD_WORDS + event.hashes.length;
    case "cleared":
      return HEAD_WORDS;
  }
}

function extraKeysFrom(text: string | undefined): KvStored["extraKeys"] {
  return text === undefined ? undefined : (JSON.parse(text) as KvStored["extraKeys"]);
}
