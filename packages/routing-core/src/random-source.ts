/** A number in [0, 1), uniformly drawn. Injected, so that a decision can be repeated. */
export type RandomSource = () => number;

/**
 * A small seeded generator (sfc32, period at least 2^32; four words of state mixed from the seed by splitmix-style
 * steps). Not for secrets. The same seed gives the same sequence on every platform.
 */
export function createSeededRandom(seed: number): RandomSource {
  let state = seed | 0;
  const nextWord = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let word = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
    return word ^ (word >>> 15);
  };
  let a = nextWord();
  let b = nextWord();
  let c = nextWord();
  let counter = 1;
  return (): number => {
    const word = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + word;
    return (word >>> 0) / 4294967296;
  };
}
