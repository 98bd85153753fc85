interface Decoder {
  decode(bytes: Uint8Array): string;
}
/** In Node and in browsers; declared here because a pure package sees neither's types. */
declare const TextDecoder: new (label: string, options: { fatal: boolean; ignoreBOM?: boolean }) => Decoder;

/** Decodes UTF-8 and nothing else; a byte order mark is a character like others. */
export const strictUtf8: Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
