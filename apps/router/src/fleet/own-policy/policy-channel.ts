import { PLACE_REASONS, type DecisionInput } from "@vllm-router/routing-core";

/** What the policy's thread is asked to do. */
export const OPERATION = { gather: 1, choose: 2, settle: 3 } as const;

/** How it went. */
export const STATUS = { done: 1, threw: 2, badChoice: 3 } as const;

/** Places in {@link PolicyChannel.control}. */
export const CONTROL = {
  /** Number of the latest request; the thread sleeps on it. */
  asked: 0,
  /** Number of the latest answer; the router waits on it. */
  answered: 1,
  operation: 2,
  status: 3,
  candidateCount: 4,
  valueCount: 5,
  drawCount: 6,
  candidate: 7,
  runnerUp: 8,
  tied: 9,
  reason: 10,
  textBytes: 11,
  /** Messages posted so far: the thread fetches them before it reads the columns. */
  messages: 12,
} as const;

/** Places in {@link PolicyChannel.scalars}. */
export const SCALAR = {
  atMs: 0,
  snapshotVersion: 1,
  snapshotAgeMs: 2,
  promptTokens: 3,
  maxTokens: 4,
  sequence: 5,
  /** Milliseconds that the policy's own code took. */
  busyMs: 6,
} as const;

const INTEGER_COLUMNS = [
  "slots",
  "ranks",
  "matchedTokens",
  "inFlightRequests",
  "prefillTokens",
  "decodeTokens",
] as const;
const FLOAT_COLUMNS = [
  "runningRequests",
  "waitingRequests",
  "kvCacheUsage",
  "loadAgeMs",
  "foreignRequests",
  "loraAffinity",
  "weights",
  "costs",
  "scores",
] as const;

type IntegerColumn = (typeof INTEGER_COLUMNS)[number];
type FloatColumn = (typeof FLOAT_COLUMNS)[number];

const CONTROL_WORDS = 32;
const SCALARS = 16;
const MAX_DRAWS = 64;
const TEXT_BYTES = 16 * 1024;

/** A decision input in memory that two threads share, with room for so many candidates. */
export interface PolicyChannel {
  readonly buffer: SharedArrayBuffer;
  readonly candidates: number;
  readonly control: Int32Array;
  readonly scalars: Float64Array;
  readonly columns: Readonly<Record<IntegerColumn, Int32Array> & Record<FloatColumn, Float64Array>>;
  readonly policyValues: Float64Array;
  readonly draws: Float64Array;
  /** UTF-8: facts of the generation on the way there, an error's message on the way back. */
  readonly text: Uint8Array;
}

/** What both threads must agree on. */
export interface ChannelShape {
  readonly candidates: number;
  readonly valueCount: number;
}

/** Lays the channel out over a new buffer, or over the one of the other thread. */
export function openChannel(
  shape: ChannelShape,
  buffer = new SharedArrayBuffer(sizeOf(shape)),
): PolicyChannel {
  const { candidates, valueCount } = shape;
  let offset = 0;
  const floats = (count: number): Float64Array => {
    const view = new Float64Array(buffer, offset, count);
    offset += view.byteLength;
    return view;
  };
  const scalars = floats(SCALARS);
  const draws = floats(MAX_DRAWS);
  const policyValues = floats(candidates * valueCount);
  const floatColumns = FLOAT_COLUMNS.map((name) => [name, floats(candidates)] as const);
  const integers = (count: number): Int32Array => {
    const view = new Int32Array(buffer, offset, count);
    offset += view.byteLength;
    return view;
  };
  const control = integers(CONTROL_WORDS);
  const integerColumns = INTEGER_COLUMNS.map((name) => [name, integers(candidates)] as const);
  return {
    buffer,
    candidates,
    control,
    scalars,
    columns: Object.fromEntries<Int32Array | Float64Array>([
      ...integerColumns,
      ...floatColumns,
    ]) as unknown as PolicyChannel["columns"],
    policyValues,
    draws,
    text: new Uint8Array(buffer, offset, TEXT_BYTES),
  };
}

function sizeOf({ candidates, valueCount }: ChannelShape): number {
  const floats = SCALARS + MAX_DRAWS + candidates * (valueCount + FLOAT_COLUMNS.length);
  const integers = CONTROL_WORDS + candidates * INTEGER_COLUMNS.length;
  return 8 * floats + 4 * integers + TEXT_BYTES;
}

/** Copies an input into the channel; its candidates must fit. */
export function writeInput(channel: PolicyChannel, input: DecisionInput): void {
  const { control, scalars, columns } = channel;
  const count = input.candidateCount;
  control[CONTROL.candidateCount] = count;
  control[CONTROL.valueCount] = input.valueCount;
  control[CONTROL.drawCount] = input.draws.length;
  scalars[SCALAR.atMs] = input.atMs;
  scalars[SCALAR.snapshotVersion] = input.snapshotVersion;
  scalars[SCALAR.snapshotAgeMs] = input.snapshotAgeMs;
  scalars[SCALAR.promptTokens] = input.promptTokens;
  scalars[SCALAR.maxTokens] = input.maxTokens;
  scalars[SCALAR.sequence] = input.sequence;
  for (const name of INTEGER_COLUMNS) {
    columns[name].set(input[name].subarray(0, count));
  }
  for (const name of FLOAT_COLUMNS) {
    columns[name].set(input[name].subarray(0, count));
  }
  channel.policyValues.set(input.policyValues.subarray(0, count * input.valueCount));
  channel.draws.set(input.draws);
}

/**
 * The input as the policy's thread sees it: the columns themselves, longer than the candidates are many.
 * @param workers ids of the candidates' workers
 */
export function readInput(
  channel: PolicyChannel,
  policy: { readonly name: string; readonly workers: readonly string[] },
): DecisionInput {
  const { control, scalars, columns, policyValues, draws } = channel;
  return {
    ...columns,
    policyName: policy.name,
    policyParameters: {},
    workers: policy.workers,
    candidateCount: control[CONTROL.candidateCount]!,
    valueCount: control[CONTROL.valueCount]!,
    closestVerdict: -1,
    // A module of one's own is asked as the main policy; which leg that is does not reach its thread.
    role: "serve",
    policyValues,
    draws: draws.subarray(0, control[CONTROL.drawCount]),
    atMs: scalars[SCALAR.atMs]!,
    snapshotVersion: scalars[SCALAR.snapshotVersion]!,
    snapshotAgeMs: scalars[SCALAR.snapshotAgeMs]!,
    promptTokens: scalars[SCALAR.promptTokens]!,
    maxTokens: scalars[SCALAR.maxTokens]!,
    sequence: scalars[SCALAR.sequence]!,
  };
}

/** Number of a reason in the channel; 0 for one that does not exist. */
export function reasonCode(reason: (typeof PLACE_REASONS)[number]): number {
  return PLACE_REASONS.indexOf(reason) + 1;
}

/** The reason with that number. */
export function reasonOf(code: number): (typeof PLACE_REASONS)[number] {
  return PLACE_REASONS[code - 1] ?? "score";
}
