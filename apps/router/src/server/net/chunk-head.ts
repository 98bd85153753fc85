const KNOWN_SIZES = 2048;

/** Lines for small chunks, made once: writing a number in hexadecimal is a call into V8. */
const known: string[] = [];
for (let sizeBytes = 0; sizeBytes < KNOWN_SIZES; sizeBytes += 1) {
  known.push(`${sizeBytes.toString(16)}\r\n`);
}

/** The line before a chunk of so many bytes. */
export function chunkHead(sizeBytes: number): string {
  return sizeBytes < KNOWN_SIZES ? (known[sizeBytes] as string) : `${sizeBytes.toString(16)}\r\n`;
}
