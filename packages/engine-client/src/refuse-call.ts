import type { GenerateCall, GenerateSink } from "./engine.ts";
import { EngineError } from "./engine-error.ts";

/** A call that fails at once, but not inside `generate()`, because the dialect has no room for a field's value. */
export function refuseCall(field: string, sink: GenerateSink): GenerateCall {
  let isCancelled = false;
  process.nextTick(() => {
    if (isCancelled) return;
    sink.error(
      new EngineError("unimplemented", `the value of ${field} cannot be carried to this engine`, {
        notStarted: true,
      }),
    );
  });
  return {
    cancel: () => {
      isCancelled = true;
    },
    pause: () => {},
    resume: () => {},
  };
}
