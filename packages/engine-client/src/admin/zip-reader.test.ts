import { strToU8, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { readZip } from "./zip-reader.ts";

const LIMITS = { maxFiles: 4, maxUnpackedBytes: 1_000_000 };

function zip(files: Record<string, Uint8Array>): Buffer {
  return Buffer.from(zipSync(files));
}

describe("readZip()", () => {
  it("unpacks stored and deflated files", async () => {
    const big = strToU8("tokenizer ".repeat(5000));
    const archive = Buffer.from(
      zipSync({
        "tokenizer.json": big,
        "a.jinja": [strToU8("{{ x }}"), { level: 0 }],
        empty: new Uint8Array(),
      }),
    );
    const files = await readZip(archive, LIMITS);
    expect([...files.keys()]).toEqual(["tokenizer.json", "a.jinja", "empty"]);
    expect(Buffer.from(files.get("tokenizer.json") ?? []).equals(Buffer.from(big))).toBe(true);
    expect(Buffer.from(files.get("a.jinja") ?? []).toString()).toBe("{{ x }}");
    expect(files.get("empty")?.length).toBe(0);
  });

  it("passes over folders", async () => {
    const files = await readZip(zip({ "sub/": new Uint8Array(), "sub/x": strToU8("1") }), LIMITS);
    expect([...files.keys()]).toEqual(["sub/x"]);
  });

  it.each(["../etc/passwd", "a/../../b", "/etc/passwd", "a\\b", "c:evil", ".."])(
    "refuses the name %j",
    async (name) => {
      await expect(readZip(zip({ [name]: strToU8("x") }), LIMITS)).rejects.toThrow("unsafe name");
    },
  );

  it("refuses too many and too large files before it unpacks them", async () => {
    const many = Object.fromEntries(Array.from({ length: 5 }, (_, at) => [`f${at}`, strToU8("x")]));
    await expect(readZip(zip(many), LIMITS)).rejects.toThrow("5 files; at most 4");
    await expect(readZip(zip({ a: new Uint8Array(1_000_001) }), LIMITS)).rejects.toThrow(
      "more than 1000000 bytes",
    );
  });

  it("does not unpack more than the archive admits to", async () => {
    const bomb = zip({ a: new Uint8Array(900_000) });
    const entry = bomb.indexOf(Buffer.of(0x50, 0x4b, 1, 2));
    bomb.writeUInt32LE(10, entry + 24);
    await expect(readZip(bomb, LIMITS)).rejects.toThrow('damaged "a"');
  });

  it("makes no room for more than can be in the bytes there are", async () => {
    const boasting = zip({ a: new Uint8Array(100) });
    const entry = boasting.indexOf(Buffer.of(0x50, 0x4b, 1, 2));
    boasting.writeUInt32LE(900_000_000, entry + 24);
    const before = process.memoryUsage().arrayBuffers;
    const reading = readZip(boasting, { maxFiles: 1, maxUnpackedBytes: 1_000_000_000 });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000_000);
    await expect(reading).rejects.toThrow('damaged "a"');
  });

  it("refuses what is damaged", async () => {
    const good = zip({ a: strToU8("some text that is long enough to be deflated, deflated, deflated") });
    await expect(readZip(Buffer.from("not a zip, but long enough for one"), LIMITS)).rejects.toThrow(
      "not a zip file",
    );
    await expect(readZip(Buffer.alloc(3), LIMITS)).rejects.toThrow("not a zip file");
    const flipped = Buffer.from(good);
    flipped[40] = (flipped[40] as number) ^ 0xff;
    await expect(readZip(flipped, LIMITS)).rejects.toThrow("damaged");
    const misplaced = Buffer.from(good);
    misplaced.writeUInt32LE(0xffff_fff0, misplaced.length - 22 + 16);
    await expect(readZip(misplaced, LIMITS)).rejects.toThrow("damaged");
    const twice = zip({ aa: strToU8("x"), ab: strToU8("y") });
    twice[twice.lastIndexOf("ab") + 1] = "a".charCodeAt(0);
    await expect(readZip(twice, LIMITS)).rejects.toThrow("twice");
  });
});
