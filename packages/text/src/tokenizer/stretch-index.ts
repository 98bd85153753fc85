/** Slots that stand together: a hash is in one of eight, or nowhere. */
const BUCKET = 8;
/** A slot is a hash and a place + 1. */
const SLOT = 2;
const FIRST_SLOTS = 1 << 10;
const LAST_SLOTS = 1 << 16;

/**
 * Places by hash, one for each, in an `Int32Array`. Bounded: where eight hashes share a bucket the next one takes the slot of another.
 * 512 KiB at most.
 */
export class StretchIndex {
  #slots = new Int32Array(FIRST_SLOTS * SLOT);
  #count = 0;

  /** The place of a hash, or -1. */
  find(hash: number): number {
    const at = this.#slotOf(hash);
    return at < 0 ? -1 : (this.#slots[at + 1] as number) - 1;
  }

  /** Sets the place of a hash. */
  set(hash: number, place: number): void {
    const known = this.#slotOf(hash);
    if (known >= 0) {
      this.#slots[known + 1] = place + 1;
      return;
    }
    if (this.#count * 2 > this.#slots.length / SLOT && this.#slots.length < LAST_SLOTS * SLOT) this.#grow();
    this.#insert(hash, place);
  }

  /** Forgets a hash if it has this place. */
  delete(hash: number, place: number): void {
    const at = this.#slotOf(hash);
    if (at < 0 || this.#slots[at + 1] !== place + 1) return;
    this.#slots[at + 1] = 0;
    this.#count--;
  }

  #bucketOf(hash: number): number {
    return Math.imul(hash ^ (hash >>> 16), BUCKET * SLOT) & (this.#slots.length - 1);
  }

  #slotOf(hash: number): number {
    const slots = this.#slots;
    const bucket = this.#bucketOf(hash);
    for (let at = bucket; at < bucket + BUCKET * SLOT; at += SLOT) {
      if (slots[at] === hash && slots[at + 1] !== 0) return at;
    }
    return -1;
  }

  #insert(hash: number, place: number): void {
    const slots = this.#slots;
    const bucket = this.#bucketOf(hash);
    let at = bucket;
    while (at < bucket + BUCKET * SLOT && slots[at + 1] !== 0) at += SLOT;
    if (at === bucket + BUCKET * SLOT) at = bucket + (hash >>> 29) * SLOT;
    else this.#count++;
    slots[at] = hash;
    slots[at + 1] = place + 1;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 2);
    this.#count = 0;
    for (let at = 0; at < old.length; at += SLOT) {
      if (old[at + 1] !== 0) this.#insert(old[at] as number, (old[at + 1] as number) - 1);
    }
  }
}
