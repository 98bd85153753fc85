import { array, assert, boolean, integer, property, record, uint8Array } from "fast-check";
import { describe, expect, it } from "vitest";
import type { WholeChunks } from "../../engine.ts";
import { EngineError } from "../../engine-error.ts";
import type { ResponseHead } from "./response-head.ts";
import { ResponseParser } from "./response-parser.ts";

/** What an answer told, with the body in one piece. */
interface Heard {
  readonly status: number | undefined;
  readonly body: string;
  readonly isDone: boolean;
  /** Bytes behind the answer. */
  readonly restBytes: number;
}

/** What is in chunks of which each has to be whole, and written as plainly as can be. */
function contentOf({ bytes, start, end, contentBytes }: WholeChunks): Buffer {
  const framed = bytes.subarray(start, end);
  const contents: Buffer[] = [];
  for (let at = 0; at < framed.length;) {
    const line = /^[\dA-Fa-f]+(?=\r\n)/.exec(framed.toString("latin1", at))?.[0] ?? "";
    const sizeBytes = Number.parseInt(line, 16);
    const from = at + line.length + 2;
    expect(sizeBytes).toBeGreaterThan(0);
    expect(framed.toString("latin1", from + sizeBytes, from + sizeBytes + 2)).toBe("\r\n");
    contents.push(Buffer.from(framed.subarray(from, from + sizeBytes)));
    at = from + sizeBytes + 2;
  }
  const content = Buffer.concat(contents);
  expect(content).toHaveLength(contentBytes);
  return content;
}

/** Parses bytes in pieces through one buffer that is used again, as sockets do. */
function parseInPieces(
  bytes: Buffer,
  cuts: readonly number[],
  { method = "POST", takesChunks = false }: { readonly method?: string; readonly takesChunks?: boolean } = {},
): Heard & { readonly framedPieces: number } {
  let head: ResponseHead | undefined;
  const body: Buffer[] = [];
  let framedPieces = 0;
  const parser = new ResponseParser(method, {
    takesChunks,
    chunks: (chunks) => {
      framedPieces += 1;
      body.push(contentOf(chunks));
    },
    head: (told) => {
      head = told;
    },
    bytes: (from, start, end) => body.push(Buffer.from(from.subarray(start, end))),
  });
  const buffer = Buffer.alloc(256 * 1024);
  let position = 0;
  for (let turn = 0; position < bytes.length && !parser.isDone; turn++) {
    const end = Math.min(bytes.length, position + (cuts[turn % cuts.length] as number));
    buffer.fill(0xee, 0, end - position + 10);
    bytes.copy(buffer, 0, position, end);
    position += parser.push(buffer, 0, end - position);
  }
  return {
    status: head?.status,
    body: Buffer.concat(body).toString("hex"),
    isDone: parser.isDone,
    restBytes: bytes.length - position,
    framedPieces,
  };
}

function chunked(pieces: readonly Uint8Array[], extension: string): Buffer {
  return Buffer.concat([
    Buffer.from(
      "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n",
    ),
    ...pieces.flatMap((piece) =>
      piece.length === 0
        ? []
        : [
            Buffer.from(`${piece.length.toString(16).toUpperCase()}${extension}\r\n`),
            piece,
            Buffer.from("\r\n"),
          ],
    ),
    Buffer.from(`0\r\n${extension === "" ? "" : "x-trailer: 1\r\nx-other: 2\r\n"}\r\n`),
  ]);
}

describe("ResponseParser", () => {
  const OK = "HTTP/1.1 200 OK\r\n";
  const cuts = array(integer({ min: 1, max: 80 }), { minLength: 1, maxLength: 9 });
  const pieces = array(uint8Array({ maxLength: 60 }), { maxLength: 10 });

  it("hears the same body however chunks and reads are cut", () => {
    assert(
      property(
        pieces,
        cuts,
        record({ hasMore: boolean(), takesChunks: boolean() }),
        (contents, sizes, how) => {
          const bytes = chunked(contents, how.hasMore ? ";a=b" : "");
          const heard = parseInPieces(Buffer.concat([bytes, Buffer.from("xyz")]), sizes, how);
          expect(heard.status).toBe(200);
          expect(heard.isDone).toBe(true);
          expect(heard.body).toBe(Buffer.concat(contents).toString("hex"));
          // Up to one read may hold what does not belong to the answer.
          expect(heard.restBytes).toBe(3);
        },
      ),
      { numRuns: 1000, seed: 20_261_127 },
    );
  });

  it("tells chunks that came whole with their framing, in one piece a read, and takes any others apart", () => {
    const head = Buffer.from(`${OK}transfer-encoding: chunked\r\n\r\n`);
    const plain = Buffer.from("5\r\nhello\r\n01\r\n,\r\n");
    const others = Buffer.from("3;x=1\r\nyou\r\n00000000001\r\n.\r\n");
    const rest = Buffer.from("2\r\nok\r\n0\r\n\r\n");
    const bytes = Buffer.concat([head, plain, others, rest]);
    const cuts = [head.length + plain.length + others.length, rest.length];
    const heard = parseInPieces(bytes, cuts, { takesChunks: true });
    expect(heard).toMatchObject({ isDone: true, framedPieces: 2 });
    expect(Buffer.from(heard.body, "hex").toString()).toBe("hello,you.ok");
    expect(parseInPieces(bytes, cuts)).toMatchObject({ isDone: true, framedPieces: 0, body: heard.body });
    // A read that ends inside a chunk.
    const cut = parseInPieces(bytes, [head.length + plain.length - 3, 1000], { takesChunks: true });
    expect(cut).toMatchObject({ isDone: true, framedPieces: 1, body: heard.body });
  });

  it("hears a body of known length however it is cut", () => {
    assert(
      property(uint8Array({ maxLength: 300 }), cuts, (content, sizes) => {
        const head = `HTTP/1.0 200\r\ncontent-length: ${content.length}\r\nX: \t y \r\n\r\n`;
        const heard = parseInPieces(Buffer.concat([Buffer.from(head), content]), sizes);
        expect(heard).toEqual({
          framedPieces: 0,
          status: 200,
          body: Buffer.from(content).toString("hex"),
          isDone: true,
          restBytes: 0,
        });
      }),
      { numRuns: 300, seed: 20_261_128 },
    );
  });

  it("refuses corrupted bytes with an EngineError or reads on, and nothing else", () => {
    const flips = array(
      record({ at: integer({ min: 0, max: 100_000 }), to: integer({ min: 0, max: 255 }) }),
      {
        minLength: 1,
        maxLength: 3,
      },
    );
    let refused = 0;
    assert(
      property(pieces, cuts, record({ changes: flips, takesChunks: boolean() }), (contents, sizes, how) => {
        const bytes = chunked(contents, "");
        for (const { at, to } of how.changes) bytes[at % bytes.length] = to;
        try {
          parseInPieces(bytes, sizes, how);
        } catch (error) {
          refused++;
          if (!(error instanceof EngineError)) throw error;
        }
      }),
      { numRuns: 3000, seed: 20_261_129 },
    );
    expect(refused).toBeGreaterThan(500);
  });

  it.each([
    ["another protocol", "SSH-2.0-OpenSSH\r\n"],
    ["another version", "HTTP/2.0 200 OK\r\n\r\n"],
    ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"],
    ["a bare line feed", "HTTP/1.1 200 OK\nx: 1\r\n\r\n"],
    ["a header without a colon", `${OK}nonsense\r\n\r\n`],
    ["a header without a name", `${OK}: 1\r\n\r\n`],
    ["a space before the colon", `${OK}content-length : 5\r\n\r\n`],
    ["a folded header", `${OK}x: 1\r\n y: 2\r\n\r\n`],
    ["a NUL in a header", `${OK}x: a\0b\r\n\r\n`],
    ["two lengths", `${OK}content-length: 5\r\ncontent-length: 6\r\n\r\n`],
    ["a negative length", `${OK}content-length: -5\r\n\r\n`],
    ["a list of lengths", `${OK}content-length: 5, 5\r\n\r\n`],
    ["a length and chunks", `${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n`],
    ["an unknown transfer encoding", `${OK}transfer-encoding: gzip, chunked\r\n\r\n`],
    ["another protocol later", "HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n"],
    ["a chunk without a size", `${OK}transfer-encoding: chunked\r\n\r\n\r\n`],
    ["a chunk with a sign", `${OK}transfer-encoding: chunked\r\n\r\n-5\r\n`],
    ["a chunk with 0x", `${OK}transfer-encoding: chunked\r\n\r\n0x5\r\n`],
    ["a chunk that is too large", `${OK}transfer-encoding: chunked\r\n\r\nfffffffffffff\r\n`],
    ["a chunk that is longer than it says", `${OK}transfer-encoding: chunked\r\n\r\n1\r\nab\r\n`],
    ["an extension without end", `${OK}transfer-encoding: chunked\r\n\r\n1;${"a".repeat(5000)}`],
    ["trailers without end", `${OK}transfer-encoding: chunked\r\n\r\n0\r\n${"a: b\r\n".repeat(20_000)}`],
    ["a head without end", `${OK}${"a: b\r\n".repeat(20_000)}`],
    ["a head that is too large", `${OK}${"a: b\r\n".repeat(20_000)}\r\n`],
    ["interim answers without end", "HTTP/1.1 102 Processing\r\n\r\n".repeat(100)],
  ])("refuses %s", (_what, text) => {
    for (const size of [1, 7, 200_000]) {
      for (const takesChunks of [false, true]) {
        expect(() => parseInPieces(Buffer.from(text, "latin1"), [size], { takesChunks })).toThrow(
          EngineError,
        );
      }
    }
  });

  it("takes repeated equal lengths, and ignores the body of an answer to HEAD", () => {
    const twice = `${OK}content-length: 2\r\nContent-Length: 2\r\n\r\nab`;
    expect(parseInPieces(Buffer.from(twice), [100])).toMatchObject({ isDone: true, body: "6162" });
    const head = parseInPieces(Buffer.from(`${OK}content-length: 2\r\n\r\n`), [100], { method: "HEAD" });
    expect(head).toMatchObject({ isDone: true, body: "" });
  });
});
