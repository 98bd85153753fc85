/** A growing list of token ids that is reused from one encoding to the next. */
export class TokenBuffer {
  private ids = new Int32Array(1024);
  private count = 0;

  /** Number of ids held. */
  get length(): number {
    return this.count;
  }

  /** Forgets all ids, keeps the memory. */
  clear(): void {
    this.count = 0;
  }

  /** Adds one id. */
  push(id: number): void {
    if (this.count === this.ids.length) this.grow(this.count + 1);
    this.ids[this.count++] = id;
  }

  /** Adds two numbers. */
  pushPair(first: number, second: number): void {
    this.push(first);
    this.push(second);
  }

  /** Adds the ids of a list. */
  pushAll(ids: ArrayLike<number>): void {
    const count = ids.length;
    if (this.count + count > this.ids.length) this.grow(this.count + count);
    for (let index = 0; index < count; index++) this.ids[this.count++] = ids[index] as number;
  }

  /** Adds all ids of a list, as one block. */
  pushBlock(ids: Int32Array): void {
    if (this.count + ids.length > this.ids.length) this.grow(this.count + ids.length);
    this.ids.set(ids, this.count);
    this.count += ids.length;
  }

  /** Adds the ids of a list from one position up to another, as one block. */
  pushRange(ids: Int32Array, from: number, to: number): void {
    this.pushBlock(ids.subarray(from, to));
  }

  /** Copies the ids from position `from` on into a list. */
  copyTo(target: Int32Array, at: number, from: number): void {
    target.set(this.ids.subarray(from, this.count), at);
  }

  /** Adds the first `count` ids of a list. */
  pushFirst(ids: Int32Array, count: number): void {
    if (this.count + count > this.ids.length) this.grow(this.count + count);
    for (let index = 0; index < count; index++) this.ids[this.count++] = ids[index] as number;
  }

  /** A copy of the ids. Memory above 4 MB is given back. */
  take(): Int32Array {
    const ids = this.ids.slice(0, this.count);
    if (this.ids.length > 1 << 20) this.ids = new Int32Array(1024);
    this.count = 0;
    return ids;
  }

  private grow(atLeast: number): void {
    const larger = new Int32Array(Math.max(atLeast, this.ids.length * 2));
    larger.set(this.ids);
    this.ids = larger;
  }
}
