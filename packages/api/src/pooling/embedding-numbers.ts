import type { EmbedDtype, EncodingWish } from "./pooling-prompts.ts";

/** A binary floating-point format smaller than a double. */
interface SmallFloat {
  readonly bytes: 1 | 2;
  readonly mantissaBits: number;
  readonly bias: number;
  /** Code of what is too large: infinity, or the largest number where there is no infinity. */
  readonly overflow: number;
  readonly notANumber: number;
}

const SMALL_FLOATS: Readonly<Record<Exclude<EmbedDtype, "float32">, SmallFloat>> = {
  float16: { bytes: 2, mantissaBits: 10, bias: 15, overflow: 0x7c00, notANumber: 0x7e00 },
  bfloat16: { bytes: 2, mantissaBits: 7, bias: 127, overflow: 0x7f80, notANumber: 0x7fc0 },
  fp8_e4m3: { bytes: 1, mantissaBits: 3, bias: 7, overflow: 0x7e, notANumber: 0x7f },
  fp8_e5m2: { bytes: 1, mantissaBits: 2, bias: 15, overflow: 0x7c, notANumber: 0x7f },
};

const scratch = new DataView(new ArrayBuffer(8));

/** Bytes that one number takes. */
function numberBytes(dtype: EmbedDtype): number {
  return dtype === "float32" ? 4 : SMALL_FLOATS[dtype].bytes;
}

/**
 * The numbers of an embedding as bytes, as torch converts and numpy writes them. `native` is little, as on every machine
 * that vLLM runs on.
 */
export function embeddingBytes(
  values: ArrayLike<number>,
  { embedDtype, endianness }: Pick<EncodingWish, "embedDtype" | "endianness">,
): Uint8Array {
  const isLittle = endianness !== "big";
  const size = numberBytes(embedDtype);
  const bytes = new Uint8Array(values.length * size);
  const view = new DataView(bytes.buffer);
  const format = embedDtype === "float32" ? undefined : SMALL_FLOATS[embedDtype];
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as number;
    if (format === undefined) view.setFloat32(index * size, value, isLittle);
    else if (format.bytes === 2) view.setUint16(index * size, smallFloatCode(value, format), isLittle);
    else view.setUint8(index, smallFloatCode(value, format));
  }
  return bytes;
}

/** Code of a number in a small format, rounded to the nearest, ties to even. */
function smallFloatCode(value: number, format: SmallFloat): number {
  const { mantissaBits, bias, overflow, notANumber } = format;
  const signAt = format.bytes * 8 - 1;
  scratch.setFloat64(0, value);
  const high = scratch.getUint32(0);
  const sign = (high >>> 31) * 2 ** signAt;
  if (Number.isNaN(value)) return sign + notANumber;
  const size = Math.abs(value);
  if (size === Infinity) return sign + overflow;
  const lowest = 1 - bias;
  const exponent = Math.max(((high >>> 20) & 0x7ff) - 1023, lowest);
  const steps = size / 2 ** (exponent - mantissaBits);
  const whole = Math.floor(steps);
  const rest = steps - whole;
  const rounded = rest > 0.5 || (rest === 0.5 && whole % 2 === 1) ? whole + 1 : whole;
  // A mantissa that was rounded up to the next power of two carries into the exponent by itself.
  const code = (exponent + bias - 1) * 2 ** mantissaBits + rounded;
  return sign + Math.min(code, overflow);
}
