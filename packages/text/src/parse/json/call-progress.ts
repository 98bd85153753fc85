import type { TemplateValue } from "../../template/template-value.ts";
import { argumentsText, isJsonMap, type JsonMap } from "./json-value.ts";

/** How far the calls of a stream have been told, kept in the terms of vLLM's parsers because its quirks depend on them. */
export class CallProgress {
  /** The calls as they were read the last time that anything came of it. */
  previous: readonly (JsonMap | undefined)[] = [];
  /** Index of the call being told, -1 before the first. */
  current = -1;
  nameSent = false;
  /** Arguments told so far, by call. */
  readonly streamed: string[] = [];

  /**
   * Goes on to another call. Where calls are passed over, because they came in one piece, there is one entry of `streamed`
   * fewer than calls, and the arguments of the last ones are never told: vLLM's parsers fail on them.
   */
  begin(index: number): void {
    this.current = index;
    this.nameSent = false;
    this.streamed.push("");
  }

  /** Notes arguments that are told now. */
  tell(text: string): void {
    this.streamed[this.current] = (this.streamed[this.current] ?? "") + text;
  }

  /** Arguments told of the current call; undefined where they cannot be told. */
  get told(): string | undefined {
    return this.streamed.at(this.current);
  }

  /** Arguments of the last call read that were not told: where they go on from what was. */
  unstreamedArguments(): string {
    const index = this.previous.length - 1;
    if (index < 0) return "";
    const expected = expectedArguments(this.previous[index]?.get("arguments"));
    const told = this.streamed[index] ?? "";
    return expected.startsWith(told) ? expected.slice(told.length) : "";
  }
}

function expectedArguments(value: TemplateValue | undefined): string {
  if (value === undefined) return "{}";
  return typeof value === "string" ? value : argumentsText(value);
}

/** The objects among the values read; others keep their place as undefined. */
export function callObjects(values: readonly TemplateValue[]): (JsonMap | undefined)[] {
  return values.map((value) => (isJsonMap(value) ? value : undefined));
}
