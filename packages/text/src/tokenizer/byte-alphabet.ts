// The byte alphabet of GPT-2: every byte is written as one printable character, so that vocabularies are plain text.
// Printable Latin-1 bytes stand for themselves, the other 68 for the characters from U+0100 on, in order.

function buildAlphabet(): { characters: string[]; bytes: Int16Array } {
  const characters: string[] = [];
  const bytes = new Int16Array(324).fill(-1);
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    const code = printable ? byte : next++;
    characters.push(String.fromCharCode(code));
    bytes[code] = byte;
  }
  return { characters, bytes };
}

const alphabet = buildAlphabet();

/** The character of each byte, by byte value. */
export const byteCharacters: readonly string[] = alphabet.characters;

/** The byte a character (by UTF-16 code unit) stands for, or -1 when it is not in the alphabet. */
export function byteOfCharacter(codeUnit: number): number {
  return codeUnit < 324 ? (alphabet.bytes[codeUnit] as number) : -1;
}

/** The bytes a piece of the vocabulary stands for, or undefined when it has a character outside the alphabet. */
export function bytesOfPiece(piece: string): Uint8Array | undefined {
  const bytes = new Uint8Array(piece.length);
  for (let index = 0; index < piece.length; index++) {
    const byte = byteOfCharacter(piece.charCodeAt(index));
    if (byte < 0) return undefined;
    bytes[index] = byte;
  }
  return bytes;
}

const encoder = new TextEncoder();

/** A text with each of its UTF-8 bytes written as its character. */
export function toByteCharacters(text: string): string {
  let spelled = "";
  for (const byte of encoder.encode(text)) spelled += byteCharacters[byte];
  return spelled;
}
