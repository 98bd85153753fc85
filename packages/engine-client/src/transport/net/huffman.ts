import { EngineError } from "../../engine-error.ts";

/**
 * Length in bits of the code of every byte, and of the end-of-string symbol (RFC 7541, Appendix B). The code is canonical:
 * symbols in the order of length and value have consecutive codes, so the lengths say everything.
 */
const CODE_BITS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28,
  28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7,
  8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19,
  13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13,
  28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
  22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23,
  22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
  25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

const END_OF_STRING = 256;
const ROOT = 0;
/** Two entries for every inner node of the code's tree: the next node, or the symbol as -1 - symbol. */
const TREE: Int16Array = buildTree();

/** Decodes Huffman-coded text in `bytes[start, end)` as latin1. Throws an EngineError `protocol` when it is no such text. */
export function decodeHuffman(bytes: Buffer, start: number, end: number): string {
  let text = "";
  let node = ROOT;
  let pendingBits = 0;
  let isPaddingValid = true;
  for (let position = start; position < end; position++) {
    const byte = bytes[position] as number;
    for (let bit = 7; bit >= 0; bit--) {
      const isOne = (byte >>> bit) & 1;
      const next = TREE[node * 2 + isOne] as number;
      pendingBits++;
      if (isOne === 0) isPaddingValid = false;
      if (next >= 0) {
        node = next;
        continue;
      }
      const symbol = -1 - next;
      if (symbol === END_OF_STRING) throw invalid();
      text += String.fromCharCode(symbol);
      node = ROOT;
      pendingBits = 0;
      isPaddingValid = true;
    }
  }
  // The last byte is filled up with the beginning of the end-of-string code, which is nothing but ones.
  if (pendingBits > 7 || !isPaddingValid) throw invalid();
  return text;
}

function buildTree(): Int16Array {
  const symbols = CODE_BITS.map((_, symbol) => symbol).toSorted(
    (a, b) => (CODE_BITS[a] as number) - (CODE_BITS[b] as number) || a - b,
  );
  const tree = new Int16Array(CODE_BITS.length * 2);
  let nodes = 1;
  let code = -1;
  let bits = CODE_BITS[symbols[0] as number] as number;
  for (const symbol of symbols) {
    const symbolBits = CODE_BITS[symbol] as number;
    code = (code + 1) << (symbolBits - bits);
    bits = symbolBits;
    let node = ROOT;
    for (let bit = bits - 1; bit > 0; bit--) {
      const at = node * 2 + ((code >>> bit) & 1);
      if (tree[at] === 0) tree[at] = nodes++;
      node = tree[at] as number;
    }
    tree[node * 2 + (code & 1)] = -1 - symbol;
  }
  return tree;
}

function invalid(): EngineError {
  return new EngineError("protocol", "the engine sent a header that is not valid Huffman code");
}
