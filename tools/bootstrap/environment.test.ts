import { describe, expect, it } from "vitest";
import { childEnvironment } from "./environment.mjs";

describe("childEnvironment()", () => {
  it("hides the npm that started us, but not how to reach the registry", () => {
    const environment = childEnvironment({
      HOME: "/home/someone",
      INIT_CWD: "/elsewhere",
      npm_command: "start",
      npm_package_name: "x",
      npm_lifecycle_event: "start",
      npm_config_prefix: "/usr",
      npm_config_registry: "https://registry.example/",
      npm_config_https_proxy: "http://proxy.example:3128",
      "npm_config_//registry.example/:_authToken": "t",
    });
    expect(Object.keys(environment).filter((name) => /npm|INIT_CWD/.test(name))).toEqual([
      "npm_config_registry",
      "npm_config_https_proxy",
      "npm_config_//registry.example/:_authToken",
    ]);
    expect(environment["HOME"]).toBe("/home/someone");
  });

  it("puts the brought tools first on PATH", () => {
    const path = childEnvironment({ PATH: "/usr/bin" })["PATH"]?.split(":");
    expect(path).toEqual([
      expect.stringMatching(/\/\.tools\/node_modules\/\.bin$/),
      expect.stringMatching(/\/node_modules\/\.bin$/),
      "/usr/bin",
    ]);
  });
});
