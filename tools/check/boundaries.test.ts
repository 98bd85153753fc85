import { describe, expect, it } from "vitest";
import { boundaryComplaints } from "./boundaries.ts";
import type { Manifest, Workspace } from "./workspaces.ts";

const config: Workspace = { folder: "packages/config", manifest: { name: "@vllm-router/config" } };

function text(manifest: Omit<Manifest, "name">): Workspace[] {
  return [config, { folder: "packages/text", manifest: { name: "@vllm-router/text", ...manifest } }];
}

describe("boundaryComplaints()", () => {
  it("accepts the workspace as it is", () => {
    expect(boundaryComplaints()).toEqual([]);
  });

  it("accepts allowed dependencies in the catalog's and the workspace's notation", () => {
    const manifest = { name: "@vllm-router/api", dependencies: { "@vllm-router/text": "workspace:^" } };
    const api: Workspace = { folder: "packages/api", manifest };
    expect(boundaryComplaints([...text({ devDependencies: { vitest: "catalog:" } }), api])).toEqual([]);
    const dependencies = { zod: "catalog:", yaml: "catalog:" };
    expect(boundaryComplaints([{ ...config, manifest: { ...config.manifest, dependencies } }])).toEqual([]);
  });

  it.each([
    ["a workspace package of another layer", { dependencies: { "@vllm-router/config": "workspace:^" } }],
    ["the same for tests", { devDependencies: { "@vllm-router/config": "workspace:^" } }],
    ["a library without a decision", { dependencies: { lodash: "catalog:" } }],
    ["the same as a peer", { peerDependencies: { lodash: "catalog:" } }],
    ["the same as an option", { optionalDependencies: { lodash: "catalog:" } }],
  ])("refuses %s", (_what, manifest) => {
    expect(boundaryComplaints(text(manifest))).toEqual([
      expect.stringContaining("packages/text: may not depend on"),
    ]);
  });

  it("refuses a version outside the catalog", () => {
    expect(boundaryComplaints(text({ devDependencies: { vitest: "5.1.1" } }))).toEqual([
      'packages/text: vitest must be written "catalog:", not "5.1.1"',
    ]);
  });

  it("refuses a package that is not in the table of layers", () => {
    const unknown: Workspace = { folder: "packages/new", manifest: { name: "@vllm-router/new" } };
    expect(boundaryComplaints([unknown])).toEqual([expect.stringContaining("not in the table of layers")]);
  });
});
