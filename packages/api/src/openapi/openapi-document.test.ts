import { describe, expect, it } from "vitest";
import { openApiDocument } from "./openapi-document.ts";

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, ObjectSchema>> };
}

interface Operation {
  readonly operationId: string;
  readonly requestBody?: unknown;
}

interface ObjectSchema {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
}

function documentOf(isServed: (path: string) => boolean): Document {
  return JSON.parse(openApiDocument(isServed)) as Document;
}

describe("openApiDocument", () => {
  it("describes the paths that are served, and only those", () => {
    const { paths, components } = documentOf((path) => path === "/v1/completions" || path === "/health");
    expect(Object.keys(paths).toSorted()).toEqual(["/health", "/v1/completions"]);
    expect(Object.keys(components.schemas).toSorted()).toEqual([
      "CompletionRequest",
      "ErrorInfo",
      "ErrorResponse",
    ]);
  });

  it("names operations as FastAPI does", () => {
    const { paths } = documentOf(() => true);
    expect(paths["/v1/chat/completions"]?.["post"]?.operationId).toBe(
      "create_chat_completion_v1_chat_completions_post",
    );
    expect(paths["/v1/responses/{response_id}/cancel"]?.["post"]).toMatchObject({
      parameters: [{ name: "response_id", in: "path", required: true }],
    });
  });

  it("makes the schemas of bodies of the tables that check them", () => {
    const { paths, components } = documentOf(() => true);
    expect(paths["/v1/chat/completions"]?.["post"]?.requestBody).toEqual({
      content: { "application/json": { schema: { $ref: "#/components/schemas/ChatCompletionRequest" } } },
      required: true,
    });
    const chat = components.schemas["ChatCompletionRequest"];
    expect(chat?.required).toEqual(["messages"]);
    expect(chat?.properties).toMatchObject({
      max_tokens: { anyOf: [{ type: "integer" }, { type: "null" }], title: "Max Tokens" },
      messages: { type: "array" },
    });
  });

  it("refers to no schema that it lacks", () => {
    const text = openApiDocument(() => true);
    const { components } = JSON.parse(text) as Document;
    const referred = [...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name ?? "");
    expect(referred.filter((name) => components.schemas[name] === undefined)).toEqual([]);
    expect(
      Object.entries(components.schemas).filter(([, { properties }]) => Object.keys(properties).length === 0),
    ).toEqual([]);
  });
});
