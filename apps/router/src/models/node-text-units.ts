import type { TextUnits } from "@vllm-router/text";

/** Memory for texts that Node fills and compares at once. */
export class NodeTextUnits implements TextUnits {
  readonly bytes: Buffer<ArrayBuffer>;

  constructor(size: number) {
    // Of its own memory: one from the pool could begin at an odd place.
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  write(text: string): void {
    this.bytes.write(text, 0, "utf16le");
  }

  equals(start: number, other: Uint8Array): boolean {
    return this.bytes.compare(other, 0, other.length, start, start + other.length) === 0;
  }
}
