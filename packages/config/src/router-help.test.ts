import { describe, expect, it } from "vitest";

import { routerSettings } from "./router-config.ts";
import { routerDocs, routerJsonSchema } from "./router-docs.ts";
import { routerHelp } from "./router-help.ts";

const policies = ["cache_aware", "random"];

describe("routerHelp()", () => {
  it.each([80, 100])("fits %i columns and names every flag", (width) => {
    const help = routerHelp({ policies, width });
    for (const line of help.split("\n").filter((text) => !text.includes("http://n1"))) {
      expect(line.length).toBeLessThanOrEqual(width);
    }
    const flags = routerSettings(policies).flatMap(({ flag }) => (flag === null ? [] : [flag]));
    for (const flag of flags) expect(help).toContain(`--${flag}`);
    expect(help.replaceAll(/\s+/g, " ")).toContain("One of cache_aware, random.");
  });
});

describe("routerDocs()", () => {
  it("has a row for every setting", () => {
    const docs = routerDocs(policies);
    for (const { path } of routerSettings(policies)) expect(docs).toContain(`\`${path}\``);
    expect(docs).toContain("`--tool-call-parser`");
  });
});

describe("routerJsonSchema()", () => {
  it("describes the file and nothing of ours leaks into it", () => {
    const schema = JSON.stringify(routerJsonSchema(policies));
    expect(schema).toContain('"enum":["cache_aware","random"]');
    expect(schema).toContain("Port to listen on");
    expect(schema).not.toContain('"flag"');
  });
});
