import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { startHttpWorker } from "./http-worker.ts";
import { eventually, startRouter } from "./start-router.ts";

interface FileWorker extends AsyncDisposable {
  readonly url: string;
  readonly bodies: { readonly headers: IncomingMessage["headers"]; sizeBytes: number; isWhole: boolean }[];
}

/** A worker that counts the bytes of what it is sent, as they come. */
async function startFileWorker(
  model: string,
  answer: (response: ServerResponse) => void = (response) => response.end('{"text":"hello"}'),
): Promise<FileWorker> {
  const bodies: FileWorker["bodies"] = [];
  const server = createServer((request, response) => {
    if (request.method === "GET") {
      response.setHeader("content-type", "application/json");
      const models = JSON.stringify({ data: [{ id: model }] });
      response.end(request.url === "/v1/models" ? models : '{"version":"0.32.0"}');
      return;
    }
    const body = { headers: request.headers, sizeBytes: 0, isWhole: false };
    bodies.push(body);
    request.on("data", (piece: Buffer) => (body.sizeBytes += piece.length));
    request.on("end", () => {
      body.isWhole = true;
      answer(response);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

const MIB = 1024 * 1024;

function form(model: string, sizeBytes: number): FormData {
  const data = new FormData();
  data.set("file", new Blob([new Uint8Array(sizeBytes).fill(7)]), "speech.wav");
  data.set("model", model);
  return data;
}

describe("files for HTTP workers", () => {
  it("reach the worker of the model that the form names, also among engines of other protocols", async () => {
    await using whisper = await startFileWorker("whisper");
    await using other = await startFileWorker("other");
    await using router = await startRouter([other.url, whisper.url]);
    for (const sizeBytes of [10, 200_000]) {
      const answer = await fetch(`${router.url}/v1/audio/transcriptions`, {
        method: "POST",
        body: form("whisper", sizeBytes),
      });
      expect([answer.status, await answer.json()]).toEqual([200, { text: "hello" }]);
    }
    expect(whisper.bodies.map(({ sizeBytes }) => sizeBytes > 200_000)).toEqual([false, true]);
    expect(whisper.bodies[0]?.headers["content-type"]).toMatch(/^multipart\/form-data; boundary=/);
    expect(other.bodies).toEqual([]);
    expect(router.router.inFlight()).toBe(0);
  });

  it("travel through while they are still being sent", async () => {
    await using worker = await startFileWorker("whisper");
    await using router = await startRouter([worker.url]);
    const sending = httpRequest(`${router.url}/v1/audio/translations`, {
      method: "POST",
      headers: { "content-type": "application/octet-stream", "content-length": 6 * MIB },
    });
    const answered = new Promise<number>((resolve, reject) => {
      sending.on("response", (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      sending.on("error", reject);
    });
    sending.write(Buffer.alloc(3 * MIB));
    await eventually("the worker has the first half", () => worker.bodies[0]?.sizeBytes === 3 * MIB);
    expect(worker.bodies[0]?.headers["content-length"]).toBe(String(6 * MIB));
    sending.end(Buffer.alloc(3 * MIB));
    expect(await answered).toBe(200);
    expect(worker.bodies[0]).toMatchObject({ sizeBytes: 6 * MIB, isWhole: true });
  });

  it("are cut off beyond the limit, declared or not, without blame for the worker", async () => {
    await using worker = await startFileWorker("whisper");
    await using router = await startRouter([worker.url], ["--max-payload-size", String(2 * MIB)]);
    const post = async (body: RequestInit["body"]): Promise<number> => {
      const init = { method: "POST", body, duplex: "half", headers: { "content-type": "audio/wav" } };
      return (await fetch(`${router.url}/v1/audio/transcriptions`, init as RequestInit)).status;
    };
    expect(await post(new Uint8Array(3 * MIB))).toBe(413);
    let sent = 0;
    const endless = new ReadableStream({
      pull: (controller) => {
        sent += 1;
        if (sent > 40) controller.close();
        else controller.enqueue(new Uint8Array(MIB / 8));
      },
    });
    expect(await post(endless as RequestInit["body"])).toBe(413);
    expect(worker.bodies.every(({ isWhole }) => !isWhole)).toBe(true);
    await eventually("everything is given back", () => router.router.inFlight() === 0);
    expect(await post(new Uint8Array(MIB))).toBe(200);
  });

  it("are sent again to another worker as long as they are held, and only then", async () => {
    await using busy = await startHttpWorker(["whisper"], (_request, response) => {
      response.writeHead(503).end("busy");
    });
    await using worker = await startFileWorker("whisper");
    await using router = await startRouter(
      [busy.url, worker.url],
      ["--policy", "round_robin", "--disable-circuit-breaker", "--retry-initial-backoff-ms", "1"],
    );
    const post = async (sizeBytes: number): Promise<number> => {
      const body = form("whisper", sizeBytes);
      return (await fetch(`${router.url}/v1/audio/transcriptions`, { method: "POST", body })).status;
    };
    expect([await post(1000), await post(1000)]).toEqual([200, 200]);
    const large = [await post(3 * MIB), await post(3 * MIB)];
    expect(large.toSorted((left, right) => left - right)).toEqual([200, 503]);
  });
});
