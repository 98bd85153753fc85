import { ConfigError, type ConfigProblem } from "./config-error.ts";
import type { Setting } from "./describe.ts";
import { didYouMean, nearestName } from "./nearest-name.ts";
import { parseYaml } from "./parse-yaml.ts";

/** Values found in a configuration file, by path of the setting. */
export interface FileValues {
  readonly values: ReadonlyMap<string, { readonly value: unknown; readonly name: string }>;
  readonly problems: readonly ConfigProblem[];
}

/** Reads the text of a file; may throw. */
export type ReadFile = (path: string) => string;

/**
 * Reads a YAML or JSON file whose keys are those of the schema.
 * @throws ConfigError file_unreadable, file_invalid
 */
export function readConfigFile(path: string, readFile: ReadFile, settings: readonly Setting[]): FileValues {
  const root = parseFile(path, readFile);
  const byPath = new Map(settings.map((setting) => [setting.path, setting]));
  const sections = new Set(settings.map((setting) => setting.path.split(".").slice(0, -1).join(".")));
  const values = new Map<string, { value: unknown; name: string }>();
  const problems: ConfigProblem[] = [];

  const walk = (object: Readonly<Record<string, unknown>>, parents: readonly string[]): void => {
    for (const [key, value] of Object.entries(object)) {
      const name = [...parents, key].join(".");
      if (byPath.has(name)) {
        if (value !== null) values.set(name, { value, name: `${path}: ${name}` });
      } else if (sections.has(name) && (isMapping(value) || value === null)) {
        if (value !== null) walk(value, [...parents, key]);
      } else if (sections.has(name)) {
        const message = `${path}: ${name} must be a mapping`;
        problems.push({ code: "invalid_value", name, message });
      } else {
        const hint = didYouMean(nearestKey(name, settings));
        const message = `${path}: unknown key ${name}${hint}`;
        problems.push({ code: "unknown_key", name, message });
      }
    }
  };
  walk(root, []);
  return { values, problems };
}

/** The key a wrong one was meant to be: by path, by its last part, or by the flag of the same name. */
function nearestKey(name: string, settings: readonly Setting[]): string | undefined {
  const last = name.slice(name.lastIndexOf(".") + 1);
  const asFlag = last.replaceAll("_", "-");
  const same = settings.find((setting) => setting.flag === asFlag || setting.path.endsWith(`.${last}`));
  return (
    same?.path ??
    nearestName(
      name,
      settings.map((setting) => setting.path),
    )
  );
}

function parseFile(path: string, readFile: ReadFile): Readonly<Record<string, unknown>> {
  let text: string;
  try {
    text = readFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the configuration file ${path} cannot be read: ${reason}`;
    throw new ConfigError([{ code: "file_unreadable", name: path, message }], { cause });
  }
  let root: unknown;
  try {
    root = parseYaml(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the configuration file ${path} is not valid YAML or JSON: ${reason}`;
    throw new ConfigError([{ code: "file_invalid", name: path, message }], { cause });
  }
  if (root === null || root === undefined) return {};
  if (isMapping(root)) return root;
  const message = `the configuration file ${path} must hold a mapping of sections`;
  throw new ConfigError([{ code: "file_invalid", name: path, message }]);
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
