/**
 * Torch adds floats of 32 bits in vectors of eight lanes, four at a time, with carries of several levels. Its sums, and
 * so vLLM's scores, depend on that order to the last digit; here it is the same.
 */
const LANES = 8;
const ROWS = 4;
const LEVELS = 4;
const LEAST_LEVEL_POWER = 4;
const SMALLEST_NORM = Math.fround(1e-8);
/** As in `torch.nn.functional.normalize`. */
const SMALLEST_LENGTH = Math.fround(1e-12);

const { fround } = Math;

/** Cosine of the angle between two embeddings of the same length, as torch computes it: a float of 32 bits. */
export function cosineSimilarity(left: ArrayLike<number>, right: ArrayLike<number>): number {
  const leftNorm = Math.max(vectorNorm(left), SMALLEST_NORM);
  const rightNorm = Math.max(vectorNorm(right), SMALLEST_NORM);
  const products = Float32Array.from(
    { length: left.length },
    (_, index) => fround((left[index] as number) / leftNorm) * fround((right[index] as number) / rightNorm),
  );
  return vectorSum(products);
}

/** The first `dimensions` numbers, made a vector of length 1 again: what a Matryoshka model's engine itself computes. */
export function shortenEmbedding(values: ArrayLike<number>, dimensions: number): Float32Array {
  const kept = Float32Array.from({ length: dimensions }, (_, index) => values[index] as number);
  const length = Math.max(vectorNorm(kept), SMALLEST_LENGTH);
  return kept.map((value) => value / length);
}

/** Euclidean length: one accumulator a lane. */
function vectorNorm(values: ArrayLike<number>): number {
  const lanes = new Float32Array(LANES);
  const whole = values.length - (values.length % LANES);
  for (let index = 0; index < whole; index++) {
    const value = values[index] as number;
    const lane = index % LANES;
    lanes[lane] = (lanes[lane] as number) + fround(value * value);
  }
  let sum = 0;
  for (const lane of lanes) sum = fround(sum + lane);
  for (let index = whole; index < values.length; index++) {
    const value = values[index] as number;
    sum = fround(sum + fround(value * value));
  }
  return fround(Math.sqrt(sum));
}

function vectorSum(values: Float32Array): number {
  const vectors = Math.floor(values.length / LANES);
  let sum = 0;
  for (let index = vectors * LANES; index < values.length; index++)
    sum = fround(sum + (values[index] as number));
  for (const lane of laneSums(values, vectors)) sum = fround(sum + lane);
  return sum;
}

/** Sums over the vectors, lane by lane. */
function laneSums(values: Float32Array, vectors: number): Float32Array {
  const steps = Math.floor(vectors / ROWS);
  const rows = rowSums(values, steps);
  const sums = rows.slice(0, LANES);
  for (let vector = steps * ROWS; vector < vectors; vector++) addVector(sums, values, vector * LANES);
  for (let row = 1; row < ROWS; row++) addVector(sums, rows, row * LANES);
  return sums;
}

/** Sums of every fourth vector, {@link ROWS} of them side by side: full levels are carried into the next one. */
function rowSums(values: Float32Array, steps: number): Float32Array {
  const width = ROWS * LANES;
  const power = Math.max(LEAST_LEVEL_POWER, Math.floor(ceilLog2(steps) / LEVELS));
  const size = 2 ** power;
  const levels = Array.from({ length: LEVELS }, () => new Float32Array(width));
  const add = (step: number): void => {
    const lowest = levels[0] as Float32Array;
    for (let at = 0; at < width; at++) {
      lowest[at] = (lowest[at] as number) + (values[step * width + at] as number);
    }
  };
  let step = 0;
  while (step + size <= steps) {
    for (let count = 0; count < size; count++) add(step++);
    for (let level = 1; level < LEVELS; level++) {
      const below = levels[level - 1] as Float32Array;
      addVector(levels[level] as Float32Array, below, 0);
      below.fill(0);
      if (Math.floor(step / 2 ** (level * power)) % size !== 0) break;
    }
  }
  while (step < steps) add(step++);
  const total = levels[0] as Float32Array;
  for (let level = 1; level < LEVELS; level++) addVector(total, levels[level] as Float32Array, 0);
  return total;
}

function addVector(to: Float32Array, from: Float32Array, offset: number): void {
  for (let lane = 0; lane < to.length; lane++) {
    to[lane] = (to[lane] as number) + (from[offset + lane] as number);
  }
}

function ceilLog2(value: number): number {
  return value <= 2 ? 1 : 32 - Math.clz32(value - 1);
}
