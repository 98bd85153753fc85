import { expect } from "vitest";

/** Content of a chunked body, checked to the last byte. */
export function unchunked(body: string): string {
  const bytes = Buffer.from(body);
  let content = "";
  let position = 0;
  let size = -1;
  while (size !== 0) {
    const lineEnd = bytes.indexOf("\r\n", position);
    size = Number.parseInt(bytes.toString("latin1", position, lineEnd), 16);
    const start = lineEnd + 2;
    content += bytes.toString("utf8", start, start + size);
    expect(bytes.toString("latin1", start + size, start + size + 2)).toBe("\r\n");
    position = start + size + 2;
  }
  expect(position).toBe(bytes.length);
  return content;
}
