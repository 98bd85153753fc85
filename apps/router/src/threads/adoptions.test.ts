import { expect, it } from "vitest";
import type { ConnectedWorker } from "../fleet/worker-connector.ts";
import type { ModelFiles } from "../models/model-files.ts";
import { Adoptions } from "./adoptions.ts";

function worker(files: ModelFiles): ConnectedWorker {
  return { connection: { description: {} }, facts: { files } } as unknown as ConnectedWorker;
}

it("tells the files of a model once, also to a thread that comes later, and again when all of its engines were gone", () => {
  const adoptions = new Adoptions();
  const files: ModelFiles = new Map([["tokenizer.json", new Uint8Array(3)]]);
  const [one, two, other] = [worker(files), worker(files), worker(new Map())];
  const added = [one!, two!, other!].map((each) => adoptions.add(each));
  expect(added.map((adoption) => adoption.files !== undefined)).toEqual([true, false, true]);
  expect(added[0]!.filesKey).toBe(added[1]!.filesKey);
  expect(adoptions.lifeOf(two!.connection)).toBe(added[1]!.life);
  expect(adoptions.remove(one!.connection)).toBe(added[0]!.life);
  expect(adoptions.remove(one!.connection)).toBe(undefined);
  expect(adoptions.replay().map(({ life, files: told }) => [life, told])).toEqual([
    [added[1]!.life, files],
    [added[2]!.life, new Map()],
  ]);
  adoptions.remove(two!.connection);
  expect(adoptions.add(worker(files))).toMatchObject({ files, filesKey: 3 });
});
