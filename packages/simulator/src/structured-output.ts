import type { Engine } from "./engine.ts";
import { refuse, type Sampling } from "./sampling.ts";

/**
 * The output that a constraint forces: its tokens and EOS; `undefined` without a constraint. The simulator knows
 * `choice`; it refuses the others clearly.
 * @throws GrpcStatusError INVALID_ARGUMENT
 */
export function constraintScript(sampling: Sampling, engine: Engine): readonly number[] | undefined {
  const { constraint } = sampling;
  if (constraint === undefined) return undefined;
  const text = constraintText(constraint);
  const { model } = engine.options;
  return model.eosId === undefined ? model.encode(text) : [...model.encode(text), model.eosId];
}

function constraintText(constraint: NonNullable<Sampling["constraint"]>): string {
  switch (constraint.$case) {
    case "choice":
      return constraint.value.choices[0] ?? refuse("Choice '[]' cannot be an empty list");
    case "jsonSchema":
    case "jsonObject":
    case "structuralTag":
    case "regex":
    case "grammar":
      return refuse(`the simulator does not support the constraint ${constraint.$case}`);
  }
}
