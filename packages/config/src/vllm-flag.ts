/** How many values follow a flag: none, exactly one, none or one, any number. */
export type FlagArity = "boolean" | "one" | "optional" | "several";

/** One flag of `vllm serve`. */
export interface VllmFlag {
  /** Name without dashes at the front. */
  readonly name: string;
  readonly arity: FlagArity;
  /** Whether vLLM counts it to its HTTP front end. */
  readonly frontend?: true;
  /** A boolean that is on by default. */
  readonly on?: true;
  /** A boolean without a `--no-` form. */
  readonly fixed?: true;
  /** Short forms with their dash: `-tp`. */
  readonly short?: readonly string[];
  /** Other long names, without dashes. */
  readonly aliases?: readonly string[];
}
