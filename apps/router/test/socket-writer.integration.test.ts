import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { SocketWriter } from "../src/server/net/socket-writer.ts";

/** Two ends of a connection; closed with the test. */
interface Pair extends AsyncDisposable {
  readonly ours: Socket;
  readonly client: Socket;
}

async function connected(): Promise<Pair> {
  const server = createServer({ noDelay: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [ours] = (await once(server, "connection")) as [Socket];
  client.on("error", () => undefined);
  ours.on("error", () => undefined);
  return {
    ours,
    client,
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      ours.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Everything a client reads until the other side ends. */
async function readAll(client: Socket): Promise<string> {
  const pieces: Buffer[] = [];
  client.on("data", (piece: Buffer) => pieces.push(piece));
  client.resume();
  await once(client, "end");
  return Buffer.concat(pieces).toString();
}

/** The writer of a process that has not written anything yet. */
async function freshWriter(socket: Socket): Promise<SocketWriter> {
  vi.resetModules();
  const { SocketWriter: Fresh } = await import("../src/server/net/socket-writer.ts");
  return new Fresh(socket);
}

/** Writers that share what is gathered, and what the system was given by which of them. */
interface ManyWriters extends AsyncDisposable {
  readonly writers: readonly SocketWriter[];
  readonly events: string[];
}

async function manyWriters(count: number): Promise<ManyWriters> {
  const pairs = await Promise.all(Array.from({ length: count }, () => connected()));
  vi.resetModules();
  const { SocketWriter: Fresh } = await import("../src/server/net/socket-writer.ts");
  const writers = pairs.map(({ ours }) => new Fresh(ours));
  writers[0]?.write("learnt", "latin1");
  const events: string[] = [];
  for (const [index, { ours }] of pairs.entries()) {
    const { _handle: handle } = ours as unknown as {
      readonly _handle: { writeLatin1String(request: object, text: string): number };
    };
    const own = handle.writeLatin1String.bind(handle);
    vi.spyOn(handle, "writeLatin1String").mockImplementation((request, text) => {
      events.push(`written ${index}`);
      return own(request, text);
    });
  }
  return {
    writers,
    events,
    [Symbol.asyncDispose]: async () =>
      void (await Promise.all(pairs.map((pair) => pair[Symbol.asyncDispose]()))),
  };
}

/** `written 3`, `written 4` and so on. */
function named(word: string, from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `${word} ${from + index}`);
}

afterEach(() => vi.resetModules());

describe("SocketWriter", () => {
  it("goes past the stream with text the system takes at once, whatever its alphabet", async () => {
    await using pair = await connected();
    const writer = await freshWriter(pair.ours);
    const stream = vi.spyOn(pair.ours, "write");
    writer.write("first", "latin1");
    expect(stream).toHaveBeenCalledTimes(1);
    const texts = ["second", "\u00e9\u00ff", "\u6f22\ud83d\ude00", "last"];
    for (const text of texts) {
      expect(writer.write(text, "utf8")).toBe(true);
    }
    writer.write(Buffer.from("\u00fc").toString("latin1"), "latin1");
    expect(stream).toHaveBeenCalledTimes(1);
    writer.close();
    expect(await readAll(pair.client)).toBe(`first${texts.join("")}\u00fc`);
  });

  it.each([
    ["the system takes at once", 1],
    ["the stream holds back", 8_000_000],
  ])(
    "keeps the order of all ways of writing what %s, and tells of each write once, later",
    async (_, first) => {
      await using pair = await connected();
      const writer = await freshWriter(pair.ours);
      writer.write("learnt;", "latin1");
      const told: number[] = [];
      const pieces = [
        "a".repeat(first),
        "b".repeat(20_000),
        "c",
        "\u6f22",
        "d".repeat(70_000),
        "e",
        "\u00e9".repeat(9_000),
      ];
      for (const [index, piece] of pieces.entries()) {
        writer.write(piece, "utf8", (error) => told.push(error === undefined || error === null ? index : -1));
        writer.writeBytes(Buffer.from(`<${index}>`));
        writer.write(`[${index}]`, "latin1");
      }
      expect(told).toEqual([]);
      writer.close();
      expect(await readAll(pair.client)).toBe(
        `learnt;${pieces.map((piece, index) => `${piece}<${index}>[${index}]`).join("")}`,
      );
      expect(told).toEqual(pieces.map((_, index) => index));
    },
  );

  it("leaves to the stream what is gathered there", async () => {
    await using pair = await connected();
    const { ours } = pair;
    const writer = await freshWriter(ours);
    writer.write("learnt;", "latin1");
    const stream = vi.spyOn(ours, "write");
    writer.cork();
    writer.write("a", "latin1");
    writer.writeBytes(Buffer.from("b"));
    writer.write("c", "latin1");
    writer.uncork();
    expect(stream).toHaveBeenCalledTimes(3);
    writer.write("d", "latin1");
    writer.close();
    expect(stream).toHaveBeenCalledTimes(3);
    expect(await readAll(pair.client)).toBe("learnt;abcd");
  });

  it("writes what many sockets are given one right after the other, no later than when all is read", async () => {
    await using many = await manyWriters(70);
    const { writers, events } = many;
    for (const [index, writer] of writers.entries()) {
      events.push(`made ${index}`);
      writer.write("x", "latin1");
    }
    events.push("returned");
    await setImmediate();
    expect(events).toEqual([
      ...named("made", 0, 32),
      ...named("written", 0, 32),
      ...named("made", 32, 64),
      ...named("written", 32, 64),
      ...named("made", 64, 70),
      "returned",
      ...named("written", 64, 70),
    ]);
  });

  it.each([
    ["a long request", [5_000]],
    ["many short ones", Array.from({ length: 20 }, () => 250)],
    ["the rest of one", [Number.POSITIVE_INFINITY]],
  ])("lets no text wait for work on %s", async (_, reads) => {
    await using many = await manyWriters(3);
    const [reader, ...others] = many.writers as [SocketWriter, SocketWriter, SocketWriter];
    for (const writer of others) {
      writer.write("x", "latin1");
    }
    reader.beforeRead(250);
    expect(many.events).toEqual([]);
    for (const bytes of reads) {
      reader.beforeRead(bytes);
    }
    expect(many.events).toEqual(named("written", 1, 3));
    others[1].write("y", "latin1");
    reader.beforeRead(250);
    expect(many.events).toHaveLength(2);
  });

  it.each(["close", "destroy"] as const)("%s delivers what was written in the same go", async (way) => {
    await using pair = await connected();
    const writer = await freshWriter(pair.ours);
    writer.write("learnt;", "latin1");
    writer.write("last", "latin1");
    writer[way]();
    expect(await readAll(pair.client)).toBe("learnt;last");
  });

  it("has written everything when the socket is released to others", async () => {
    await using pair = await connected();
    const writer = await freshWriter(pair.ours);
    writer.write("learnt;", "latin1");
    writer.write("ours;", "latin1");
    writer.release();
    pair.ours.end("theirs");
    expect(await readAll(pair.client)).toBe("learnt;ours;theirs");
  });

  it("says when the socket is full, holds no more than its bound, and goes on when the client reads", async () => {
    await using pair = await connected();
    const { ours, client } = pair;
    const writer = new SocketWriter(ours);
    let told = 0;
    const piece = (index: number): string => `${index};`.padEnd(8_000, "x");
    client.pause();
    let count = 0;
    while (writer.write(piece(count), "latin1", () => (told += 1))) {
      count += 1;
      if (count > 10_000) throw new Error("it is never full");
    }
    count += 1;
    expect(ours.writableLength).toBeLessThan(ours.writableHighWaterMark + 2 * 8_000);
    const drained = once(ours, "drain");
    const received = readAll(client);
    await drained;
    writer.write(piece(count), "latin1");
    writer.close();
    const all = await received;
    expect(all).toBe(Array.from({ length: count + 1 }, (_, index) => piece(index)).join(""));
    expect(told).toBe(count);
  });

  it("goes past the stream again when the system has taken what it held", async () => {
    await using pair = await connected();
    const { ours, client } = pair;
    const writer = await freshWriter(ours);
    writer.write("learnt", "latin1");
    client.pause();
    const held = await new Promise<number>((resolve) => {
      let count = 0;
      const written = (): void => {
        client.off("data", written);
        resolve(count);
      };
      // Until one of them is held by the system: the next write then finds the stream's way.
      const stream = vi.spyOn(ours, "write");
      for (; stream.mock.calls.length === 0 && count < 5_000; count += 1) {
        writer.write("x".repeat(8_000), "latin1");
      }
      stream.mockRestore();
      writer.write("y", "latin1", written);
      client.resume();
    });
    const stream = vi.spyOn(ours, "write");
    writer.write("z", "latin1");
    expect(stream).not.toHaveBeenCalled();
    expect(held).toBeGreaterThan(1);
  });

  it("closes the socket of a client that is gone, and throws nothing", async () => {
    await using pair = await connected();
    const { ours, client } = pair;
    const writer = await freshWriter(ours);
    writer.write("learnt", "latin1");
    await once(client, "data");
    const closed = new Promise((resolve) => ours.once("close", resolve));
    client.resetAndDestroy();
    const timer = setInterval(() => writer.write("more", "latin1"), 1);
    await closed;
    clearInterval(timer);
    expect(writer.write("nobody", "latin1")).toBeTypeOf("boolean");
    expect(ours.destroyed).toBe(true);
  });

  it("drops what the system holds with the socket, and does not call it written", async () => {
    await using pair = await connected();
    const { ours, client } = pair;
    const writer = await freshWriter(ours);
    writer.write("learnt", "latin1");
    client.pause();
    const stream = vi.spyOn(ours, "write");
    const written: number[] = [];
    let count = 0;
    for (; stream.mock.calls.length === 0 && count < 5_000; count += 1) {
      const index = count;
      writer.write("x".repeat(8_000), "latin1", (error) => {
        if ((error ?? undefined) === undefined) written.push(index);
      });
    }
    ours.destroy();
    await once(ours, "close");
    expect(written).toEqual(Array.from({ length: count - 2 }, (_, index) => index));
  });

  it("leaves everything to the stream where handles are not what they are today, or there is TLS", async () => {
    await using pair = await connected();
    const { ours } = pair;
    const { _handle: handle } = ours as unknown as { readonly _handle: object };
    Object.defineProperty(handle, "writeQueueSize", { value: undefined, configurable: true });
    const writer = await freshWriter(ours);
    const stream = vi.spyOn(ours, "write");
    writer.write("a", "latin1");
    writer.write("b", "latin1");
    expect(stream).toHaveBeenCalledTimes(2);
    await using later = await connected();
    const { _handle: laterHandle } = later.ours as unknown as {
      readonly _handle: { writeLatin1String(request: null, text: string): number };
    };
    const laterStream = vi
      .spyOn(later.ours, "write")
      .mockReturnValue(true)
      .mockImplementationOnce((text) => laterHandle.writeLatin1String(null, String(text)) !== 0);
    vi.spyOn(laterHandle, "writeLatin1String").mockReturnValue(0);
    const laterWriter = await freshWriter(later.ours);
    laterWriter.write("a", "latin1");
    laterWriter.write("b", "latin1");
    expect(laterStream).toHaveBeenCalledTimes(2);
    await using secure = await connected();
    Object.defineProperty(secure.ours, "encrypted", { value: true });
    const secureStream = vi.spyOn(secure.ours, "write");
    const secured = await freshWriter(secure.ours);
    secured.write("a", "latin1");
    secured.write("b", "latin1");
    expect(secureStream).toHaveBeenCalledTimes(2);
  });
});
