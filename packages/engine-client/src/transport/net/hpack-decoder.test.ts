import { array, assert, property, uint8Array } from "fast-check";
import { describe, expect, it } from "vitest";
import { EngineError } from "../../engine-error.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { RequestHeaders } from "./request-headers.ts";

type Field = readonly [name: string, value: string];

function decodeWith(decoder: HpackDecoder, bytes: Buffer): Field[] {
  const fields: Field[] = [];
  decoder.decode(bytes, { start: 0, end: bytes.length }, (name, value) => fields.push([name, value]));
  return fields;
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ""), "hex");
}

describe("HpackDecoder", () => {
  // RFC 7541, Appendix C.4: requests with Huffman code on one connection.
  it("decodes the requests of the RFC", () => {
    const decoder = new HpackDecoder();
    const common: Field[] = [
      [":method", "GET"],
      [":scheme", "http"],
      [":path", "/"],
      [":authority", "www.example.com"],
    ];
    expect(decodeWith(decoder, hex("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"))).toEqual(common);
    expect(decodeWith(decoder, hex("8286 84be 5886 a8eb 1064 9cbf"))).toEqual([
      ...common,
      ["cache-control", "no-cache"],
    ]);
    expect(decodeWith(decoder, hex("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"))).toEqual([
      [":method", "GET"],
      [":scheme", "https"],
      [":path", "/index.html"],
      [":authority", "www.example.com"],
      ["custom-key", "custom-value"],
    ]);
  });

  // RFC 7541, Appendix C.6: answers with Huffman code and a table of 256 bytes, so that entries are evicted.
  it("decodes the answers of the RFC, which evict entries", () => {
    const decoder = new HpackDecoder();
    decodeWith(decoder, hex("3fe1 01"));
    const first = hex(
      `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7
       8f0b 97c8 e9ae 82ae 43d3`,
    );
    expect(decodeWith(decoder, first)).toEqual([
      [":status", "302"],
      ["cache-control", "private"],
      ["date", "Mon, 21 Oct 2013 20:13:21 GMT"],
      ["location", "https://www.example.com"],
    ]);
    expect(decodeWith(decoder, hex("4883 640e ffc1 c0bf"))).toEqual([
      [":status", "307"],
      ["cache-control", "private"],
      ["date", "Mon, 21 Oct 2013 20:13:21 GMT"],
      ["location", "https://www.example.com"],
    ]);
    const third = hex(
      `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335
       dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
    );
    expect(decodeWith(decoder, third)).toEqual([
      [":status", "200"],
      ["cache-control", "private"],
      ["date", "Mon, 21 Oct 2013 20:13:22 GMT"],
      ["location", "https://www.example.com"],
      ["content-encoding", "gzip"],
      ["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"],
    ]);
  });

  it.each([
    ["an index that does not exist", "80"],
    ["an index beyond the table", "bf"],
    ["an integer that is cut short", "ff"],
    ["an integer without an end", "ffffffffffffffff"],
    ["a text that is cut short", "400a63"],
    ["a text without its length", "40"],
    ["a table that is too large", "3fe2 1f"],
    ["a change of the table in the middle", "8220"],
    ["Huffman code with the end-of-string symbol", "4084ffffffff0161"],
    ["Huffman code with too much padding", "4082 1fff 0161"],
    ["Huffman code with padding of zeroes", "4081 18 0161"],
  ])("refuses %s", (_what, text) => {
    expect(() => decodeWith(new HpackDecoder(), hex(text))).toThrow(EngineError);
  });

  it("bounds the headers of a block", () => {
    const block = Buffer.concat([hex("4001 61 7f81 1f"), Buffer.alloc(4096, "x"), Buffer.alloc(100, 0xbe)]);
    expect(() => decodeWith(new HpackDecoder(), block)).toThrow(EngineError);
  });

  it("never does anything but decode or refuse", () => {
    expect.assertions(0);
    assert(
      property(array(uint8Array({ maxLength: 60 }), { maxLength: 5 }), (blocks) => {
        const decoder = new HpackDecoder();
        try {
          for (const block of blocks) decodeWith(decoder, Buffer.from(block));
        } catch (error) {
          if (!(error instanceof EngineError)) throw error;
        }
      }),
      { numRuns: 2000, seed: 20_261_127 },
    );
  });
});

describe("RequestHeaders", () => {
  const request = { path: "/package.Service/Method", frame: Buffer.alloc(5), deadlineAtMs: undefined };

  it("encodes what an engine decodes", () => {
    const headers = new RequestHeaders({ address: "host:50051", secure: false });
    const metadata = { traceparent: "00-1", "x-long": "v".repeat(300), "x-latin": "caf\u00e9" };
    const block = headers.encode({ ...request, metadata }, 1500.2);
    expect(decodeWith(new HpackDecoder(), block)).toEqual([
      [":method", "POST"],
      [":scheme", "http"],
      [":path", "/package.Service/Method"],
      [":authority", "host:50051"],
      ["te", "trailers"],
      ["content-type", "application/grpc"],
      ["user-agent", "vllm-router"],
      ["grpc-timeout", "1501m"],
      ["traceparent", "00-1"],
      ["x-long", "v".repeat(300)],
      ["x-latin", "caf\u00e9"],
    ]);
    expect(headers.encode({ ...request, metadata: undefined }, undefined)).toBe(
      headers.encode({ ...request, metadata: undefined }, undefined),
    );
  });

  it.each([
    ["a line break", { "x-a": "1\r\nx-b: 2" }],
    ["a letter beyond latin1", { "x-a": "\u20ac" }],
    ["an upper-case name", { "X-A": "1" }],
    ["a pseudo header", { ":path": "/other" }],
    ["no name", { "": "1" }],
  ])("refuses metadata with %s", (_what, metadata) => {
    const headers = new RequestHeaders({ address: "host:50051", secure: true });
    expect(() => headers.encode({ ...request, metadata }, undefined)).toThrow(EngineError);
  });
});
