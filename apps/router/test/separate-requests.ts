import { Agent, request } from "node:http";

/** An answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** What the answer says of its decision. */
  readonly decision: string;
}

/** A request on a connection of its own, so that the system gives it to any of the threads. */
export function alone(
  url: string,
  options: {
    readonly method?: string;
    readonly body?: unknown;
    readonly headers?: Record<string, string>;
  } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      agent: new Agent({ keepAlive: false }),
      method: options.method ?? (options.body === undefined ? "GET" : "POST"),
      headers: { "content-type": "application/json", ...options.headers },
    });
    sent.once("error", reject);
    sent.once("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.once("error", reject);
      response.once("close", () =>
        response.complete
          ? resolve({
              status: response.statusCode ?? 0,
              text,
              decision: String(response.headers["x-vllm-router-decision"]),
            })
          : reject(new Error("cut off")),
      );
    });
    sent.end(options.body === undefined ? undefined : JSON.stringify(options.body));
  });
}

/** Makes so many of something. */
export const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));
