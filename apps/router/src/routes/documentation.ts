import { openApiDocument } from "@vllm-router/api";
import type { Route, RouteHandler } from "../server/route-table.ts";
import type { RouteServices } from "./services.ts";
import { unlessHttpOnly } from "./unknown-path.ts";

const ONLINE_DOCS = page(
  '<link rel="stylesheet" href="https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/swagger-ui.css">',
  '<div id="swagger-ui"></div>\n' +
    '<script src="https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/swagger-ui-bundle.js"></script>\n' +
    '<script>SwaggerUIBundle({ url: "openapi.json", dom_id: "#swagger-ui" })</script>',
);

const ONLINE_REDOC = page(
  "",
  '<redoc spec-url="openapi.json"></redoc>\n' +
    '<script src="https://cdn.jsdelivr.net/npm/redoc@2/bundles/redoc.standalone.js"></script>',
);

/** Shows the document with nothing from outside. */
const OFFLINE_DOCS = page(
  "<style>body{font:15px/1.5 system-ui;margin:2rem auto;max-width:60rem}code{background:#eee;padding:0 .3em}</style>",
  '<h1>API</h1><div id="list">Loading openapi.json</div>\n<script>\n' +
    'const element = (tag, text) => Object.assign(document.createElement(tag), { textContent: text ?? "" });\n' +
    'fetch("openapi.json").then((answer) => answer.json()).then(({ paths, components }) => {\n' +
    '  const list = document.getElementById("list");\n  list.replaceChildren();\n' +
    "  for (const [path, verbs] of Object.entries(paths)) for (const [verb, operation] of Object.entries(verbs)) {\n" +
    '    const details = element("details");\n' +
    '    details.append(element("summary", verb.toUpperCase() + " " + path + " \\u2014 " + operation.summary));\n' +
    '    const reference = operation.requestBody?.content["application/json"].schema.$ref;\n' +
    '    const schema = components.schemas[reference?.split("/").at(-1)];\n' +
    '    if (schema !== undefined) details.append(element("pre", JSON.stringify(schema, null, 2)));\n' +
    "    list.append(details);\n  }\n});\n</script>",
);

function page(head: string, body: string): string {
  return `<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n<title>FastAPI</title>\n${head}\n</head>\n<body>\n${body}\n</body>\n</html>\n`;
}

/** `/openapi.json` of these routes, and the pages that show it. */
export function documentationRoutes(routes: readonly Route[], services: RouteServices): readonly Route[] {
  if (services.documentation === "none") {
    return [];
  }
  const served = new Set(routes.map((route) => route.path.replace(/:(\w+)/g, "{$1}")));
  const document = openApiDocument((path) => served.has(path));
  const isOffline = services.documentation === "offline";
  const own = (handler: RouteHandler): Route["methods"] => ({
    GET: unlessHttpOnly(handler, services),
    HEAD: unlessHttpOnly(handler, services),
  });
  const html = (text: string): Route["methods"] =>
    own(({ exchange }) => exchange.send(200, text, { "content-type": "text/html; charset=utf-8" }));
  return [
    { path: "/openapi.json", methods: own(({ exchange }) => exchange.sendJson(200, document)) },
    { path: "/docs", methods: html(isOffline ? OFFLINE_DOCS : ONLINE_DOCS) },
    ...(isOffline ? [] : [{ path: "/redoc", methods: html(ONLINE_REDOC) }]),
  ];
}
