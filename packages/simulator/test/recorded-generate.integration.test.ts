import { status } from "@grpc/grpc-js";
import { startSimulator } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { TestClient } from "./engine-client.ts";
import { protoJson } from "./proto-json.ts";
import { generateRequest, recordedCases, type RecordedCase } from "./recorded-case.ts";
import { createWideModel } from "./wide-model.ts";

type Message = Readonly<Record<string, unknown>>;

const engine = { blockSize: 128, maxModelLen: 2048, maxNumSeqs: 16, speed: 0 };
/** The recorded model talks on where ours stops, or the other way round: only the kinds of messages are compared. */
const endsElsewhere = new Set(["stop-string", "max-tokens-unset", "structural-tag", "grammar-first-token"]);

const cases = recordedCases("Generate");

describe("recorded Generate calls", () => {
  it.each(cases.filter(({ id }) => id.startsWith("grpc-generate/")))("$id", async (recorded) => {
    using model = createWideModel();
    await using simulator = await startSimulator({ ...engine, modelPath: model.path });
    using client = new TestClient(simulator);
    expect(await answer(client, recorded)).toEqual(expectation(recorded));
  });

  it("counts cached tokens in whole blocks, as recorded", async () => {
    using model = createWideModel();
    await using simulator = await startSimulator({ ...engine, modelPath: model.path });
    using client = new TestClient(simulator);
    const [first, second] = cases.filter(({ id }) => id.startsWith("grpc-cache/"));
    expect(await answer(client, first)).toEqual(expectation(first));
    // Finds what the first left in the cache.
    expect(await answer(client, second)).toEqual(expectation(second));
  });
});

function shapeOf(recorded: RecordedCase): (messages: readonly Message[]) => unknown {
  return [...endsElsewhere].some((name) => recorded.id.includes(name)) ? looseShape : strictShape;
}

function expectation(recorded: RecordedCase | undefined): unknown {
  if (recorded === undefined) throw new Error("the case is not among the recorded ones");
  return { error: recorded.error, messages: shapeOf(recorded)(recorded.responses) };
}

async function answer(client: TestClient, recorded: RecordedCase | undefined): Promise<unknown> {
  if (recorded === undefined) return undefined;
  const { messages, error } = await client.send(generateRequest(recorded.request));
  return {
    error: error === undefined ? null : { code: status[error.code], details: error.details },
    messages: shapeOf(recorded)(messages.map(({ $case, value }) => ({ [$case]: protoJson(value) }))),
  };
}

/** Everything but the values that come from the weights. */
function strictShape(messages: readonly Message[]): unknown {
  return messages.map((message) => withoutWeights(message));
}

/** Kinds of messages and their fields, repetitions once. */
function looseShape(messages: readonly Message[]): unknown {
  const shapes = messages.map((message) =>
    Object.entries(message).map(([kind, fields]) => {
      const { finish_reason: reason } = fields as { finish_reason?: string };
      return [kind, Object.keys(fields as object).sort(), reason];
    }),
  );
  return shapes.filter((shape, index) => JSON.stringify(shape) !== JSON.stringify(shapes[index - 1]));
}

function withoutWeights(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) {
    const isOutput = ["token_ids", "output_ids", "values"].includes(name);
    return isOutput ? `${value.length} values` : value.map((item) => withoutWeights(item, name));
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .sort(([left], [right]) => (left < right ? -1 : 1))
        .map(([key, field]) => [key, withoutWeights(field, key)]),
    );
  }
  return name === "value" || name === "token_logprobs" ? typeof value : value;
}
