import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { defineConfig } from "vitest/config";

// Workspace packages are taken from their sources: tests need no build.
const conditions = ["@vllm-router/source", "module", "node", "development|production"];

const workspaces = ["packages", "apps"]
  .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
  .concat("tools")
  .filter((folder) => existsSync(join(folder, "package.json")));

export default defineConfig({
  test: {
    projects: workspaces.map((root) => ({
      root,
      resolve: { conditions },
      ssr: { resolve: { conditions } },
      test: {
        name: basename(root),
        environment: "node",
        include: ["**/*.test.ts"],
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
