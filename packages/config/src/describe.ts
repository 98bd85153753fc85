import { z } from "zod";

import { settingMeta } from "./setting.ts";

/** How the text of a value is read. */
export type SettingKind = "boolean" | "integer" | "number" | "text" | "choice" | "list" | "json";

/** One leaf of a schema, described for parsers, help and docs. */
export interface Setting {
  /** Keys from the root, joined by dots: `server.port`. */
  readonly path: string;
  /** Title of the section. */
  readonly group: string;
  readonly kind: SettingKind;
  /** Flag without dashes; null when there is none. */
  readonly flag: string | null;
  readonly aliases: readonly string[];
  /** Environment variables in the order in which they are read; the first is derived from the flag or path. */
  readonly environment: readonly string[];
  /** Allowed values of a choice, else empty. */
  readonly choices: readonly string[];
  /** Other words for a choice. */
  readonly synonyms: Readonly<Record<string, string>>;
  readonly placeholder: string;
  readonly required: boolean;
  /** Value without any source; undefined when there is none. */
  readonly defaultValue: unknown;
  readonly doc: string;
  readonly secret: boolean;
  readonly splitOnComma: boolean;
}

/**
 * Lists the leaves of a schema in order.
 * @throws Error when a leaf lacks its description: a bug in the schema
 */
export function describeSettings(schema: z.ZodObject, environmentPrefix: string): readonly Setting[] {
  const found: Setting[] = [];
  const walk = (object: z.ZodObject, parents: readonly string[], group: string): void => {
    for (const [key, child] of Object.entries(object.shape)) {
      const path = [...parents, key];
      if (child instanceof z.ZodObject) {
        walk(child, path, child.meta()?.title ?? key);
      } else {
        found.push(describeLeaf(child as z.ZodType, { path, group, environmentPrefix }));
      }
    }
  };
  walk(schema, [], "General");
  return found;
}

interface LeafPlace {
  readonly path: readonly string[];
  readonly group: string;
  readonly environmentPrefix: string;
}

function describeLeaf(leaf: z.ZodType, place: LeafPlace): Setting {
  const path = place.path.join(".");
  const meta = settingMeta(leaf);
  if (meta === undefined) throw new Error(`the setting ${path} has no description`);
  const { core, defaultValue, optional } = unwrap(leaf);
  const kind = kindOf(core, path);
  const derived = (meta.flag ?? place.path.join("-").replace(/[A-Z]/g, "-$&"))
    .replaceAll("-", "_")
    .toUpperCase();
  return {
    path,
    group: meta.group ?? place.group,
    kind,
    flag: meta.flag,
    aliases: meta.aliases ?? [],
    environment: [`${place.environmentPrefix}${derived}`, ...(meta.environment ?? [])],
    choices: core instanceof z.ZodEnum ? core.options.map(String) : [],
    synonyms: meta.synonyms ?? {},
    placeholder: meta.placeholder ?? (kind === "choice" ? "NAME" : "VALUE"),
    required: !optional && !leaf.safeParse(undefined).success,
    defaultValue,
    doc: meta.doc,
    secret: meta.secret ?? false,
    splitOnComma: meta.splitOnComma ?? false,
  };
}

interface Unwrapped {
  readonly core: z.ZodType;
  readonly defaultValue: unknown;
  readonly optional: boolean;
}

function unwrap(schema: z.ZodType): Unwrapped {
  if (schema instanceof z.ZodDefault) {
    const inner = unwrap(schema.unwrap() as z.ZodType);
    return { ...inner, defaultValue: schema.def.defaultValue, optional: true };
  }
  if (schema instanceof z.ZodOptional) {
    return { ...unwrap(schema.unwrap() as z.ZodType), optional: true };
  }
  return { core: schema, defaultValue: undefined, optional: false };
}

function kindOf(core: z.ZodType, path: string): SettingKind {
  if (core instanceof z.ZodBoolean) return "boolean";
  if (core instanceof z.ZodEnum) return "choice";
  if (core instanceof z.ZodArray) return "list";
  if (core instanceof z.ZodRecord) return "json";
  if (core instanceof z.ZodNumber) return core.isInt ? "integer" : "number";
  if (core instanceof z.ZodString || core instanceof z.ZodURL) return "text";
  throw new Error(`the setting ${path} has a type that flags cannot express`);
}
