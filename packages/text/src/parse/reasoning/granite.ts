import { type DeltaDraft } from "../delta-draft.ts";
import type { ExtractedReasoning, ReasoningParser, ReasoningParserFamily } from "../reasoning-parser.ts";

/** Granite 3: "Here is my thought process: … Here is my response: …". vLLM never leaves the reasoning phase of this one. */
export const graniteReasoning: ReasoningParserFamily = {
  engineBased: false,
  keepsSpecialTokens: false,
  create: () => new GraniteReasoning(),
};

const THINK_STARTS = ["Here's my thought process:", "Here is my thought process:"];
const RESPONSE_STARTS = ["Here's my response:", "Here is my response:"];
const WHOLE = /(?:Here's|Here is) my thought process:([^]*?)(?:Here's|Here is) my response:([^]*)/;

/** Where reasoning and response are in a text. */
interface Sections {
  readonly reasoning: string;
  /** Undefined until the response has begun. */
  readonly response: { readonly markLength: number; readonly text: string } | undefined;
}

class GraniteReasoning implements ReasoningParser {
  private current = "";

  isReasoningEnd(): boolean {
    return false;
  }

  startFromPrompt(): void {
    // Nothing depends on the prompt.
  }

  push(text: string): DeltaDraft | undefined {
    const previous = this.current;
    this.current += text;
    const sections = sectionsOf(this.current);
    if (sections === undefined || sections.reasoning === "")
      return beforeReasoning(previous, this.current, text);
    const { response } = sections;
    if (response === undefined || response.text === "") return this.inReasoning(sections.reasoning, text);
    return this.inResponse(sections.reasoning, response, text);
  }

  reasoningEnded(): boolean {
    return false;
  }

  contentTokenIds(tokenIds: readonly number[]): readonly number[] {
    return tokenIds;
  }

  extract(text: string): ExtractedReasoning {
    const match = WHOLE.exec(text);
    if (match === null) return { reasoning: null, content: text };
    return { reasoning: match[1] ?? "", content: match[2] === "" ? null : (match[2] ?? null) };
  }

  countTokens(): number {
    return 0;
  }

  fallbackContent(): undefined {
    return undefined;
  }

  finish(): undefined {
    return undefined;
  }

  /** Reasoning that may be about to end: what could begin the response is held back. */
  private inReasoning(reasoning: string, text: string): DeltaDraft | undefined {
    if (RESPONSE_STARTS.some((start) => this.current.endsWith(start))) return undefined;
    // As Python slices: an empty piece takes everything away.
    const previous = text === "" ? "" : reasoning.slice(0, -text.length);
    const before = previous.lastIndexOf("Here");
    const within = text.lastIndexOf("Here");
    if (before >= 0 && beginsResponse(reasoning.slice(before))) return undefined;
    const wasHeld = before >= 0 && beginsResponse(previous.slice(before));
    const held = wasHeld ? previous.slice(before) : "";
    const shown = within >= 0 && beginsResponse(text.slice(within)) ? text.slice(0, within) : text;
    return delta(held + shown, null);
  }

  private inResponse(
    reasoning: string,
    response: { readonly markLength: number; readonly text: string },
    text: string,
  ): DeltaDraft | undefined {
    const content = text.slice(-response.text.length);
    const end = text.length - (response.text.length + response.markLength);
    if (end < 0) return delta(null, content);
    const offset = this.current.length - text.length;
    const start = Math.max(0, reasoning.length + response.markLength + response.text.length - 1 - offset);
    return delta(text.slice(start, end), content);
  }
}

function delta(reasoning: string | null, content: string | null): DeltaDraft | undefined {
  const silent = (reasoning ?? "") === "" && (content ?? "") === "";
  return silent ? undefined : { reasoning, content, toolCalls: undefined };
}

function beforeReasoning(previous: string, current: string, text: string): DeltaDraft | undefined {
  const isStart = beginsReasoning(current);
  if (isStart) return undefined;
  return delta(null, beginsReasoning(previous) ? current : text);
}

function beginsReasoning(text: string): boolean {
  return THINK_STARTS.some((start) => start.startsWith(text));
}

function beginsResponse(text: string): boolean {
  return RESPONSE_STARTS.some((start) => start.startsWith(text));
}

function sectionsOf(text: string): Sections | undefined {
  let start: number | undefined;
  for (let colon = text.indexOf(":"); colon !== -1; colon = text.indexOf(":", colon + 1)) {
    if (start === undefined) {
      if (THINK_STARTS.includes(text.slice(0, colon + 1))) start = colon + 1;
      continue;
    }
    for (const mark of RESPONSE_STARTS) {
      if (colon - start < mark.length - 1 || !text.slice(start, colon + 1).endsWith(mark)) continue;
      // One character short, as vLLM cuts it.
      const reasoning = text.slice(start, colon - mark.length);
      return { reasoning, response: { markLength: mark.length, text: text.slice(colon + 1) } };
    }
  }
  return start === undefined ? undefined : { reasoning: text.slice(start), response: undefined };
}
