import { listWorkspaces, type Workspace } from "./workspaces.ts";

/** What a package may depend on at run time; everything else needs a decision record and a line here. */
interface Allowance {
  workspace: readonly string[];
  libraries: readonly string[];
  /** Workspace packages for tests only. */
  workspaceForTests?: readonly string[];
}

/** The table of layers in ARCHITECTURE.md, as data. */
const ALLOWED: Readonly<Record<string, Allowance>> = {
  "@vllm-router/proto": { workspace: [], libraries: ["@bufbuild/protobuf", "@grpc/grpc-js"] },
  "@vllm-router/text": { workspace: [], libraries: [] },
  "@vllm-router/api": { workspace: ["@vllm-router/text"], libraries: [] },
  "@vllm-router/routing-core": { workspace: ["@vllm-router/proto"], libraries: [] },
  "@vllm-router/engine-client": {
    workspace: ["@vllm-router/proto"],
    libraries: ["@grpc/grpc-js", "undici"],
  },
  "@vllm-router/launcher": { workspace: ["@vllm-router/proto"], libraries: ["@grpc/grpc-js"] },
  "@vllm-router/config": { workspace: [], libraries: ["zod", "yaml"] },
  "@vllm-router/simulator": {
    workspace: ["@vllm-router/proto", "@vllm-router/text", "@vllm-router/api"],
    libraries: ["fflate"],
  },
  "vllm-router": {
    workspace: [
      "@vllm-router/engine-client",
      "@vllm-router/routing-core",
      "@vllm-router/api",
      "@vllm-router/text",
      "@vllm-router/config",
    ],
    libraries: ["hono", "pino", "prom-client"],
    workspaceForTests: ["@vllm-router/simulator"],
  },
  "vllm-serve": {
    workspace: ["vllm-router", "@vllm-router/launcher", "@vllm-router/config", "@vllm-router/simulator"],
    libraries: [],
  },
};

/** Every dependency that the table of layers does not allow, one line each. */
export function boundaryComplaints(workspaces: readonly Workspace[] = listWorkspaces()): string[] {
  const inner = new Set(workspaces.map(({ manifest }) => manifest.name));
  return workspaces.flatMap(({ folder, manifest }) => {
    const allowed = ALLOWED[manifest.name];
    if (allowed === undefined) {
      return [`${folder}: ${manifest.name} is not in the table of layers (tools/check/boundaries.ts)`];
    }
    const { dependencies, devDependencies, peerDependencies, optionalDependencies } = manifest;
    const atRunTime = { ...dependencies, ...peerDependencies, ...optionalDependencies };
    const forTests = [...allowed.workspace, ...(allowed.workspaceForTests ?? [])];
    return [
      ...Object.entries(atRunTime).flatMap(([name, range]) =>
        inner.has(name)
          ? complain(folder, { name, range, allowed: allowed.workspace, expected: "workspace:^" })
          : complain(folder, { name, range, allowed: allowed.libraries, expected: "catalog:" }),
      ),
      ...Object.entries(devDependencies ?? {}).flatMap(([name, range]) =>
        inner.has(name)
          ? complain(folder, { name, range, allowed: forTests, expected: "workspace:^" })
          : complain(folder, { name, range, allowed: [name], expected: "catalog:" }),
      ),
    ];
  });
}

function complain(
  folder: string,
  found: { name: string; range: string; allowed: readonly string[]; expected: string },
): string[] {
  const { name, range, allowed, expected } = found;
  if (!allowed.includes(name)) {
    return [`${folder}: may not depend on ${name} (allowed: ${allowed.join(", ") || "nothing"})`];
  }
  return range === expected ? [] : [`${folder}: ${name} must be written "${expected}", not "${range}"`];
}
