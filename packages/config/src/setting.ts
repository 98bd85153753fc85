import type { z } from "zod";

/** What a leaf of the schema says about itself beyond its type and default. */
export interface SettingMeta {
  /** One or two sentences for help and docs: meaning, units. */
  readonly doc: string;
  /** Name of the flag without dashes; null when there is no flag (secrets). */
  readonly flag: string | null;
  /** Title of the section it is shown under; default the section's own. */
  readonly group?: string;
  /** Other flags that set the same value. */
  readonly aliases?: readonly string[];
  /** Environment variables read after `VLLM_ROUTER_<FLAG>`, in this order. */
  readonly environment?: readonly string[];
  /** What stands for the value in help, for instance `SECS`. */
  readonly placeholder?: string;
  /** Other words for a choice, in lower case: word → choice. */
  readonly synonyms?: Readonly<Record<string, string>>;
  /** Never printed. */
  readonly secret?: boolean;
  /** Whether one argument of a list may hold several values with commas between. */
  readonly splitOnComma?: boolean;
}

/** Attaches the description of a leaf; to be called last, since zod ties meta to the instance. */
export function setting<TSchema extends z.ZodType>(schema: TSchema, meta: SettingMeta): TSchema {
  return schema.meta({ description: meta.doc, setting: meta });
}

/** The meta of a leaf, or undefined when it has none. */
export function settingMeta(schema: z.ZodType): SettingMeta | undefined {
  // zod keeps meta untyped; only setting() writes this key.
  return schema.meta()?.["setting"] as SettingMeta | undefined;
}
