import type { FleetView } from "../fleet/fleet-view.ts";
import { laneOf } from "../fleet/lane.ts";
import type { Adoptions } from "./adoptions.ts";
import type { PublishedWorker } from "./thread-messages.ts";

/** The fleet as request threads are told of it. */
export function publishedWorkers(fleet: FleetView, adoptions: Adoptions): readonly PublishedWorker[] {
  return fleet.reports().map(({ id, state, detail, role }) => {
    const worker = fleet.worker(id);
    const life = worker === undefined ? undefined : adoptions.lifeOf(worker.connection);
    if (worker === undefined || life === undefined) {
      return { url: id, state, detail, role, engine: undefined };
    }
    const { connection, slot, ranks, modelNames, cards } = worker;
    return {
      url: id,
      state,
      detail,
      role,
      engine: { life, lane: laneOf(connection.dialect), slot, ranks, modelNames, cards },
    };
  });
}
