/** Byte of each of GPT-2's printable stand-ins, by code point. */
const byteOfCharacter = new Map<string, number>();
let next = 256;
for (let byte = 0; byte < 256; byte++) {
  const isPrintable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  byteOfCharacter.set(String.fromCodePoint(isPrintable ? byte : next++), byte);
}

/** The bytes a byte-level BPE token stands for; `undefined` when it is not written that way. */
export function byteLevelBytes(token: string): Uint8Array | undefined {
  const bytes: number[] = [];
  for (const character of token) {
    const byte = byteOfCharacter.get(character);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}
