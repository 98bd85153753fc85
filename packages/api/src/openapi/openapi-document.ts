import { schemaOfLabel, type Schema } from "./label-schema.ts";
import { type Operation, OPERATIONS, REQUEST_FIELDS } from "./operations.ts";

const ERROR = { $ref: "#/components/schemas/ErrorResponse" };
const REFUSALS: Readonly<Record<string, string>> = {
  400: "Bad Request",
  404: "Not Found",
  500: "Internal Server Error",
};

const ERROR_SCHEMAS: Readonly<Record<string, Schema>> = {
  ErrorInfo: {
    properties: {
      message: { type: "string", title: "Message" },
      type: { type: "string", title: "Type" },
      param: { anyOf: [{ type: "string" }, { type: "null" }], title: "Param" },
      code: { type: "integer", title: "Code" },
    },
    type: "object",
    required: ["message", "type", "code"],
    title: "ErrorInfo",
  },
  ErrorResponse: {
    properties: { error: { $ref: "#/components/schemas/ErrorInfo" } },
    type: "object",
    required: ["error"],
    title: "ErrorResponse",
  },
};

/**
 * The server's OpenAPI document as JSON. Schemas of bodies are made of the very tables that check them.
 *
 * @param isServed whether a path, with its parameters in braces, is among those served
 */
export function openApiDocument(isServed: (path: string) => boolean): string {
  const paths: Record<string, Record<string, unknown>> = {};
  const schemas: Record<string, Schema> = { ...ERROR_SCHEMAS };
  for (const operation of OPERATIONS) {
    if (!isServed(operation.path)) continue;
    (paths[operation.path] ??= {})[operation.method] = describe(operation);
    const { schema } = operation;
    if (schema !== undefined) schemas[schema] ??= requestSchema(schema);
  }
  return JSON.stringify({
    openapi: "3.1.0",
    info: { title: "FastAPI", version: "0.1.0" },
    paths,
    components: { schemas },
  });
}

function describe({ path, method, handler, schema, isStreamed }: Operation): unknown {
  const content = isStreamed === true ? { "text/event-stream": {} } : {};
  const responses: Record<string, unknown> = {
    200: {
      description: "Successful Response",
      content: { "application/json": { schema: {} }, ...content },
    },
  };
  if (method === "post") {
    for (const [status, description] of Object.entries(REFUSALS)) {
      responses[status] = { description, content: { "application/json": { schema: ERROR } } };
    }
  }
  const parameter = /\{(\w+)\}/.exec(path)?.[1];
  return {
    summary: title(handler),
    operationId: `${handler}${path.replace(/\W/g, "_")}_${method}`,
    ...(parameter === undefined
      ? {}
      : {
          parameters: [
            {
              name: parameter,
              in: "path",
              required: true,
              schema: { type: "string", title: title(parameter) },
            },
          ],
        }),
    ...(schema === undefined
      ? {}
      : {
          requestBody: {
            content: { "application/json": { schema: { $ref: `#/components/schemas/${schema}` } } },
            required: true,
          },
        }),
    responses,
  };
}

function requestSchema(name: string): Schema {
  const fields = REQUEST_FIELDS[name] ?? [];
  const required = fields.filter((field) => field.isRequired).map((field) => field.name);
  return {
    properties: Object.fromEntries(
      fields.map((field) => [field.name, { ...schemaOfLabel(field.label), title: title(field.name) }]),
    ),
    type: "object",
    ...(required.length === 0 ? {} : { required }),
    title: name,
  };
}

/** `max_tokens` as people write it: `Max Tokens`. */
function title(name: string): string {
  return name
    .split("_")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(" ");
}
