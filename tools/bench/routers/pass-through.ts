import { Agent, createServer, request } from "node:http";

/** The control: hands every request on to the workers in turn and every answer back, with nothing in between. */
const [port = "0", ...workers] = process.argv.slice(2);
const addresses = workers.map((worker) => new URL(worker));
const agent = new Agent({ keepAlive: true });
let turn = 0;

const server = createServer((incoming, outgoing) => {
  const address = addresses[turn++ % addresses.length];
  const onward = request(
    {
      agent,
      host: address?.hostname,
      port: address?.port,
      method: incoming.method,
      path: incoming.url,
      headers: incoming.headers,
    },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    },
  );
  onward.on("error", () => outgoing.destroy());
  incoming.pipe(onward);
});

server.listen(Number(port), "127.0.0.1");
