import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { dialZmq, type ZmqConnection } from "../src/kv/zmq-connection.ts";
import { ZmqMeetingPoints } from "../src/kv/zmq-meeting-points.ts";
import type { ZmqListening } from "../src/kv/zmq-kv-events.ts";
import { waitUntil } from "./wait-until.ts";

/** A batch without events, at the time 1. */
const PAYLOAD = Buffer.from([0x92, 0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0x90]);

interface Heard {
  readonly said: string[];
  readonly listening: ZmqListening;
}

async function occupiedPort(): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, server };
}

async function freePort(): Promise<number> {
  const { port, server } = await occupiedPort();
  server.close();
  await once(server, "close");
  return port;
}

function waitFor(points: ZmqMeetingPoints, address: string, topic: string): Heard {
  const said: string[] = [];
  const listening = points.listen(
    { address, topic },
    {
      connected: () => void said.push("connected"),
      batch: ({ sequence, timestamp }) => void said.push(`${sequence} at ${timestamp}`),
      malformed: ({ code }) => void said.push(`malformed ${code}`),
      end: ({ code }) => void said.push(`end ${code}`),
    },
  );
  onTestFinished(() => listening.stop());
  return { said, listening };
}

/** A publisher that dials again until somebody is there, and says what it is asked to say. */
async function publisher(port: number): Promise<ZmqConnection & { readonly asked: string[] }> {
  const asked: string[] = [];
  for (;;) {
    const connection = await new Promise<ZmqConnection | undefined>((resolve) => {
      const dialled = dialZmq(`tcp://127.0.0.1:${port}`, "DEALER", {
        ready: () => resolve(dialled),
        message: (parts) => void asked.push(parts.map((part) => part.toString("hex")).join(" ")),
        lost: () => resolve(undefined),
      });
    });
    if (connection !== undefined) {
      onTestFinished(() => connection.close());
      return { ...connection, asked };
    }
  }
}

function batch(topic: string, sequence: number, payload = PAYLOAD): Buffer[] {
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(sequence));
  return [Buffer.from(topic), number, payload];
}

describe("meeting points of publishers that dial out", () => {
  it("ask for everything, and hand each publisher to who waits for its topic, the longest one that fits", async () => {
    const port = await freePort();
    const points = new ZmqMeetingPoints();
    const address = `tcp://127.0.0.1:${port}`;
    const one = waitFor(points, address, "kv@one");
    const other = waitFor(points, address, "kv@");
    const [first, second] = await Promise.all([publisher(port), publisher(port)]);
    await waitUntil(() => first.asked.length + second.asked.length === 2, "both are asked");
    expect([...first.asked, ...second.asked]).toEqual(["01", "01"]);
    first.send(batch("kv@one@m", 7));
    first.send(batch("kv@one@m", 8, Buffer.from([0xc1])));
    first.send(batch("elsewhere", 9));
    second.send(batch("kv@two@m", 0));
    await waitUntil(() => one.said.length === 3 && other.said.length === 2, "all is heard");
    expect(one.said).toEqual(["connected", "7 at 1", "malformed protocol"]);
    expect(other.said).toEqual(["connected", "0 at 1"]);
  });

  it("say when a publisher hangs up, and to nobody else", async () => {
    const port = await freePort();
    const points = new ZmqMeetingPoints();
    const address = `tcp://127.0.0.1:${port}`;
    const one = waitFor(points, address, "one");
    const other = waitFor(points, address, "other");
    const [first, second] = await Promise.all([publisher(port), publisher(port)]);
    first.send(batch("one", 0));
    second.send(batch("other", 0));
    await waitUntil(() => one.said.length + other.said.length === 4, "both are heard");
    first.close();
    await waitUntil(() => one.said.length === 3, "the end");
    expect(one.said.at(-1)).toBe("end unavailable");
    // It comes back, and is waited for again.
    const again = waitFor(points, address, "one");
    (await publisher(port)).send(batch("one", 5));
    second.send(batch("other", 1));
    await waitUntil(() => again.said.length === 2 && other.said.length === 3, "both are heard again");
    expect([again.said, other.said]).toEqual([
      ["connected", "5 at 1"],
      ["connected", "0 at 1", "1 at 1"],
    ]);
  });

  it("tell who waits later that the publisher is there, as long as it is", async () => {
    const port = await freePort();
    const points = new ZmqMeetingPoints();
    const address = `tcp://127.0.0.1:${port}`;
    const [beside, behind] = [waitFor(points, address, "beside"), waitFor(points, address, "behind")];
    const [late, gone] = await Promise.all([publisher(port), publisher(port)]);
    for (const topic of ["late", "beside"]) late.send(batch(topic, 0));
    for (const topic of ["gone", "behind"]) gone.send(batch(topic, 0));
    await waitUntil(() => beside.said.length + behind.said.length === 4, "both are heard");
    const guest = waitFor(points, address, "late");
    await waitUntil(() => guest.said.length === 1, "it is told");
    late.send(batch("late", 1));
    await waitUntil(() => guest.said.length === 2, "it hears");
    expect(guest.said).toEqual(["connected", "1 at 1"]);
    gone.close();
    await waitUntil(() => behind.said.at(-1) === "end unavailable", "the other one has hung up");
    const nobody = waitFor(points, address, "gone");
    late.send(batch("beside", 1));
    await waitUntil(() => beside.said.length === 3, "one more");
    expect(nobody.said).toEqual([]);
  });

  it("read nothing while they are paused", async () => {
    const port = await freePort();
    const { said, listening } = waitFor(new ZmqMeetingPoints(), `tcp://127.0.0.1:${port}`, "");
    const peer = await publisher(port);
    peer.send(batch("a", 0));
    await waitUntil(() => said.length === 2, "it is heard");
    listening.pause();
    peer.send(batch("a", 1));
    // Whoever dials now is not read either.
    const late = await Promise.race([publisher(port), waitTurns().then(() => undefined)]);
    expect([said.length, late]).toEqual([2, undefined]);
    listening.resume();
    await waitUntil(() => said.length === 3, "the rest");
    expect(said.at(-1)).toBe("1 at 1");
  });

  it("give the address back when nobody waits any more", async () => {
    const port = await freePort();
    const { listening } = waitFor(new ZmqMeetingPoints(), `tcp://127.0.0.1:${port}`, "");
    await publisher(port);
    listening.stop();
    await expect
      .poll(async () => {
        const server = createServer().listen(port, "127.0.0.1");
        const outcome = await Promise.race([
          once(server, "listening").then(() => "free"),
          once(server, "error").then(() => "taken"),
        ]);
        server.close();
        return outcome;
      })
      .toBe("free");
  });

  it("tell all who wait that the address cannot be had", async () => {
    const { port } = await occupiedPort();
    const points = new ZmqMeetingPoints();
    const both = ["a", "b"].map((topic) => waitFor(points, `tcp://127.0.0.1:${port}`, topic));
    await waitUntil(() => both.every(({ said }) => said.length === 1), "they are told");
    expect(both.map(({ said }) => said)).toEqual([["end unavailable"], ["end unavailable"]]);
  });

  it("refuse what is no address, and a topic that is waited for already", async () => {
    const points = new ZmqMeetingPoints();
    for (const address of ["ipc:///run/kv", "tcp://nowhere", "tcp://a:0", "tcp://a:70000"]) {
      expect(() => waitFor(points, address, "")).toThrow(/is no address to listen at/);
    }
    const address = `tcp://127.0.0.1:${await freePort()}`;
    waitFor(points, address, "a");
    expect(() => waitFor(points, address, "a")).toThrow(/give each a topic of its own/);
  });
});

async function waitTurns(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
