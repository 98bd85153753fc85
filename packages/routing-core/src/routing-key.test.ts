import { describe, expect, it } from "vitest";
import { routingKeyByRules, routingKeyOf } from "./routing-key.ts";

const withHeaders = (headers: Record<string, string>, body?: Record<string, unknown>) =>
  routingKeyOf({ header: (name) => headers[name] ?? null, body });

describe("routingKeyOf()", () => {
  it("takes the first header in the Rust router's order", () => {
    const headers = { "x-request-id": "r", "x-user-id": "u", "x-session-id": "s", "x-correlation-id": "c" };
    expect(withHeaders(headers)).toBe("header:x-session-id:s");
    expect(withHeaders({ ...headers, "x-session-id": " " })).toBe("header:x-user-id:u");
    expect(withHeaders({ "x-request-id": "r", "x-correlation-id": "c" })).toBe("header:x-correlation-id:c");
  });

  it("prefers headers to the body, and the body's keys in their order", () => {
    const body = { session_params: { session_id: "s1" }, user: "u", session_id: "s2", user_id: 7 };
    expect(withHeaders({ "x-trace-id": "t" }, body)).toBe("header:x-trace-id:t");
    expect(withHeaders({}, body)).toBe("session:s1");
    expect(withHeaders({}, { ...body, session_params: { session_id: "" } })).toBe("user:u");
    expect(withHeaders({}, { session_id: "s2", user_id: 7 })).toBe("session:s2");
    expect(withHeaders({}, { user_id: 7 })).toBe("user:7");
  });

  it("finds none in a prompt or in values that are no keys", () => {
    expect(
      withHeaders({}, { prompt: '"user": "mallory"', user: { name: "x" }, session_params: null }),
    ).toBeUndefined();
    expect(withHeaders({})).toBeUndefined();
  });
});

describe("routingKeyByRules()", () => {
  const rules = { headers: ["x-team", "x-chat"], fields: ["metadata.session", "user"] };
  const by = (headers: Record<string, string>, fields: Record<string, unknown> = {}) =>
    routingKeyByRules(rules, { header: (name) => headers[name], field: (path) => fields[path] });

  it("takes the first header, then the first field, and nothing else", () => {
    expect(by({ "x-chat": "c", "x-team": " t " }, { user: "u" })).toBe("header:x-team:t");
    expect(by({ "x-team": " " }, { user: "u", "metadata.session": 12 })).toBe("field:metadata.session:12");
    expect(by({ "x-session-id": "s" }, { user: {}, session_id: "s" })).toBeUndefined();
  });
});
