import { expect, it } from "vitest";

import { createLauncher, reservePort } from "./index.ts";

it("does what the README shows", async () => {
  const lines: string[] = [];
  const { port, release } = await reservePort({ host: "127.0.0.1", port: 50_051, exact: false });
  await using launcher = createLauncher({
    line: (name, _stream, text) => lines.push(`[${name}] ${text}`),
  });
  const server = await launcher.start({
    name: "server",
    command: process.execPath,
    args: [
      "-e",
      `console.log('listening');
      require('node:http').createServer((_, response) => response.end()).listen(${port}, '127.0.0.1')`,
    ],
    environment: process.env,
    probe: { kind: "http", url: `http://127.0.0.1:${port}/health` },
  });
  await server.ready;
  const exit = await server.stop(5_000);
  release();
  expect(lines).toEqual(["[server] listening"]);
  expect(exit).toMatchObject({ signal: "SIGTERM", asked: true });
});
