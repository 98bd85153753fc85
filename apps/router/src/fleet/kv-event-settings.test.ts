import { describe, expect, it } from "vitest";
import { kvAddresses } from "./kv-event-settings.ts";

const NOTHING = { endpoints: [], replayEndpoints: [], topic: "" };

describe("kvAddresses()", () => {
  it("knows of no publisher where none is configured", () => {
    expect(kvAddresses(NOTHING)("http://a:8000", 2)).toEqual([]);
    expect(kvAddresses({ ...NOTHING, replayPort: 5558 })("http://a:8000", 1)).toEqual([]);
  });

  it("gives every rank the port that follows, and no port to a path", () => {
    const addresses = kvAddresses({
      ...NOTHING,
      topic: "kv@",
      endpoints: ["http://a:8000=tcp://10.0.0.1:5557", "grpc://b:50051=ipc:///run/events"],
      replayEndpoints: ["http://a:8000=tcp://10.0.0.1:6557"],
    });
    expect(addresses("http://a:8000", 2)).toEqual([
      { endpoint: "tcp://10.0.0.1:5557", replayEndpoint: "tcp://10.0.0.1:6557", topic: "kv@" },
      { endpoint: "tcp://10.0.0.1:5558", replayEndpoint: "tcp://10.0.0.1:6558", topic: "kv@" },
    ]);
    expect(addresses("grpc://b:50051", 1)).toEqual([
      { endpoint: "ipc:///run/events", replayEndpoint: undefined, topic: "kv@" },
    ]);
    expect(addresses("http://c:8000", 1)).toEqual([]);
  });

  it("takes the ports on a worker's own host where it has no address of its own", () => {
    const addresses = kvAddresses({
      ...NOTHING,
      port: 5557,
      replayPort: 5600,
      endpoints: ["http://a:8000=tcp://10.0.0.1:7000"],
    });
    expect(addresses("grpc://[::1]:50051", 1)).toEqual([
      { endpoint: "tcp://[::1]:5557", replayEndpoint: "tcp://[::1]:5600", topic: "" },
    ]);
    expect(addresses("http://a:8000", 1)).toEqual([
      { endpoint: "tcp://10.0.0.1:7000", replayEndpoint: "tcp://a:5600", topic: "" },
    ]);
  });
});
