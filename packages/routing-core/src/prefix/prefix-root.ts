/** What separates caches that share no blocks: hashed into every chain's start. */
export interface PrefixRoot {
  readonly loraName?: string | undefined;
  readonly cacheSalt?: string | undefined;
}
