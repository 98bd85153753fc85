import { describe, expect, it } from "vitest";
import { chunk, complete } from "../test/engine-messages.ts";
import { sampleRequest } from "../test/sample-request.ts";
import { startScriptedEngine } from "../test/scripted-engine.ts";
import { connectEngine, type GenerateSink, probeEngine } from "./index.ts";

describe("the README's example", () => {
  it("prints the token ids of a generation", async () => {
    await using engine = await startScriptedEngine({
      health: { check: (_call, callback) => callback(null, { status: 1 }) },
      generate: (call) => {
        call.write(chunk({ tokenIds: [9] }));
        call.write(chunk({ tokenIds: [8] }));
        call.write(complete({ tokenIds: [8] }));
        call.end();
      },
    });
    const lines: string[] = [];
    const print = (line: string): void => {
      lines.push(line);
    };
    const url = `http://${engine.address}`;
    const request = sampleRequest();

    const connection = connectEngine(await probeEngine(url));
    if (connection.dialect === "http") throw new Error("this engine takes text, not token ids");
    await new Promise<void>((resolve, reject) => {
      const sink: GenerateSink = {
        output: ({ tokenIds, tokenCount }) => {
          for (let at = 0; at < tokenCount; at++) print(`token ${tokenIds[at]}`);
        },
        finish: (index, { reason }) => print(`sequence ${index} ended: ${reason}`),
        flush: () => {},
        end: resolve,
        error: reject,
      };
      connection.engine.generate(request, sink);
    });
    await connection.close();

    expect(lines).toEqual(["token 9", "token 8", "sequence 0 ended: length"]);
  });
});
