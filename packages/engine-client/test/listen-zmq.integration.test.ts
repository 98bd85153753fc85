import { connect, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { listenZmq, type ZmqListener, type ZmqListenerLimits } from "../src/kv/listen-zmq.ts";
import { dialZmq, type ZmqConnection } from "../src/kv/zmq-connection.ts";
import { waitUntil } from "./wait-until.ts";

const LIMITS: ZmqListenerLimits = { connections: 3, messageBytes: 1_000, idleMs: 60_000 };

interface Setting extends AsyncDisposable {
  readonly listener: ZmqListener;
  readonly heard: string[];
  readonly refused: string[];
  dial(): Promise<ZmqConnection>;
  /** A peer that speaks no ZMQ. */
  raw(): Promise<Socket>;
}

async function setUp(limits: Partial<ZmqListenerLimits> = {}): Promise<Setting> {
  const heard: string[] = [];
  const refused: string[] = [];
  const ends: (() => void)[] = [];
  const listener = await listenZmq(
    { host: "127.0.0.1", port: 0 },
    { ...LIMITS, ...limits },
    {
      message: (parts, { from }) => void heard.push(`${from} ${parts.map(String).join("|")}`),
      refused: (reason, from) => void refused.push(`${from} ${reason}`),
    },
  );
  return {
    listener,
    heard,
    refused,
    dial: () =>
      new Promise((resolve, reject) => {
        const connection = dialZmq(`tcp://127.0.0.1:${listener.port}`, "DEALER", {
          ready: () => resolve(connection),
          message: () => undefined,
          lost: reject,
        });
        ends.push(() => connection.close());
      }),
    raw: () =>
      new Promise((resolve) => {
        const socket = connect({ host: "127.0.0.1", port: listener.port }, () => resolve(socket));
        socket.on("error", () => undefined);
        ends.push(() => socket.destroy());
      }),
    [Symbol.asyncDispose]: async () => {
      ends.forEach((end) => end());
      await listener.close();
    },
  };
}

describe("a ZMQ socket that listens", () => {
  it("hears everybody who dials, whole messages in their order", async () => {
    await using setting = await setUp();
    const [one, two] = await Promise.all([setting.dial(), setting.dial()]);
    one.send([Buffer.from("a"), Buffer.from("b")]);
    one.send([Buffer.from("c")]);
    two.send([Buffer.alloc(300, "d")]);
    await waitUntil(() => setting.heard.length === 3, "three messages");
    expect(setting.heard.toSorted()).toEqual(
      ["127.0.0.1 a|b", "127.0.0.1 c", `127.0.0.1 ${"d".repeat(300)}`].toSorted(),
    );
    expect(setting.heard.indexOf("127.0.0.1 a|b")).toBeLessThan(setting.heard.indexOf("127.0.0.1 c"));
  });

  it.each([
    ["what is no ZMQ", "GET / HTTP/1.1\r\n\r\n".padEnd(64), /does not speak ZMTP/],
    ["another mechanism", `\u00ff${"\0".repeat(8)}\u007f\u0003\0CURVE${"\0".repeat(47)}`, /CURVE/],
  ])("cuts off %s, and hears the others", async (_what, bytes, reason) => {
    await using setting = await setUp();
    const socket = await setting.raw();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.resume();
    socket.write(bytes, "latin1");
    await closed;
    expect(setting.refused).toEqual([expect.stringMatching(reason)]);
    (await setting.dial()).send([Buffer.from("fine")]);
    await waitUntil(() => setting.heard.length === 1, "one message");
  });

  it("cuts off who sends too much", async () => {
    await using setting = await setUp();
    const peer = await setting.dial();
    peer.send([Buffer.alloc(600), Buffer.alloc(600)]);
    await waitUntil(() => setting.refused.length === 1, "one refusal");
    expect(setting.refused[0]).toMatch(/more than 1000 bytes/);
    expect(setting.heard).toEqual([]);
  });

  it("lets no more in than it may, and others once some have left", async () => {
    await using setting = await setUp({ connections: 1 });
    const first = await setting.dial();
    await expect(setting.dial()).rejects.toMatchObject({ code: "unavailable" });
    expect(setting.refused).toEqual([expect.stringMatching(/more than 1 connections/)]);
    first.close();
    await expect
      .poll(() =>
        setting.dial().then(
          () => "in",
          () => "out",
        ),
      )
      .toBe("in");
  });

  it("cuts off who is silent", async () => {
    await using setting = await setUp({ idleMs: 50 });
    const socket = await setting.raw();
    socket.resume();
    const hadError = await new Promise((resolve) => socket.once("close", resolve));
    expect([hadError, setting.refused]).toEqual([false, []]);
  });

  it("says so when the address is taken", async () => {
    await using setting = await setUp();
    const { port } = setting.listener;
    const again = listenZmq({ host: "127.0.0.1", port }, LIMITS, {
      message: () => undefined,
      refused: () => undefined,
    });
    await expect(again).rejects.toMatchObject({ code: "unavailable" });
  });
});
