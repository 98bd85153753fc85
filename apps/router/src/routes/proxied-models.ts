import type { ServedCard } from "../fleet/worker-connector.ts";
import type { RouteServices } from "./services.ts";

/** Names of the models that HTTP workers serve, in the order of the workers; LoRA adapters are not among them. */
export function proxiedModelNames(services: Pick<RouteServices, "fleet">): readonly string[] {
  const adapters = new Set(
    proxiedCards(services)
      .filter((card) => card.parent !== undefined)
      .map((card) => card.id),
  );
  const names = services.fleet.snapshot("proxy").workers.flatMap((worker) => worker.models);
  return [...new Set(names)].filter((name) => !adapters.has(name));
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
