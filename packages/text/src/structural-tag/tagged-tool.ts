import type { TemplateValue } from "../template/template-value.ts";

/** A tool with its strictness resolved. */
export interface TaggedTool {
  readonly name: string;
  readonly parameters: TemplateValue | undefined;
  readonly strict: boolean;
}
