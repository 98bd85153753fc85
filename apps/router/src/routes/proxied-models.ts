import type { ServedCard } from "../fleet/worker-connector.ts";
import type { RouteServices } from "./services.ts";

/** Names of the models that HTTP workers serve, in the order of the workers. */
export function proxiedModelNames({ fleet }: Pick<RouteServices, "fleet">): readonly string[] {
  return [...new Set(fleet.snapshot("proxy").workers.flatMap((worker) => worker.models))];
}

/** True when every HTTP worker serves the same models: then any of them can speak for all. */
export function proxiedModelsAgree({ fleet }: Pick<RouteServices, "fleet">): boolean {
  const lists = fleet.snapshot("proxy").workers.map((worker) => worker.models.toSorted().join("\n"));
  return new Set(lists).size <= 1;
}

/** What HTTP workers list, each name once, in the order of the workers. */
export function proxiedCards({ fleet }: Pick<RouteServices, "fleet">): readonly ServedCard[] {
  const cards = new Map<string, ServedCard>();
  for (const { id } of fleet.snapshot("proxy").workers) {
    for (const card of fleet.worker(id)?.cards ?? []) {
      if (!cards.has(card.id)) {
        cards.set(card.id, card);
      }
    }
  }
  return [...cards.values()];
}
