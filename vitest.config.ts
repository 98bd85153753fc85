import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { defineConfig } from "vitest/config";

// Workspace packages are taken from their sources: tests need no build.
const conditions = ["@vllm-router/source", "module", "node", "development|production"];

const workspaces = ["packages", "apps"]
  .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
  .concat("tools")
  .filter((folder) => existsSync(join(folder, "package.json")));

/** Suites of the router that are run with two request threads as well: `--project router-threads`. */
const THREADED = ["test/disaggregation{,-lanes,-mooncake}.integration.test.ts"];

/**
 * Threads whose sources Node strips of their types come and go in some suites, which V8 has aborted the process for: see
 * `apps/router/src/fleet/own-policy/keep-wasm-wrappers.ts`.
 */
const KEEP_WASM_WRAPPERS = "--wasm-wrapper-tiering-budget=2147483647";

const projects = [
  ...workspaces.map((root) => ({ root, name: basename(root), include: ["**/*.test.ts"], env: {} })),
  { root: join("apps", "router"), name: "router-threads", include: THREADED, env: { TEST_THREADS: "2" } },
];

export default defineConfig({
  test: {
    projects: projects.map(({ root, name, include, env }) => ({
      root,
      resolve: { conditions },
      ssr: { resolve: { conditions } },
      test: {
        name,
        environment: "node" as const,
        execArgv: [KEEP_WASM_WRAPPERS],
        include,
        env,
        exclude: ["**/node_modules/**", "**/dist/**"],
        globals: false,
        restoreMocks: true,
        unstubEnvs: true,
        unstubGlobals: true,
        sequence: { shuffle: true },
        retry: 0,
        testTimeout: 60_000,
        hookTimeout: 20_000,
        passWithNoTests: true,
      },
    })),
    passWithNoTests: true,
    maxWorkers: 2,
  },
});
