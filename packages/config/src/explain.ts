import type { Setting } from "./describe.ts";
import type { Origin } from "./resolve.ts";

/**
 * One line per setting with its value and where it came from, for `check-config --explain`. Secrets are not shown.
 * @param config the resolved configuration, as nested objects
 */
export function explainConfig(
  settings: readonly Setting[],
  resolved: {
    readonly config: object;
    readonly origins: Readonly<Record<string, Origin>>;
  },
): string {
  const rows = settings.map((setting) => {
    const value = valueAt(resolved.config, setting.path);
    const origin = resolved.origins[setting.path];
    const shown = value === undefined ? "-" : setting.secret ? "(set)" : JSON.stringify(value);
    return [setting.path, shown, originText(origin)] as const;
  });
  const pathWidth = Math.max(...rows.map(([path]) => path.length));
  const valueWidth = Math.min(40, Math.max(...rows.map(([, value]) => value.length)));
  return rows
    .map(([path, value, origin]) => `${path.padEnd(pathWidth)}  ${value.padEnd(valueWidth)}  ${origin}`)
    .join("\n");
}

function originText(origin: Origin | undefined): string {
  if (origin === undefined || origin.source === "default") return "default";
  return `${origin.source} ${origin.name}`;
}

function valueAt(config: object, path: string): unknown {
  let value: unknown = config;
  for (const key of path.split(".")) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
}
