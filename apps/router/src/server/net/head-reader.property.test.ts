import { array, assert, constantFrom, integer, property } from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { HeadReader } from "./head-reader.ts";
import { KnownHead } from "./known-head.ts";
import { parseRequestHead } from "./parse-request-head.ts";
import { BadRequestError, type RequestHead } from "./request-head.ts";

const LIMITS = { maxHeaderBytes: 4_000, maxHeaderCount: 5 };
const NAMES = ["host", "content-length", "transfer-encoding", "connection", "expect", "x", "set-cookie"];

/** Everything a head says, or the status it is refused with. */
function said(readHead: () => RequestHead): unknown {
  try {
    const head = readHead();
    const { method, target, minorVersion, lengthBytes, keepsAlive, expectsContinue, asksUpgrade } = head;
    return {
      facts: [method, target, minorVersion, lengthBytes, keepsAlive, expectsContinue, asksUpgrade],
      raw: [...head.rawHeaders],
      named: NAMES.map((name) => head.header(name)),
    };
  } catch (error) {
    if (!(error instanceof BadRequestError)) {
      throw error;
    }
    return error.status;
  }
}

/** Reads a head that others follow. */
function read(reader: HeadReader, head: string): RequestHead {
  const bytes = Buffer.from(`;${head}\r\n\r\nPOST`, "latin1");
  const known = reader.readKnown(bytes, 1);
  if (known === undefined) {
    return reader.read(head);
  }
  expect(reader.knownEnd).toBe(bytes.length - 4);
  return known;
}

/** Few enough that neighbours are often alike in all but one. */
const text = array(
  constantFrom(
    "Host: x",
    "content-length: 0",
    "Content-Length:\t12 ",
    "CONTENT-LENGTH: 12345",
    "Content-Length: 1234567890123456",
    "Content-Length: +5",
    "Content-Length: 5 5",
    "Content-Length: 5, 5",
    "Content-Length: \u00b2",
    "Content-Length:",
    "X-Content-Length: 7",
    "x: content-length: 8",
    "x: 1",
    "Connection: close",
    "Expect: 100-continue",
    "Transfer-Encoding: chunked",
    "set-cookie: a",
    "no colon",
  ),
  { minLength: 1, maxLength: 6 },
).map((lines) => ["POST /v1/a HTTP/1.1", "Host: y", ...lines.slice(1)].join("\r\n"));

function withLength(length: string, end = ""): string {
  return `POST /v1/a HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\nX: 1${end}`;
}

/** What was read anew of the heads of one connection. */
function readAnew(texts: readonly string[]): string[] {
  const reader = new HeadReader(LIMITS);
  const known = vi.spyOn(KnownHead.prototype, "read");
  const anew = texts.filter((head) => {
    known.mockClear();
    read(reader, head);
    return known.mock.results.every(({ value }) => value === undefined);
  });
  known.mockRestore();
  return anew;
}

describe("HeadReader", () => {
  it("reads of each head what it says, whatever came before", () => {
    assert(
      property(
        array(text, { minLength: 1, maxLength: 4 }),
        array(integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 12 }),
        (texts, order) => {
          const reader = new HeadReader(LIMITS);
          for (const place of order) {
            const head = texts[place % texts.length] as string;
            expect(said(() => read(reader, head))).toEqual(
              said(() => parseRequestHead(head, LIMITS.maxHeaderCount)),
            );
          }
        },
      ),
      { seed: 20261129, numRuns: 3_000 },
    );
  });

  it.each([
    "0",
    "7",
    "007",
    "123",
    "99999",
    "123456789012345",
    "1234567890123456",
    "",
    "-1",
    "1e3",
    "12\r\nX: 2",
    " 12",
    "12 ",
  ])("reads a length of %j after others", (length) => {
    const reader = new HeadReader(LIMITS);
    for (const head of ["5", "123", length, "7", "5"].map((told) => withLength(told))) {
      expect(said(() => read(reader, head))).toEqual(
        said(() => parseRequestHead(head, LIMITS.maxHeaderCount)),
      );
    }
  });

  it("takes no text for a known one that lacks a part of it", () => {
    const whole = withLength("5");
    for (let start = 0; start < whole.length; start += 1) {
      for (let end = start; end <= whole.length; end += 1) {
        const head = whole.slice(0, start) + whole.slice(end);
        const reader = new HeadReader(LIMITS);
        read(reader, whole);
        read(reader, whole);
        expect(said(() => read(reader, head))).toEqual(
          said(() => parseRequestHead(head, LIMITS.maxHeaderCount)),
        );
      }
    }
  });

  it("knows from the second request on what a client says each time", () => {
    const texts = ["5", "5", "7", "123456", "5"].map((length) => withLength(length));
    expect(readAnew(texts)).toEqual([withLength("5"), withLength("5")]);
    const get = "GET / HTTP/1.1\r\nHost: x";
    expect(readAnew([get, get, get, withLength("5"), withLength("6"), get])).toEqual([
      get,
      get,
      withLength("5"),
      get,
    ]);
  });

  it("does not tell of a head that is not complete", () => {
    const reader = new HeadReader(LIMITS);
    const whole = Buffer.from(`${withLength("12")}\r\n\r\n`, "latin1");
    read(reader, withLength("12"));
    read(reader, withLength("12"));
    for (let end = 0; end < whole.length; end += 1) {
      expect(reader.readKnown(whole.subarray(0, end), 0)).toBeUndefined();
    }
    expect(reader.readKnown(whole, 0)).toBeDefined();
  });

  it("takes no longer head than others may be", () => {
    const reader = new HeadReader({ ...LIMITS, maxHeaderBytes: withLength("12").length });
    expect(["1", "1", "12"].map((length) => read(reader, withLength(length)).lengthBytes)).toEqual([
      1, 1, 12,
    ]);
    expect(reader.readKnown(Buffer.from(`${withLength("12")}\r\n\r\n`), 0)).toBeDefined();
    expect(reader.readKnown(Buffer.from(`${withLength("123")}\r\n\r\n`), 0)).toBeUndefined();
  });

  it("keeps no head that is long, and none of a client that says something else each time", () => {
    const long = withLength("5", "x".repeat(3_000));
    expect(readAnew([long, long, long])).toEqual([long, long, long]);
    const texts = Array.from({ length: 9 }, (_, index) => withLength("5", `${index}`));
    const last = texts.at(-1) as string;
    expect(readAnew([...texts, last, last])).toEqual([...texts, last, last]);
    const other = withLength("5", "b");
    const mixed = Array.from({ length: 20 }, (_, index) =>
      index % 4 === 3 ? other : withLength(`${index}`),
    );
    expect(readAnew(mixed).length).toBeLessThan(13);
  });
});
