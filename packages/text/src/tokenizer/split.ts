/** What becomes of the matches when a text is split (names as in `tokenizer.json`). */
export type SplitBehavior = "Removed" | "Isolated" | "MergedWithPrevious" | "MergedWithNext" | "Contiguous";

/**
 * Splits a text at the matches of a pattern, exactly as the `tokenizers` library does. Empty pieces are left out.
 *
 * @param pattern Has the flag `g`.
 * @param rule `invert` swaps matches and what lies between them.
 */
export function splitText(
  text: string,
  pattern: RegExp,
  rule: { readonly behavior: SplitBehavior; readonly invert: boolean },
): string[] {
  if (rule.behavior === "Isolated" || (rule.behavior === "Removed" && rule.invert)) {
    // Patterns of the large models match every character: then the matches are the pieces.
    const matches = text.match(pattern);
    if (matches === null) return rule.behavior === "Isolated" && text !== "" ? [text] : [];
    if (rule.behavior === "Removed") return matches.filter((match) => match !== "");
    let matched = 0;
    let hasEmpty = false;
    for (const match of matches) {
      matched += match.length;
      if (match.length === 0) hasEmpty = true;
    }
    if (matched === text.length) return hasEmpty ? matches.filter((match) => match !== "") : matches;
  }
  return merge(text, segments(text, pattern), rule);
}

interface Segments {
  /** Start and end of each segment, in order, covering the whole text. */
  readonly bounds: number[];
  /** Whether the segment at the same place is a match. */
  readonly isMatch: boolean[];
}

function segments(text: string, pattern: RegExp): Segments {
  const bounds: number[] = [];
  const isMatch: boolean[] = [];
  const add = (start: number, end: number, match: boolean): void => {
    bounds.push(start, end);
    isMatch.push(match);
  };
  let previous = 0;
  for (const match of text.matchAll(pattern)) {
    const end = match.index + match[0].length;
    if (previous !== match.index) add(previous, match.index, false);
    add(match.index, end, true);
    previous = end;
  }
  if (previous !== text.length) add(previous, text.length, false);
  return { bounds, isMatch };
}

function merge(
  text: string,
  { bounds, isMatch }: Segments,
  rule: { readonly behavior: SplitBehavior; readonly invert: boolean },
): string[] {
  const pieces: string[] = [];
  const push = (start: number, end: number): void => {
    if (end > start) pieces.push(text.slice(start, end));
  };
  const count = isMatch.length;
  const matches = (index: number): boolean => index >= 0 && index < count && isMatch[index] !== rule.invert;
  const start = (index: number): number => bounds[2 * index] as number;
  const end = (index: number): number => bounds[2 * index + 1] as number;
  for (let index = 0; index < count; index++) {
    switch (rule.behavior) {
      case "Isolated":
        push(start(index), end(index));
        break;
      case "Removed":
        if (!matches(index)) push(start(index), end(index));
        break;
      case "Contiguous": {
        const first = index;
        while (index + 1 < count && matches(index + 1) === matches(first)) index++;
        push(start(first), end(index));
        break;
      }
      case "MergedWithPrevious":
        // A match joins what is before it, but not another match.
        if (matches(index + 1) && !matches(index)) push(start(index), end(++index));
        else push(start(index), end(index));
        break;
      case "MergedWithNext":
        if (matches(index) && index + 1 < count && !matches(index + 1)) push(start(index), end(++index));
        else push(start(index), end(index));
        break;
    }
  }
  return pieces;
}
