import { readdir, readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { isHubName, readHubModelFiles, type HubOptions } from "../src/models/hub-files.ts";
import { temporaryFolder, TINY_MODEL } from "./tiny-model.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const FOLDER = "models--org--tiny";

interface Hub extends AsyncDisposable {
  readonly url: string;
  readonly requests: IncomingMessage[];
}

async function startHub(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Hub> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Serves the tiny model as the hub does. */
function serveTiny(
  headers: Readonly<Record<string, string>>,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const name = /^\/org\/tiny\/resolve\/main\/(.+)$/.exec(request.url ?? "")?.[1] ?? "";
    const content = TINY_MODEL[name];
    if (content === undefined) {
      response.writeHead(404, headers).end("Entry not found");
    } else {
      response.writeHead(200, headers).end(JSON.stringify(content));
    }
  };
}

function optionsFor(endpoint: string, cacheDirectory: string): HubOptions {
  return { endpoint, token: undefined, offline: false, cacheDirectory, timeoutMs: 5_000 };
}

describe("readHubModelFiles()", () => {
  it("downloads what the hub has, and keeps it in the layout of the Hugging Face libraries", async () => {
    await using cache = await temporaryFolder();
    await using hub = await startHub(serveTiny({ "x-repo-commit": COMMIT }));
    const files = await readHubModelFiles("org/tiny", {
      ...optionsFor(`${hub.url}/`, cache.path),
      token: "hf_secret",
    });

    expect([...files.keys()].toSorted((a, b) => a.localeCompare(b))).toEqual(
      Object.keys(TINY_MODEL).toSorted((a, b) => a.localeCompare(b)),
    );
    expect(new Set(hub.requests.map((request) => request.headers.authorization))).toEqual(
      new Set(["Bearer hf_secret"]),
    );
    expect(await readFile(`${cache.path}/${FOLDER}/refs/main`, "utf8")).toBe(COMMIT);
    expect(
      (await readdir(`${cache.path}/${FOLDER}/snapshots/${COMMIT}`)).toSorted((a, b) => a.localeCompare(b)),
    ).toEqual(Object.keys(TINY_MODEL).toSorted((a, b) => a.localeCompare(b)));

    const again = await readHubModelFiles("org/tiny", {
      ...optionsFor("http://127.0.0.1:1", cache.path),
      offline: true,
    });
    expect(again.get("tokenizer.json")).toEqual(files.get("tokenizer.json"));
  });

  it("sends no token when there is none", async () => {
    await using cache = await temporaryFolder();
    await using hub = await startHub(serveTiny({}));
    await readHubModelFiles("org/tiny", optionsFor(hub.url, cache.path));
    expect(hub.requests.every((request) => request.headers.authorization === undefined)).toBe(true);
  });

  it("takes what another program left in the cache without asking the hub", async () => {
    await using cache = await temporaryFolder();
    await cache.write({
      [`${FOLDER}/refs/main`]: `${COMMIT}\n`,
      [`${FOLDER}/snapshots/${COMMIT}/tokenizer.json`]: "{}",
    });
    const files = await readHubModelFiles("org/tiny", optionsFor("http://127.0.0.1:1", cache.path));
    expect([...files.keys()]).toEqual(["tokenizer.json"]);
  });

  it("does not follow a revision that leaves the cache", async () => {
    await using cache = await temporaryFolder();
    await cache.write({ [`${FOLDER}/refs/main`]: "../../outside", "outside/tokenizer.json": "{}" });
    await expect(
      readHubModelFiles("org/tiny", { ...optionsFor("http://127.0.0.1:1", cache.path), offline: true }),
    ).rejects.toThrow("not in the local cache");
  });

  it("does not touch a revision that is in the cache, nor write one whose commit is unknown", async () => {
    await using cache = await temporaryFolder();
    await cache.write({ [`${FOLDER}/refs/main`]: "other", [`${FOLDER}/snapshots/other/config.json`]: "{}" });
    await using hub = await startHub(serveTiny({ "x-repo-commit": COMMIT }));
    expect((await readHubModelFiles("org/tiny", optionsFor(hub.url, cache.path))).has("tokenizer.json")).toBe(
      true,
    );
    expect(await readFile(`${cache.path}/${FOLDER}/refs/main`, "utf8")).toBe("other");

    await using plain = await startHub(serveTiny({}));
    await using fresh = await temporaryFolder();
    await readHubModelFiles("org/tiny", optionsFor(plain.url, fresh.path));
    expect(await readdir(fresh.path)).toEqual([]);
  });

  it("names what is missing when it may not ask", async () => {
    await using cache = await temporaryFolder();
    await expect(
      readHubModelFiles("org/tiny", { ...optionsFor("http://127.0.0.1:1", cache.path), offline: true }),
    ).rejects.toMatchObject({
      code: "model_files",
      message: `org/tiny: its tokenizer.json is not in the local cache ${cache.path}, and the hub is switched off`,
    });
  });

  it("says that a model needs a token, does not exist, or that the hub is out of reach", async () => {
    await using cache = await temporaryFolder();
    await using gated = await startHub((_, response) => response.writeHead(403).end());
    await expect(readHubModelFiles("org/tiny", optionsFor(gated.url, cache.path))).rejects.toThrow(
      "gated: set HF_TOKEN",
    );
    await using empty = await startHub((_, response) => response.writeHead(404).end());
    await expect(readHubModelFiles("org/tiny", optionsFor(empty.url, cache.path))).rejects.toThrow(
      "has none of tokenizer.json",
    );
    await expect(readHubModelFiles("org/tiny", optionsFor("http://127.0.0.1:1", cache.path))).rejects.toThrow(
      "does not answer",
    );
  });

  it("gives up on a hub that does not answer in time", async () => {
    await using cache = await temporaryFolder();
    await using hub = await startHub(() => undefined);
    await expect(
      readHubModelFiles("org/tiny", { ...optionsFor(hub.url, cache.path), timeoutMs: 50 }),
    ).rejects.toThrow("does not answer");
  });
});

describe("isHubName()", () => {
  it("tells names from paths", () => {
    expect(["gpt2", "Qwen/Qwen3-0.6B", "org/a.b_c"].every(isHubName)).toBe(true);
    expect(["/models/x", "./x", "../x", "a/b/c", "org/..", "", "a b", "https://x"].some(isHubName)).toBe(
      false,
    );
  });
});
