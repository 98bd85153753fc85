import type { ModelRuntime } from "./model-runtime.ts";

/** What a route asks of a model. vLLM has no route for a task that its model does not offer. */
export type RouteTask = "generate" | "embed" | "classify" | "scoring" | "pooling";

/** Tasks whose numbers a score can be made of. */
const SCORING_TASKS: ReadonlySet<string> = new Set(["embed", "token_embed", "classify"]);

/** Whether vLLM would have the routes of `task` for this model. */
export function offersTask({ pooling }: ModelRuntime, task: RouteTask): boolean {
  if (pooling === undefined) {
    return task === "generate";
  }
  switch (task) {
    case "generate":
      return false;
    case "pooling":
      return true;
    case "scoring":
      return pooling.tasks.some((name) => SCORING_TASKS.has(name));
    case "embed":
    case "classify":
      return pooling.tasks.includes(task);
  }
}
