import { describe, expect, it } from "vitest";
import { readFixture } from "../__fixtures__/read-fixture.ts";
import { ApiError, errorBody } from "../api-error.ts";
import type { JsonFloat, JsonObject, JsonValue } from "../json/json-value.ts";
import { parseJson } from "../json/parse-json.ts";
import { writeJson } from "../json/write-json.ts";
import { parseRequestBody } from "../request/request-body.ts";
import { cohereEmbedBody } from "./cohere-embed-body.ts";
import { parseCohereEmbedRequest } from "./cohere-embed-request.ts";
import { parseEmbeddingRequest } from "./embedding-request.ts";
import { parseGenerativeScoringRequest } from "./generative-scoring-request.ts";
import { encodedAnswer, type EncodedAnswer, type PooledPrompt } from "./pooling-bodies.ts";
import { parsePoolingRequest } from "./pooling-request.ts";
import { parseRerankRequest, parseScoreRequest } from "./score-request.ts";
import { rerankBody, scoreBody } from "./scoring-bodies.ts";

const PARSERS: Readonly<Record<string, (body: JsonValue) => unknown>> = {
  "/v1/embeddings": parseEmbeddingRequest,
  "/v2/embed": parseCohereEmbedRequest,
  "/pooling": parsePoolingRequest,
  "/score": parseScoreRequest,
  "/v1/score": parseScoreRequest,
  "/rerank": parseRerankRequest,
  "/v1/rerank": parseRerankRequest,
  "/v2/rerank": parseRerankRequest,
  "/generative_scoring": parseGenerativeScoringRequest,
};

function parse(row: JsonObject): unknown {
  const bytes = new TextEncoder().encode(row.get("body") as string);
  const contentType = (row.get("contentType") as string | undefined) ?? "application/json";
  return PARSERS[row.get("path") as string]?.(parseRequestBody(contentType, bytes));
}

describe("recorded refusals of the pooling family", () => {
  for (const row of readFixture("pooling-refusals.jsonl")) {
    it(`answers ${row.get("id") as string}`, () => {
      let error: unknown;
      try {
        parse(row);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(ApiError);
      expect(errorBody(error as ApiError)).toBe(writeJson(row.get("answer") as JsonValue));
      expect((error as ApiError).status).toBe(row.get("status"));
    });
  }
});

const encodeBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

function floatsOf(hex: string): Float32Array {
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return new Float32Array(bytes.buffer);
}

const rows = readFixture("pooling-answers.jsonl");
const vectors = rows.find((row) => row.get("id") === "vectors")?.get("vectors") as JsonObject;

/** The prompts of a recorded request as an engine would give them back. */
function pooledOf(row: JsonObject): readonly PooledPrompt[] {
  return (row.get("inputs") as readonly [string, number][]).map(([text, promptTokens]) => ({
    values: floatsOf(vectors.get(text) as string),
    promptTokens,
  }));
}

function answerOf(row: JsonObject, recorded: JsonObject): EncodedAnswer {
  const pooled = pooledOf(row);
  const id = recorded.get("id") as string;
  if (row.get("path") === "/v2/embed") {
    const body = cohereEmbedBody(parseCohereEmbedRequest(bodyOf(row)), { id, pooled }, encodeBase64);
    return { body, contentType: "application/json", metadata: undefined };
  }
  const isPooling = row.get("path") === "/pooling";
  const wish = isPooling ? parsePoolingRequest(bodyOf(row)) : parseEmbeddingRequest(bodyOf(row));
  const created = (recorded.get("created") as number | undefined) ?? 0;
  const answer = { id, created, model: "minilm", pooled };
  return encodedAnswer(isPooling ? "pooling" : "embedding", answer, { wish, encodeBase64 });
}

function bodyOf(row: JsonObject): JsonValue {
  return parseJson(row.get("body") as string);
}

describe("recorded answers of the pooling family, rendered again from their numbers", () => {
  for (const row of rows.filter((candidate) => candidate.has("inputs") && candidate.has("text"))) {
    it(`answers ${row.get("id") as string}`, () => {
      const text = row.get("text") as string;
      expect(answerOf(row, parseJson(text) as JsonObject).body).toBe(text);
    });
  }
  for (const row of rows.filter((candidate) => candidate.has("bytes"))) {
    it(`answers ${row.get("id") as string}`, () => {
      const metadata = (row.get("metadata") ?? undefined) as string | undefined;
      const head = metadata === undefined ? new Map([["id", "x"]]) : parseJson(metadata);
      const answer = answerOf(row, head as JsonObject);
      expect(encodeBase64(answer.body as Uint8Array)).toBe(row.get("bytes"));
      expect(answer.metadata).toBe(metadata);
      expect(answer.contentType).toBe("application/octet-stream");
    });
  }
});

describe("recorded scores, rendered again from their numbers", () => {
  for (const row of rows.filter((candidate) => !candidate.has("inputs") && candidate.has("text"))) {
    it(`answers ${row.get("id") as string}`, () => {
      const text = row.get("text") as string;
      expect(scoredAgain(row, parseJson(text) as JsonObject)).toBe(text);
    });
  }

  it("keeps the best only, when asked", () => {
    const answer = { id: "score-1", model: "m", scores: [0.25, 0.5, 0.5], promptTokens: 4 };
    const best = parseJson(rerankBody(answer, ["a", "b", "c"], 2)) as JsonObject;
    const results = best.get("results") as readonly JsonObject[];
    expect(results.map((result) => result.get("index"))).toEqual([1, 2]);
  });
});

function scoredAgain(row: JsonObject, recorded: JsonObject): string {
  const usage = recorded.get("usage") as JsonObject;
  const answer = {
    id: recorded.get("id") as string,
    model: recorded.get("model") as string,
    promptTokens: usage.get("prompt_tokens") as number,
  };
  if (!recorded.has("results")) {
    const scores = scoresOf(recorded.get("data"), "score");
    return scoreBody({ ...answer, scores }, recorded.get("created") as number);
  }
  const request = parseRerankRequest(bodyOf(row));
  const scores = scoresOf(recorded.get("results"), "relevance_score");
  return rerankBody({ ...answer, scores }, request.documents as readonly string[], Number(request.topN));
}

/** Scores in the order of the documents. */
function scoresOf(list: JsonValue | undefined, member: string): readonly number[] {
  const scores: number[] = [];
  for (const item of list as readonly JsonObject[]) {
    scores[item.get("index") as number] = (item.get(member) as JsonFloat).value;
  }
  return scores;
}
