import { array, assert, boolean, integer, property, record, uint8Array } from "fast-check";
import { describe, expect, it } from "vitest";
import { BadRequestError, type RequestHead } from "./request-head.ts";
import { RequestReader } from "./request-reader.ts";

const LIMITS = { maxHeaderBytes: 64 * 1024, maxHeaderCount: 64 };

/** What a connection said, request by request; the status it is refused with at the end of it. */
interface Heard {
  readonly requests: readonly {
    readonly line: string;
    readonly headers: readonly string[];
    readonly body: string;
    readonly isWhole: boolean;
  }[];
  readonly refused: number | undefined;
}

/** Reads a connection in pieces, each in a buffer of its own, as Node's sockets give them. */
function hear(bytes: Buffer, cuts: readonly number[], limits = LIMITS): Heard {
  const requests: { line: string; headers: readonly string[]; body: Buffer[]; isWhole: boolean }[] = [];
  const reader = new RequestReader(limits, {
    head: (head: RequestHead) =>
      requests.push({
        line: `${head.method} ${head.target} 1.${head.minorVersion}`,
        headers: head.rawHeaders,
        body: [],
        isWhole: false,
      }),
    piece: (piece) => requests.at(-1)?.body.push(Buffer.from(piece)),
    end: () => {
      const last = requests.at(-1);
      if (last !== undefined) {
        last.isWhole = true;
      }
    },
  });
  let refused: number | undefined;
  try {
    let position = 0;
    for (let turn = 0; position < bytes.length; turn++) {
      const end = Math.min(bytes.length, position + (cuts[turn % cuts.length] as number));
      const piece = Buffer.from(bytes.subarray(position, end));
      let at = 0;
      while (at < piece.length) {
        at = reader.push(piece, at);
        if (reader.isDone) {
          reader.next();
        }
      }
      position = end;
    }
  } catch (error) {
    if (!(error instanceof BadRequestError)) {
      throw error;
    }
    refused = error.status;
  }
  return {
    requests: requests.map(({ body, ...rest }) => ({ ...rest, body: Buffer.concat(body).toString("hex") })),
    refused,
  };
}

function request(body: Uint8Array, isChunked: boolean, cut: number): Buffer {
  const head = `POST /v1/a?b=c HTTP/1.1\r\nHost: x\r\nX-Empty:\r\nx-two: 1 \r\nx-two:\t2\r\n`;
  if (!isChunked) {
    return Buffer.concat([Buffer.from(`${head}content-length: ${body.length}\r\n\r\n`), body]);
  }
  const pieces = [body.subarray(0, cut), body.subarray(cut)].filter((piece) => piece.length > 0);
  return Buffer.concat([
    Buffer.from(`\r\n${head}Transfer-Encoding: Chunked\r\n\r\n`),
    ...pieces.flatMap((piece) => [
      Buffer.from(`${piece.length.toString(16).toUpperCase()};a="b"\r\n`),
      piece,
      Buffer.from("\r\n"),
    ]),
    Buffer.from("0\r\nx-trailer: 1\r\n\r\n"),
  ]);
}

const texts = (...lines: readonly string[]): Buffer => Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");

describe("RequestReader", () => {
  it("hears the same however a connection is cut", () => {
    assert(
      property(
        array(
          record({
            body: uint8Array({ maxLength: 300 }),
            isChunked: boolean(),
            cut: integer({ min: 0, max: 300 }),
          }),
          {
            minLength: 1,
            maxLength: 4,
          },
        ),
        array(integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 10 }),
        (requests, cuts) => {
          const bytes = Buffer.concat(
            requests.map(({ body, isChunked, cut }) => request(body, isChunked, cut)),
          );
          const heard = hear(bytes, cuts);
          expect(heard.refused).toBeUndefined();
          expect(heard.requests).toEqual(
            requests.map(({ body, isChunked }) => ({
              line: "POST /v1/a?b=c 1.1",
              headers: [
                "Host",
                "x",
                "X-Empty",
                "",
                "x-two",
                "1",
                "x-two",
                "2",
                ...(isChunked ? ["Transfer-Encoding", "Chunked"] : ["content-length", String(body.length)]),
              ],
              body: Buffer.from(body).toString("hex"),
              isWhole: true,
            })),
          );
        },
      ),
      { seed: 20261128, numRuns: 500 },
    );
  });

  it("hears the same with every single cut, and byte by byte", () => {
    const bytes = Buffer.concat([
      request(Buffer.from("first"), true, 2),
      request(Buffer.from("second"), false, 0),
    ]);
    const whole = hear(bytes, [bytes.length]);
    expect(whole.requests.map(({ isWhole }) => isWhole)).toEqual([true, true]);
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(hear(bytes, [cut, bytes.length])).toEqual(whole);
    }
    expect(hear(bytes, [1])).toEqual(whole);
  });

  it("says of damaged requests the same however they are cut, and never anything but a refusal", () => {
    assert(
      property(
        uint8Array({ maxLength: 60 }),
        boolean(),
        array(record({ at: integer({ min: 0, max: 400 }), byte: integer({ min: 0, max: 255 }) }), {
          minLength: 1,
          maxLength: 4,
        }),
        integer({ min: 1, max: 50 }),
        (...[body, isChunked, damages, cut]) => {
          const bytes = Buffer.concat([request(body, isChunked, 7), request(body, !isChunked, 7)]);
          for (const { at, byte } of damages) {
            bytes[at % bytes.length] = byte;
          }
          const whole = hear(bytes, [bytes.length]);
          const inPieces = hear(bytes, [cut]);
          expect(inPieces.refused).toBe(whole.refused);
          // How much of a body is heard before its framing is refused may differ.
          const comparable = ({ requests }: Heard): unknown =>
            requests.map((heard) => (heard.isWhole ? heard : { ...heard, body: "" }));
          expect(comparable(inPieces)).toEqual(comparable(whole));
        },
      ),
      { seed: 20261128, numRuns: 3_000 },
    );
  });

  const refusals: readonly (readonly [string, number, Buffer])[] = [
    [
      "a length and chunks",
      400,
      texts("POST / HTTP/1.1", "host: x", "content-length: 5", "transfer-encoding: chunked"),
    ],
    ["two lengths", 400, texts("POST / HTTP/1.1", "host: x", "content-length: 5", "content-length: 6")],
    [
      "the same length twice",
      400,
      texts("POST / HTTP/1.1", "host: x", "content-length: 5", "content-length: 5"),
    ],
    ["a list of lengths", 400, texts("POST / HTTP/1.1", "host: x", "content-length: 5, 5")],
    ["a signed length", 400, texts("POST / HTTP/1.1", "host: x", "content-length: +5")],
    ["a hexadecimal length", 400, texts("POST / HTTP/1.1", "host: x", "content-length: 0x5")],
    ["an empty length", 400, texts("POST / HTTP/1.1", "host: x", "content-length:")],
    [
      "chunks twice",
      400,
      texts("POST / HTTP/1.1", "host: x", "transfer-encoding: chunked", "transfer-encoding: chunked"),
    ],
    ["an unknown coding", 400, texts("POST / HTTP/1.1", "host: x", "transfer-encoding: xchunked")],
    [
      "a coding before the chunks",
      400,
      texts("POST / HTTP/1.1", "host: x", "transfer-encoding: gzip, chunked"),
    ],
    ["chunks in HTTP/1.0", 400, texts("POST / HTTP/1.0", "transfer-encoding: chunked")],
    ["a folded header", 400, texts("GET / HTTP/1.1", "host: x", "a: b", " c: d")],
    ["a blank before a colon", 400, texts("POST / HTTP/1.1", "host: x", "content-length : 5")],
    ["a blank before a name", 400, texts("POST / HTTP/1.1", " host: x")],
    ["a header without a colon", 400, texts("GET / HTTP/1.1", "host: x", "nothing")],
    ["a header without a name", 400, texts("GET / HTTP/1.1", "host: x", ": y")],
    ["a null in a value", 400, texts("GET / HTTP/1.1", "host: x", "a: b\u0000c")],
    ["a lone CR in a value", 400, texts("GET / HTTP/1.1", "host: x", "a: b\rc: d")],
    ["a lone LF in a value", 400, texts("GET / HTTP/1.1", "host: x", "a: b\nc: d")],
    ["lines that end with LF", 400, Buffer.from("GET / HTTP/1.1\nhost: x\n\n")],
    ["no host", 400, texts("GET / HTTP/1.1", "a: b")],
    ["two hosts", 400, texts("GET / HTTP/1.1", "host: x", "host: y")],
    ["an unknown version", 400, texts("GET / HTTP/2.0", "host: x")],
    ["the version of HTTP/0.9", 400, texts("GET /", "host: x")],
    ["two blanks in the request line", 400, texts("GET  / HTTP/1.1", "host: x")],
    ["a blank in the target", 400, texts("GET /a b HTTP/1.1", "host: x")],
    ["the beginning of TLS", 400, Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01])],
    ["an expectation that is not known", 417, texts("POST / HTTP/1.1", "host: x", "expect: tea")],
    [
      "a chunk without a size",
      400,
      Buffer.concat([texts("POST / HTTP/1.1", "host: x", "transfer-encoding: chunked"), Buffer.from("\r\n")]),
    ],
    [
      "a chunk longer than it says",
      400,
      Buffer.concat([
        texts("POST / HTTP/1.1", "host: x", "transfer-encoding: chunked"),
        Buffer.from("1\r\nab\r\n"),
      ]),
    ],
    [
      "a chunk of a size that ends with LF",
      400,
      Buffer.concat([
        texts("POST / HTTP/1.1", "host: x", "transfer-encoding: chunked"),
        Buffer.from("1\na\r\n0\r\n\r\n"),
      ]),
    ],
    [
      "a chunk that is too large to count",
      413,
      Buffer.concat([
        texts("POST / HTTP/1.1", "host: x", "transfer-encoding: chunked"),
        Buffer.from("1000000000000\r\n"),
      ]),
    ],
    [
      "too much of extensions",
      413,
      Buffer.concat([
        texts("POST / HTTP/1.1", "host: x", "transfer-encoding: chunked"),
        Buffer.from(`1;${"e".repeat(20_000)}`),
      ]),
    ],
    [
      "too much of trailers",
      431,
      Buffer.concat([
        texts("POST / HTTP/1.1", "host: x", "transfer-encoding: chunked"),
        Buffer.from(`0\r\n${"t: 1\r\n".repeat(20_000)}`),
      ]),
    ],
    ["a head that is too large", 431, texts("GET / HTTP/1.1", "host: x", `a: ${"b".repeat(70_000)}`)],
    [
      "a head that is too large and has no end",
      431,
      Buffer.from(`GET / HTTP/1.1\r\na: ${"b".repeat(70_000)}`),
    ],
    [
      "too many headers",
      431,
      texts("GET / HTTP/1.1", "host: x", ...Array.from({ length: 64 }, (_, at) => `x${at}: y`)),
    ],
  ];

  it.each(refusals)("refuses %s", (_, status, bytes) => {
    expect(hear(bytes, [bytes.length]).refused).toBe(status);
    expect(hear(bytes, [1]).refused).toBe(status);
  });

  it("takes what is unusual and yet in order", () => {
    const heard = hear(
      Buffer.concat([
        texts("OPTIONS * HTTP/1.0", "connection: keep-alive"),
        texts("get /\u00e9 HTTP/1.1", "host:", "x: caf\u00e9", "!#$%&'*+-.^_`|~9: \t a b \t"),
        texts("GET http://host/path HTTP/1.1", "host: host"),
      ]),
      [9],
    );
    expect(heard.refused).toBeUndefined();
    expect(heard.requests.map(({ line }) => line)).toEqual([
      "OPTIONS * 1.0",
      "get /\u00e9 1.1",
      "GET http://host/path 1.1",
    ]);
    expect(heard.requests[1]?.headers).toEqual(["host", "", "x", "caf\u00e9", "!#$%&'*+-.^_`|~9", "a b"]);
  });
});
