import { describe, expect, it } from "vitest";
import { readAnnouncement } from "./announcement.ts";

/** What Python's msgpack writes of vLLM's heartbeat. */
const REAL =
  "86a474797065a150ac687474705f61646472657373ad31302e302e302e373a38303030ab7a6d715f61646472657373d9" +
  "29686f73743a31302e302e302e372c68616e647368616b653a363330312c6e6f746966793a3631303035a764705f7369" +
  "7a6502a774705f73697a6508ad7472616e736665725f6d6f6465a55752495445";

/** A map of short texts and numbers below 128. */
function pack(fields: Readonly<Record<string, string | number | null>>): Buffer {
  const text = (value: string): Buffer => Buffer.from([0xd9, value.length, ...Buffer.from(value, "latin1")]);
  const entries = Object.entries(fields);
  const pieces = entries.flatMap(([name, value]) => {
    const packed = typeof value === "string" ? text(value) : Buffer.from([value ?? 0xc0]);
    return [text(name), packed];
  });
  return Buffer.concat([Buffer.from([0xde, 0, entries.length]), ...pieces]);
}

const GOOD = { type: "D", http_address: "h:80", zmq_address: "h:81" };

describe("readAnnouncement()", () => {
  it("reads what vLLM's MoRI-IO connector sends", () => {
    expect(readAnnouncement(Buffer.from(REAL, "hex"))).toEqual({
      url: "http://10.0.0.7:8000",
      role: "prefill",
      moriio: { host: "10.0.0.7", handshakePort: 6301, notifyPort: 61_005, dataRanks: 2, tensorRanks: 8 },
      mode: "write",
    });
  });

  it("reads what other connectors send, and passes over fields it does not know", () => {
    expect(readAnnouncement(pack({ ...GOOD, more: null, any: 5 }))).toEqual({
      url: "http://h:80",
      role: "decode",
      moriio: undefined,
      mode: undefined,
    });
  });

  it.each([
    ["::1:8000", "http://[::1]:8000"],
    ["[fe80::1]:8000", "http://[fe80::1]:8000"],
    ["engine-1.ns.svc:8000", "http://engine-1.ns.svc:8000"],
  ])("makes an address of %s", (address, url) => {
    expect(readAnnouncement(pack({ ...GOOD, http_address: address }))).toMatchObject({ url });
  });

  it.each([
    ["no msgpack", Buffer.from("hello")],
    ["nothing", Buffer.alloc(0)],
    ["a list", Buffer.from([0x93, 1, 2, 3])],
    ["a map that ends too early", Buffer.from(REAL, "hex").subarray(0, 60)],
    ["a map of more than is there", Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff])],
    ["a map of many fields", pack(Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`f${at}`, 1])))],
    ["a name that is no text", Buffer.from([0x81, 1, 2])],
    ["no type", pack({ http_address: "h:80" })],
    ["another type", pack({ ...GOOD, type: "X" })],
    ["a type that is no text", pack({ ...GOOD, type: 1 })],
    ["no address", pack({ type: "P" })],
    ["an address with a path", pack({ ...GOOD, http_address: "h:80/x" })],
    ["an address with a scheme", pack({ ...GOOD, http_address: "http://h:80" })],
    ["an address with a user", pack({ ...GOOD, http_address: "u@h:80" })],
    ["an address without a port", pack({ ...GOOD, http_address: "h" })],
    ["port 0", pack({ ...GOOD, http_address: "h:0" })],
    ["another mode", pack({ ...GOOD, transfer_mode: "PUSH" })],
    ["no ranks", pack({ ...GOOD, dp_size: 0 })],
  ])("says what is wrong with %s", (_what, message) => {
    expect(readAnnouncement(message)).toEqual(expect.any(String));
  });

  it("quotes no more of a message than fits a line", () => {
    const reason = readAnnouncement(pack({ ...GOOD, type: "\n".repeat(200) }));
    expect(reason).toEqual(expect.stringMatching(/^.{1,200}$/));
  });
});
