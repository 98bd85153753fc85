import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../bootstrap/environment.mjs";
import { runCommand } from "./step.ts";

const PURE_FOLDERS = ["packages/text", "packages/api", "packages/routing-core"];

const NOT_PURE: readonly (readonly [what: string, source: string])[] = [
  ["a Node module", 'import { readFileSync } from "node:fs"; export const value: unknown = readFileSync;'],
  ["a timer", "export const value: unknown = setTimeout;"],
  ["the clock", "export const value: unknown = Date.now();"],
  ["performance", "export const value: unknown = performance.now();"],
  ["Math.random", "export const value: unknown = Math.random();"],
  ["crypto", "export const value: unknown = crypto.randomUUID();"],
  ["Buffer", "export const value: unknown = Buffer.alloc(1);"],
  ["Intl", "export const value: unknown = new Intl.NumberFormat();"],
  ["process", "export const value: unknown = process.version;"],
  ["the console", 'console.log("x");'],
  ["globalThis", "export const value: unknown = globalThis;"],
  ["the locale", 'export const value: unknown = "a".localeCompare("b");'],
  ["gRPC", 'import { Client } from "@grpc/grpc-js"; export const value: unknown = Client;'],
  ["gRPC services", 'import { a } from "@vllm-router/proto/services"; export const value: unknown = a;'],
  [
    "values of another package",
    'import { a } from "@vllm-router/proto/messages"; export const value: unknown = a;',
  ],
  ["Hono", 'import { Hono } from "hono"; export const value: unknown = Hono;'],
];

const REFUSED_IMPORTS: readonly (readonly [folder: string, specifier: string])[] = [
  ["apps/cli/src", "@vllm-router/simulator"],
  ["apps/router/src", "@vllm-router/simulator"],
  ["apps/router/src", "@grpc/grpc-js"],
  ["apps/router/src", "@vllm-router/proto/services"],
  ["packages/engine-client/src", "hono"],
  ["packages/config/src", "@vllm-router/text"],
  ["packages/launcher/src", "@vllm-router/text/src/index.ts"],
];

const ALLOWED_IMPORTS: readonly (readonly [folder: string, specifier: string])[] = [
  ["packages/engine-client/src", "@grpc/grpc-js"],
  ["packages/simulator/src", "@vllm-router/proto/services"],
  ["apps/router/src", "hono"],
  ["apps/router/test", "@vllm-router/simulator"],
  ["packages/text/test", "node:fs"],
];

/** One file that the rules are tried on. */
interface Sample {
  title: string;
  path: string;
  source: string;
  /** A rule that must fire; undefined when none may. */
  rule: RegExp | undefined;
}

const RESTRICTED = /no-restricted-|no-console/;
const importing = (specifier: string): string =>
  `import { a } from "${specifier}";\nexport const value: unknown = a;\n`;

const SAMPLES: readonly Sample[] = [
  ...PURE_FOLDERS.flatMap((folder, at) => [
    {
      title: `a pure function and a type from another package in ${folder}`,
      path: `${folder}/src/pure.ts`,
      source: 'import type { A } from "@vllm-router/proto/messages";\nexport const same = (a: A): A => a;\n',
      rule: undefined,
    },
    ...NOT_PURE.map(([what, source], index) => ({
      title: `${what} in ${folder}`,
      path: `${folder}/src/offence-${at}-${index}.ts`,
      source,
      rule: RESTRICTED,
    })),
  ]),
  ...REFUSED_IMPORTS.map(([folder, specifier], index) => ({
    title: `an import of ${specifier} in ${folder}`,
    path: `${folder}/refused-${index}.ts`,
    source: importing(specifier),
    rule: /no-restricted-imports/,
  })),
  ...ALLOWED_IMPORTS.map(([folder, specifier], index) => ({
    title: `an import of ${specifier} in ${folder}`,
    path: `${folder}/allowed-${index}.ts`,
    source: importing(specifier),
    rule: undefined,
  })),
  {
    title: "a file of more than 400 lines",
    path: "packages/text/src/long.ts",
    source: Array.from({ length: 401 }, (_, line) => `export const line${line} = ${line};\n`).join(""),
    rule: /max-lines/,
  },
  {
    title: "a name that is not kebab-case",
    path: "packages/text/src/CamelCase.ts",
    source: "export const one = 1;\n",
    rule: /filename-case/,
  },
  {
    title: "the environment outside main.ts",
    path: "apps/router/src/server.ts",
    source: 'export const value: unknown = process.env["X"];\n',
    rule: /no-restricted-properties/,
  },
  {
    title: "the environment in main.ts",
    path: "apps/router/src/main.ts",
    source: 'export const value: unknown = process.env["X"];\n',
    rule: undefined,
  },
];

describe("lint rules of the layers", () => {
  let folder: string;
  const fired = new Map<string, string[]>();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "vllm-router-lint-"));
    copyFileSync(join(root, ".oxlintrc.json"), join(folder, ".oxlintrc.json"));
    for (const { path, source } of SAMPLES) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), source);
    }
    const { output } = await runCommand("oxlint", [
      "--format=json",
      "-c",
      join(folder, ".oxlintrc.json"),
      folder,
    ]);
    const report = JSON.parse(output) as { diagnostics: { code: string; filename: string }[] };
    for (const { code, filename } of report.diagnostics) {
      const path = SAMPLES.find((sample) => filename.endsWith(sample.path))?.path ?? filename;
      fired.set(path, [...(fired.get(path) ?? []), code]);
    }
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(SAMPLES.filter(({ rule }) => rule !== undefined))("refuse $title", ({ path, rule }) => {
    expect((fired.get(path) ?? []).filter((code) => rule?.test(code) === true)).not.toEqual([]);
  });

  it.each(SAMPLES.filter(({ rule }) => rule === undefined))("allow $title", ({ path }) => {
    expect(fired.get(path) ?? []).toEqual([]);
  });
});
