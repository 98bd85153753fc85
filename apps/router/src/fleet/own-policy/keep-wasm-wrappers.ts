import { tuneV8, type TuningOptions } from "../../models/tune-v8.ts";

/** Calls from WebAssembly after which V8 would compile what leads out of it anew; the most it can be told. */
const NEVER = 2_147_483_647;

/**
 * Keeps V8 from compiling anew what leads out of WebAssembly. Node makes TypeScript JavaScript by WebAssembly, in each thread that loads it;
 * when threads of that kind come and go, as a policy's do with every change of its file, V8 has been seen to abort the process while it
 * freed such code (`Runtime_TierUpWasmToJSWrapper`, `UnregisterWasmAllocation`; of the family of nodejs/node issue 64500). Costs some
 * nanoseconds a call of code that runs while a file is loaded.
 * @param flags the process's own; those about the same are left alone
 */
export function keepWasmWrappers(flags: readonly string[], options: TuningOptions = {}): void {
  const set = [`--wasm-wrapper-tiering-budget=${NEVER}`];
  tuneV8(flags, { about: /wasm[-_]wrapper/u, set }, options);
}
