import { expect, it } from "vitest";
import { parseMoriioAddress } from "./moriio-address.ts";

it.each([
  [
    "host:10.0.0.1,handshake:6301,notify:61005",
    { host: "10.0.0.1", handshakePort: 6301, notifyPort: 61_005 },
  ],
  [" host:a.b , notify:2,handshake:1", { host: "a.b", handshakePort: 1, notifyPort: 2 }],
  ["host:::1,handshake:1,notify:2", { host: "::1", handshakePort: 1, notifyPort: 2 }],
])("reads %s", (text, address) => {
  expect(parseMoriioAddress(text)).toEqual(address);
});

it.each([
  "",
  "10.0.0.1:14579",
  "host:,handshake:1,notify:2",
  "host:h,handshake:1",
  "host:h,handshake:0,notify:2",
  "host:h,handshake:70000,notify:2",
  "host:h,handshake:1e3,notify:2",
  "host:h/x,handshake:1,notify:2",
  `host:${"h".repeat(300)},handshake:1,notify:2`,
])("takes %j for no address", (text) => {
  expect(parseMoriioAddress(text)).toBeUndefined();
});
