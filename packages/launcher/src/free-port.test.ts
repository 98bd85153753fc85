import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";

import { afterEach, describe, expect, it } from "vitest";

import { isPortFree, reservePort } from "./free-port.ts";

const host = "127.0.0.1";

describe("reservePort()", () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  async function listen(): Promise<number> {
    server = createServer().listen(0, host);
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  it("takes the next port when one is in use", async () => {
    const port = await listen();
    const reserved = await reservePort({ host, port, exact: false });
    expect(reserved.port).toBeGreaterThan(port);
    reserved.release();
  });

  it("fails for a port asked for by number", async () => {
    const port = await listen();
    await expect(reservePort({ host, port, exact: true })).rejects.toMatchObject({
      code: "port_in_use",
      message: `port ${port} on ${host} is in use by another program`,
    });
  });

  it.runIf(process.platform === "linux")("keeps two launchers apart before either listens", async () => {
    const free = await listen();
    server?.close();
    const first = await reservePort({ host, port: free, exact: false });
    const second = await reservePort({ host, port: free, exact: false });
    expect(second.port).not.toBe(first.port);
    first.release();
    second.release();
  });
});

describe("isPortFree()", () => {
  it("refuses a host that is not this machine", async () => {
    await expect(isPortFree("192.0.2.1", 4000)).rejects.toMatchObject({ code: "port_in_use" });
  });
});
