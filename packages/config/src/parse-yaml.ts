import { createRequire } from "node:module";
import type * as Yaml from "yaml";

const require = createRequire(import.meta.url);

/**
 * The value of a YAML (or JSON) text.
 * @throws YAMLParseError with line and column
 */
export function parseYaml(text: string): unknown {
  // Not imported: loading it takes 0.05 s of a start, and most routers have no file.
  const { parse } = require("yaml") as typeof Yaml;
  return parse(text);
}
