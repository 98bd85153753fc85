/** The distinct tokens that follow a place in the text, and the logarithm of how often. */
export interface Successors {
  readonly ids: readonly number[];
  readonly weights: readonly number[];
}

/** Which tokens follow which in a text: after one token, and after two. */
export interface WordChains {
  /** `undefined` when the text never has `last`. */
  readonly afterToken: (last: number) => Successors | undefined;
  readonly afterPair: (previous: number, last: number) => Successors | undefined;
  /** First tokens of the paragraphs. */
  readonly starts: Successors;
}

/** Counts the chains of a text; `vocabularySize` bounds its ids. */
export function countWordChains(
  paragraphs: readonly (readonly number[])[],
  vocabularySize: number,
): WordChains {
  const ids = paragraphs.flat();
  const afterToken = new Map<number, number[]>();
  const afterPair = new Map<number, number[]>();
  for (let index = 1; index < ids.length; index++) {
    const id = ids[index] ?? 0;
    const previous = ids[index - 1] ?? 0;
    push(afterToken, previous, id);
    const beforePrevious = ids[index - 2];
    if (beforePrevious !== undefined) push(afterPair, beforePrevious * vocabularySize + previous, id);
  }
  const byToken = new Map([...afterToken].map(([key, list]) => [key, distinct(list)]));
  const byPair = new Map([...afterPair].map(([key, list]) => [key, distinct(list)]));
  return {
    afterToken: (last) => byToken.get(last),
    afterPair: (previous, last) => byPair.get(previous * vocabularySize + last),
    starts: distinct(paragraphs.map((paragraph) => paragraph[0] ?? 0)),
  };
}

function push(map: Map<number, number[]>, key: number, value: number): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

function distinct(list: readonly number[]): Successors {
  const counts = new Map<number, number>();
  for (const id of list) counts.set(id, (counts.get(id) ?? 0) + 1);
  return { ids: [...counts.keys()], weights: [...counts.values()].map(Math.log) };
}
